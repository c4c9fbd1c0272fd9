"""GitHub's limits, as its answers say them: noted always, obeyed when one is reached."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NoReturn

import msgspec

from common.http import Answer, Site
from common.retry_after import parse_reset, parse_retry_after

# What a refusal for a limit says, should its headers have been lost on the way.
_LIMIT: Final = ("rate limit exceeded", "secondary rate limit", "abuse detection")


class _Message(msgspec.Struct):
    message: str = ""


def obey(site: Site, answer: Answer, scope: str) -> None:
    """Note what an answer says is left; raise WaitError if it was refused for a limit."""
    remaining = remaining_in(answer)
    resets_at = parse_reset(answer.headers.get("x-ratelimit-reset"))
    if remaining is not None and resets_at is not None:
        site.note(remaining, resets_at, scope)
    if answer.status not in (403, 429):
        return
    wait = parse_retry_after(answer.headers.get("retry-after"), answer.fetched_at)
    if wait is not None:
        site.hold(wait, "GitHub asked to wait")
    if remaining == 0:
        hold_until_reset(site, answer, scope)
    if answer.status == 429 or any(each in message(answer).lower() for each in _LIMIT):
        site.hold(None, "GitHub refused for a limit, and does not say for how long")


def hold_until_reset(site: Site, answer: Answer, scope: str) -> NoReturn:
    """Wait until the limit that is used up is reset; raises WaitError."""
    resets_at = parse_reset(answer.headers.get("x-ratelimit-reset"))
    seconds = None
    if resets_at is not None:
        seconds = max(1.0, (resets_at - answer.fetched_at).total_seconds() + 1)
    site.hold(seconds, f"GitHub's hourly limit ({scope}) is used up", scope)


def remaining_in(answer: Answer) -> int | None:
    """Return how many requests an answer says are left, None if it does not."""
    text = answer.headers.get("x-ratelimit-remaining", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def server_time(answer: Answer) -> datetime:
    """Return the time at GitHub when it answered; by our clock where it does not say."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError, IndexError):
        return answer.fetched_at
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def message(answer: Answer) -> str:
    """Return what a refusal says, at most 300 characters; empty if it is not GitHub's JSON."""
    try:
        return msgspec.json.decode(answer.body, type=_Message).message[:300]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
