"""HTTP to Jira: the paths of both flavours, and what statuses and headers mean."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NoReturn, TypeVar
from urllib.parse import quote

import msgspec

from common.brackets import cut
from common.errors import TransientError, UnreadableError
from common.http import Answer
from common.retry_after import LONGEST_WAIT_SECONDS, parse_reset, parse_retry_after
from integrations.contract import Live

from .refusals import (
    ADDRESS,
    SIGN_IN,
    RefusedError,
    is_anonymous,
    is_page_of_html,
    refusal,
    request_of,
)
from .settings import JiraSettings

T = TypeVar("T")

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_QUOTA: Final = ("quota", "cost")
_BEFORE_IDS: Final = ("project", "board", "issue")
_NO_IDS: Final = ("search", "bulkfetch")


class Client:
    """Requests to one site. Errors name the step, the request, and what to do.

    step: what a request is made for, in a person's words (`list projects`).
    """

    def __init__(self, live: Live) -> None:
        self.live = live
        settings: JiraSettings = live.settings
        self.settings = settings
        self._api = "rest/api/3" if settings.is_cloud else "rest/api/2"

    def get(
        self,
        step: str,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        accepting: Collection[int] = (),
        is_open: bool = False,
    ) -> Answer:
        """Send a GET; return an answer of success, or with one of the accepted statuses.

        is_open: it is answered to nobody as well.
        """
        scope = f"GET {_family(path)}"
        answer = self.live.site.get(self._path(path), params, scope=scope)
        return self._checked(step, answer, scope, accepting, is_open=is_open)

    def post(
        self, step: str, path: str, payload: Mapping[str, Any], *, accepting: Collection[int] = ()
    ) -> Answer:
        """Send a POST that reads; see `get`."""
        scope = f"POST {_family(path)}"
        answer = self.live.site.post(self._path(path), payload, scope=scope)
        return self._checked(step, answer, scope, accepting)

    def _path(self, path: str) -> str:
        """Return a path of the site; one without a slash before it is of the platform's API."""
        return path.removeprefix("/") if path.startswith("/") else f"{self._api}/{path}"

    def _checked(
        self,
        step: str,
        answer: Answer,
        scope: str,
        accepting: Collection[int],
        *,
        is_open: bool = False,
    ) -> Answer:
        if answer.status == 429:
            self._hold(step, answer, scope)
        self._note(answer, scope)
        is_success = 200 <= answer.status < 300
        if is_success and is_page_of_html(answer):
            detail = "answered with a web page where JSON was asked for, such as one to sign in"
            raise RefusedError(step, answer, detail, f"{SIGN_IN}; or {ADDRESS}")
        is_taken = is_success or answer.status in accepting
        if is_taken and not is_open and is_anonymous(answer):
            detail = "was answered as to nobody: how it was signed is not accepted"
            if self.settings.is_cloud:
                raise RefusedError(step, answer, detail, SIGN_IN)
            raise TransientError(f"{step}: {request_of(answer)} {detail}; it is asked again")
        if not is_taken:
            raise refusal(step, answer)
        return answer

    def _hold(self, step: str, answer: Answer, scope: str) -> NoReturn:
        """Let nobody ask for as long as Jira says: a quota is of everything, a burst of a path."""
        reason = answer.headers.get("ratelimit-reason", "")
        seconds = _wait_seconds(answer)
        is_quota = any(word in reason.lower() for word in _QUOTA)
        told = f"{step}: {request_of(answer)} answered 429" + (
            f" ({reason[:60]})" if reason else ""
        )
        self.live.site.hold(seconds, told, "" if is_quota or not reason else scope)

    def _note(self, answer: Answer, scope: str) -> None:
        remaining = answer.headers.get("x-ratelimit-remaining", "")
        resets_at = parse_reset(answer.headers.get("x-ratelimit-reset"))
        if remaining.isascii() and remaining.isdigit() and len(remaining) < 12 and resets_at:
            self.live.site.note(int(remaining), resets_at, scope)


def read(step: str, answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
    """Decode an answer; raise UnreadableError for what is no JSON, or JSON of another form."""
    try:
        return decoder.decode(answer.body.removeprefix(BYTE_ORDER_MARK))
    except UNREADABLE as error:
        raise unreadable(step, answer, error) from None


def read_page(
    step: str, answer: Answer, decoder: msgspec.json.Decoder[T], name: str
) -> tuple[T, list[msgspec.Raw] | None]:
    """Decode a page; also one in which an entity of the list of this name is no JSON.

    Then the list is empty in what is returned, and its entities beside it, else None.
    """
    try:
        return read(step, answer, decoder), None
    except UnreadableError:
        found = cut(answer.body.removeprefix(BYTE_ORDER_MARK), name)
        if found is None:
            raise
        try:
            return decoder.decode(found.head), [msgspec.Raw(each) for each in found.entities]
        except UNREADABLE as error:
            raise unreadable(step, answer, error) from None


def unreadable(step: str, answer: Answer, error: Exception) -> UnreadableError:
    """Return the error of an answer that was not read."""
    size = len(answer.body)
    what = f"no JSON as expected ({error})" if size else "nothing"
    request = request_of(answer)
    told = f"{step}: {request} answered {answer.status} with {what}, {size:,} bytes"
    return UnreadableError(told, answer)


def quoted(segment: str) -> str:
    """Return a text as one segment of a path."""
    return quote(segment, safe="")


def _family(path: str) -> str:
    """Return what of a path Jira limits together: its ids replaced by a star."""
    parts = path.removeprefix("/").removeprefix("rest/").split("/")
    pairs = zip(["", *parts], parts, strict=False)
    return "/".join(
        "*" if before in _BEFORE_IDS and part not in _NO_IDS else part for before, part in pairs
    )[:90]


def _wait_seconds(answer: Answer) -> float | None:
    """Return how long a refusal for too many requests asks to wait, None if it does not say."""
    asked = parse_retry_after(answer.headers.get("retry-after"), answer.fetched_at)
    if asked is not None:
        return max(asked, 1.0)
    resets_at = parse_reset(answer.headers.get("x-ratelimit-reset"))
    if resets_at is not None:
        seconds = (resets_at - answer.fetched_at).total_seconds()
        if seconds > 0:
            return min(seconds, LONGEST_WAIT_SECONDS)
    return None
