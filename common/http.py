"""HTTP to a source: one address, a deadline and a size limit on every answer, a shared budget."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from common.decoding import ACCEPTED
from common.egress import EgressPolicy, has_dots
from common.errors import PermanentError, TransientError, UsageError, WaitError
from common.redaction import KNOWN, Redactor
from common.retry_after import LONGEST_WAIT_SECONDS
from common.transport import Limits, Received, send

USER_AGENT: Final = "etl/0.1.0"
_DEFAULT_HEADERS: Final = {
    "user-agent": USER_AGENT,
    "accept": "application/json",
    "accept-encoding": ACCEPTED,
}
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Answer:
    """An answer as received, whatever its status. body: the bytes after content-decoding.

    headers: names in lower case; of a repeated one the values are joined by a comma.
    request_body: empty where there was none. fetched_at: by our clock. Credentials are redacted
    in all of it. No redirect is followed: of one, `location` is there and the body is not read.
    """

    method: str
    url: str
    request_body: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    media_type: str
    fetched_at: datetime


class Budget(Protocol):
    """The request budget of one credential, shared by all who use it.

    scope: a family of requests that the source limits apart; empty means all of them.
    """

    def take(self, scope: str) -> None:
        """Take one request; raise WaitError while the source must be left alone."""

    def hold(self, seconds: float, reason: str, scope: str = "") -> None:
        """Let nobody send a request of this scope for so long."""

    def note(self, remaining: int, resets_at: datetime, scope: str = "") -> None:
        """Note how many requests the source says are left until when."""


class NoBudget:
    """The budget of an address that is asked too seldom to count, such as that of a new token."""

    def take(self, scope: str) -> None:
        """Permit every request."""

    def hold(self, seconds: float, reason: str, scope: str = "") -> None:
        """Keep nobody off: the caller's WaitError is enough."""

    def note(self, remaining: int, resets_at: datetime, scope: str = "") -> None:
        """Pass it over."""


class Site:
    """An address that requests are sent to, signed in or not. Thread-safe.

    secrets: what is redacted in every answer and error. policy: which addresses may be reached.
    watched: name of a header, in small letters; seen: its value in the last answer that had it.
    """

    api_url: str
    seen: str = ""

    def __init__(
        self,
        api_url: str,
        headers: Mapping[str, str],
        *,
        budget: Budget,
        policy: EgressPolicy,
        secrets: Iterable[str] = (),
        limits: Limits | None = None,
        watched: str = "",
    ) -> None:
        """Raise UsageError for a header that cannot be sent, such as a token with a line end."""
        self.api_url = api_url.rstrip("/")
        self._headers = dict(_DEFAULT_HEADERS)
        for name, value in headers.items():
            if not (value.isprintable() and value.isascii()):
                raise UsageError(
                    f"the credentials hold a character that the header {name} cannot carry; "
                    "enter them again"
                )
            self._headers[name.lower()] = value
        self._budget = budget
        self._policy = policy
        self._limits = limits or Limits()
        self._watched = watched
        hidden = tuple(secrets)
        self._redactor = Redactor(hidden)
        KNOWN.remember(hidden)

    def has(self, url: str) -> bool:
        """Tell whether an absolute URL lies below `api_url`, so that it may be asked for."""
        return _is_below(url, self.api_url)

    def get(
        self, path: str, params: Mapping[str, str | int] | None = None, *, scope: str = ""
    ) -> Answer:
        """Send a GET; see `send`."""
        if params:
            path += ("&" if "?" in path else "?") + urlencode(params)
        return self.send("GET", path, None, scope=scope)

    def post(self, path: str, payload: Any, *, scope: str = "") -> Answer:
        """Send a POST of a JSON payload; see `send`."""
        return self.send("POST", path, msgspec.json.encode(payload), scope=scope)

    def send(self, method: str, path: str, content: bytes | None, *, scope: str = "") -> Answer:
        """Send a request and return its answer, whatever its status.

        path: joined to `api_url`, empty for that itself; or an absolute URL below it, which is
        taken as it stands.
        Raises WaitError while the budget is held; TransientError if no whole answer comes
        (unreachable, too slow, broken off); PermanentError if the address may not be reached or
        the answer is over the limits. Errors name the request.
        """
        url = self._address(path)
        self._budget.take(scope)
        headers = self._headers
        if content is not None:
            headers = {**headers, "content-type": "application/json"}
        try:
            received = send(method, url, headers, content, policy=self._policy, limits=self._limits)
        except (TransientError, PermanentError) as error:
            request = f"{method} {url.partition('?')[0]}"
            raise type(error)(self._redactor.text(f"{request}: {error}")) from None
        return self._answer(method, url, content or b"", received)

    def hold(self, seconds: float | None, reason: str, scope: str = "") -> NoReturn:
        """Hold the budget and raise WaitError; see `Budget.hold`. At most an hour at once.

        seconds: None where the source does not say; then it is `Limits.wait_seconds`.
        """
        seconds = self._limits.wait_seconds if seconds is None else seconds
        seconds = min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)
        reason = self._redactor.text(reason)
        self._budget.hold(seconds, reason, scope)
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        raise WaitError(f"waiting until {until:%H:%M:%S} UTC: {reason}", seconds)

    def note(self, remaining: int, resets_at: datetime, scope: str = "") -> None:
        """See `Budget.note`."""
        self._budget.note(remaining, resets_at, scope)

    def _address(self, path: str) -> str:
        """Return the URL of a path; raise PermanentError unless it lies below `api_url`."""
        if any(ord(char) <= 32 or ord(char) >= 127 or char == "\\" for char in path):
            raise PermanentError(
                self._redactor.text(f"{path[:200]!r} is no path: it has to be percent-encoded")
            )
        is_absolute = path.lower().startswith(("http://", "https://"))
        if is_absolute:
            url = path
        elif path and not path.startswith("?"):
            url = f"{self.api_url}/{path.lstrip('/')}"
        else:
            url = self.api_url + path
        url = url.partition("#")[0]
        if not _is_below(url, self.api_url):
            raise PermanentError(
                self._redactor.text(
                    f"the source named an address outside of {self.api_url}, which is not "
                    f"followed: {url.partition('?')[0][:200]}"
                )
            )
        return url

    def _answer(self, method: str, url: str, content: bytes, received: Received) -> Answer:
        redact = self._redactor
        headers = {
            name.lower(): redact.text(", ".join(received.headers.get_list(name)))
            for name in received.headers
        }
        self.seen = headers.get(self._watched, "") or self.seen
        return Answer(
            method=method,
            url=redact.text(url),
            request_body=redact.text(content.decode()),
            status=received.status,
            headers=headers,
            body=redact.body(received.body),
            media_type=headers.get("content-type", "").partition(";")[0].strip().lower(),
            fetched_at=datetime.now(UTC),
        )


def _is_below(url: str, base: str) -> bool:
    """Tell whether an address has the base's scheme, host and port and lies under its path."""
    try:
        parts, root = urlsplit(url), urlsplit(base)
        same = _origin(parts.scheme, parts.hostname, parts.port) == _origin(
            root.scheme, root.hostname, root.port
        )
    except ValueError:
        return False
    if not same or "@" in parts.netloc or has_dots(parts.path):
        return False
    folder = root.path.rstrip("/")
    return parts.path == folder or parts.path.startswith(f"{folder}/")


def _origin(scheme: str, host: str | None, port: int | None) -> tuple[str, str | None, int | None]:
    return scheme, host, port or _PORTS.get(scheme)
