"""What an answer that is no success means: which error it is, and what to do about it."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from common.errors import LostPlaceError, PermanentError, PipelineError, TransientError
from common.http import Answer
from common.retry_after import parse_retry_after

_LONGEST_DETAIL: Final = 500
_ANONYMOUS: Final = "anonymous"
_HTML: Final = ("text/html", "application/xhtml+xml")

SIGN_IN: Final = (
    "check user and token: a token may be mistyped, expired or withdrawn, scoped tokens need the "
    "method 'scoped', and those of Data Center 'bearer'; then connect again with a new one"
)
PERMISSION: Final = (
    "give the account the permission, or the token the scope, that this request needs (Browse "
    "projects; read:jira-work and read:jira-user, for sprints read:board-scope:jira-software and "
    "read:sprint:jira-software), or leave out what it may not see by the setting `projects`"
)
ADDRESS: Final = (
    "check the base URL and the setting `flavour` (cloud or datacenter), and whether a proxy or "
    "a login page stands before Jira"
)


class RefusedError(PermanentError):
    """A request that Jira refuses. detail: what it said; remedy: what to do about it."""

    def __init__(self, step: str, answer: Answer, detail: str, remedy: str) -> None:
        self.request = request_of(answer)
        self.status = answer.status
        self.detail = detail
        self.remedy = remedy
        super().__init__(f"{step}: {self.request} {detail.rstrip('.')}; {remedy}")


class EndlessError(RefusedError, LostPlaceError):
    """Pages that go round or never end: the next run begins the walk anew."""


class _ErrorBody(msgspec.Struct, rename="camel"):
    """The forms in which Jira and its gateway say what is wrong."""

    error_messages: list[Any] = []
    errors: Any = None
    message: Any = None
    error_message: Any = None
    error: Any = None
    error_description: Any = msgspec.field(default=None, name="error_description")


_ERROR_BODY: Final = msgspec.json.Decoder(_ErrorBody)


def request_of(answer: Answer) -> str:
    """Return method and path of the request, as people are told it."""
    return f"{answer.method} {_path(answer.url)}"


def _path(url: str) -> str:
    path = url.partition("?")[0].partition("://")[2].partition("/")[2]
    return f"/{path}"


def said(answer: Answer) -> str:
    """Return what an answer says is wrong, on one line; empty if it says nothing readable."""
    try:
        body = _ERROR_BODY.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    parts = [*body.error_messages, body.message, body.error_message, body.error]
    parts += [body.error_description]
    if isinstance(body.errors, dict):
        parts += [f"{name}: {text}" for name, text in body.errors.items()]
    elif isinstance(body.errors, list):
        parts += body.errors
    return _line(part for part in parts if isinstance(part, str) and part)


def _line(parts: Iterable[str]) -> str:
    text = "; ".join(dict.fromkeys(parts))
    return "".join(char if char.isprintable() else " " for char in text)[:_LONGEST_DETAIL].strip()


def is_page_of_html(answer: Answer) -> bool:
    """Tell whether an answer is a web page, such as one to sign in."""
    return answer.media_type in _HTML or answer.body[:200].lstrip()[:1] == b"<"


def is_anonymous(answer: Answer) -> bool:
    """Tell whether Jira took the request for one of nobody, or refused how it was signed."""
    headers = answer.headers
    return (
        headers.get("x-ausername", "").lower() == _ANONYMOUS
        or headers.get("x-seraph-loginreason", "").upper() == "AUTHENTICATED_FAILED"
    )


def refusal(step: str, answer: Answer) -> PipelineError:
    """Return the error that an answer with a status other than 200 to 299 and 429 means."""
    request, status, told = request_of(answer), answer.status, said(answer)
    detail = f"answered {status}" + (f": {told}" if told else "")
    if status >= 500 or status == 408 or status == 425:
        return TransientError(
            f"{step}: {request} {detail}; Jira has trouble of its own, it is asked again",
            parse_retry_after(answer.headers.get("retry-after"), answer.fetched_at),
        )
    if status in (400, 404) and is_anonymous(answer):
        return TransientError(
            f"{step}: {request} {detail} to nobody: the session expired, it is asked again"
        )
    return RefusedError(step, answer, detail, _remedy(answer))


def _remedy(answer: Answer) -> str:
    status = answer.status
    if status == 401:
        return PERMISSION if "scope" in said(answer).lower() else SIGN_IN
    if status == 403:
        denied = answer.headers.get("x-authentication-denied-reason", "")
        if "CAPTCHA" in denied.upper():
            return "sign in once with a browser and solve the CAPTCHA, then try again"
        return PERMISSION
    if 300 <= status < 400:
        return f"it points elsewhere, which is not followed: {ADDRESS}"
    if status == 404:
        return f"there is no such thing, or the account may not see it: {ADDRESS}"
    if status == 410:
        return f"Jira withdrew this address: a newer version of this program may help; or {ADDRESS}"
    if status == 400:
        return "check the settings `projects` and `jql`"
    return ADDRESS
