"""HTTP to a source: one address, a deadline and a size limit on every answer, a shared budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Answer:
    """An answer as received, whatever its status. body: the bytes after content-decoding.

    headers: names in lower case; of a repeated one the values are joined by a comma.
    request_body: empty where there was none. fetched_at: by our clock.
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


class Site:
    """An address that requests are sent to, signed in or not. Thread-safe."""

    api_url: str

    def get(
        self, path: str, params: Mapping[str, str | int] | None = None, *, scope: str = ""
    ) -> Answer:
        """Send a GET; see `send`."""
        raise NotImplementedError

    def post(self, path: str, payload: Any, *, scope: str = "") -> Answer:
        """Send a POST of a JSON payload; see `send`."""
        raise NotImplementedError

    def hold(self, seconds: float, reason: str, scope: str = "") -> None:
        """Hold the budget and raise WaitError; see `Budget.hold`."""
        raise NotImplementedError

    def note(self, remaining: int, resets_at: datetime, scope: str = "") -> None:
        """See `Budget.note`."""
        raise NotImplementedError
