"""How Jira and GitHub say that a limit is reached or how it stands, and what they announce."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any, Protocol

import msgspec
from starlette.datastructures import Headers

from sandbox.exchange import Exchange

Pairs = list[tuple[str, str]]
_NEAR = 0.2


class Standing(Protocol):
    """How a limit stands."""

    @property
    def limit(self) -> int:
        """What may be asked in its window."""

    @property
    def used(self) -> int:
        """What was asked."""

    @property
    def remaining(self) -> int:
        """What may still be asked."""

    @property
    def seconds_left(self) -> float:
        """How long until it is reset."""


class Manner(Protocol):
    """How a rule refuses."""

    headers: bool
    status: int
    window_seconds: float

    @property
    def reset_format(self) -> str:
        """How Jira writes the reset: with seconds or in minutes."""


@dataclass(frozen=True)
class Refusal:
    """An answer that refuses a request for now."""

    status: int
    headers: Pairs
    body: bytes


def refusal(kind: str, state: Standing, manner: Manner, exchange: Exchange) -> Refusal:
    """Return the refusal of a limit of this kind."""
    if kind.startswith("github"):
        return _github(kind, state, manner, exchange)
    wait = ("Retry-After", str(max(1, ceil(state.seconds_left))))
    text = "Rate limit exceeded."
    if kind == "jira-gateway" or not manner.headers:
        return Refusal(429, [], _json({"code": 429, "message": text}))
    headers = [wait, *standing(kind, state, manner, exchange)]
    if kind != "jira-datacenter":
        headers.append(("RateLimit-Reason", kind))
    return Refusal(manner.status, headers, _json({"errorMessages": [text], "errors": {}}))


def _github(kind: str, state: Standing, manner: Manner, exchange: Exchange) -> Refusal:
    docs = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api"
    if kind == "github-primary":
        text = f"API rate limit exceeded for user {exchange.owner}."
        headers = standing(kind, state, manner, exchange) if manner.headers else []
        if exchange.resource == "graphql" and manner.status == 200:
            error = {"type": "RATE_LIMITED", "message": text}
            return Refusal(200, headers, _json({"errors": [error]}))
        status = 403 if manner.status == 200 else manner.status
        return Refusal(status, headers, _json({"message": text, "documentation_url": docs}))
    text = "You have exceeded a secondary rate limit. Please wait a few minutes and try again."
    headers = []
    if kind == "github-secondary" and manner.headers:
        headers = [("retry-after", str(max(1, ceil(state.seconds_left))))]
    body = _json({"message": text, "documentation_url": f"{docs}#about-secondary-rate-limits"})
    return Refusal(manner.status, headers, body)


def standing(kind: str, state: Standing, manner: Manner, exchange: Exchange) -> Pairs:
    """Return the headers that say how a limit stands; none where its kind has none."""
    if kind == "github-primary":
        reset = str(ceil(time.time() + state.seconds_left))
        return [
            ("x-ratelimit-limit", str(state.limit)),
            ("x-ratelimit-remaining", str(state.remaining)),
            ("x-ratelimit-reset", reset),
            ("x-ratelimit-used", str(min(state.used, state.limit))),
            ("x-ratelimit-resource", exchange.resource),
        ]
    if kind in ("jira-gateway", "jira-cost-based") or kind.startswith("github"):
        return []
    headers = [
        ("X-RateLimit-Limit", str(state.limit)),
        ("X-RateLimit-Remaining", str(state.remaining)),
    ]
    if kind == "jira-datacenter":
        fill = ("X-RateLimit-FillRate", str(state.limit))
        return [*headers, ("X-RateLimit-Interval-Seconds", str(ceil(manner.window_seconds))), fill]
    headers.append(("X-RateLimit-Reset", _reset(state.seconds_left, manner.reset_format)))
    if state.remaining < state.limit * _NEAR:
        headers.append(("X-RateLimit-NearLimit", "true"))
    return headers


def _reset(seconds: float, written: str) -> str:
    at = datetime.now(UTC) + timedelta(seconds=ceil(seconds))
    if written == "minutes":
        return f"{at + timedelta(seconds=59):%Y-%m-%dT%H:%MZ}"
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def refuses(system: str, status: int, headers: Headers) -> bool:
    """Tell whether an answer tells its owner not to ask for a while."""
    if status == 429:
        return True
    spent = headers.get("x-ratelimit-remaining") == "0"
    return system == "github" and status == 403 and (spent or "retry-after" in headers)


def announced_seconds(headers: Headers) -> float | None:
    """Return for how long a refusal says not to ask; None if it says nothing of use."""
    waits = (_delay(headers.get("retry-after", "")), _until(headers.get("x-ratelimit-reset", "")))
    return next((wait for wait in waits if wait is not None), None)


def _delay(text: str) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError):
        return None
    return at - time.time() if at > time.time() else None


def _until(text: str) -> float | None:
    if text.isascii() and text.isdigit():
        return max(0.0, float(text) - time.time())
    try:
        return max(0.0, datetime.fromisoformat(text).timestamp() - time.time())
    except ValueError:
        return None


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)
