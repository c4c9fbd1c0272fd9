"""What sources say about when to come back, in the forms that their headers have."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST_WAIT_SECONDS: Final = 3600.0
"""Nobody is held longer than this at once: whoever asks for more is asked again after it."""


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Return the seconds that a `Retry-After` (seconds or a date) asks to wait, at most an hour.

    None for what is absent, garbage, negative or past: then the caller's own backoff holds.
    """
    text = (text or "").strip()
    try:
        if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
            seconds = float(text)
        else:
            moment = parsedate_to_datetime(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(seconds, LONGEST_WAIT_SECONDS) if seconds >= 0 else None


def parse_reset(text: str | None) -> datetime | None:
    """Return the instant (UTC) of a reset header, None if it is absent or garbage.

    Takes epoch seconds and ISO 8601 with or without seconds; without an offset it is UTC.
    """
    text = (text or "").strip()
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
