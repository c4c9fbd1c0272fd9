"""Instants and dates from outside, in every form the sources use; all become UTC."""

from datetime import UTC, date, datetime
from typing import Final

from common.errors import RecordError

_EPOCH_MILLISECONDS_FROM: Final = 100_000_000_000


def parse_time(value: str | int | float, path: str) -> datetime:
    """Return the instant in UTC; raise RecordError(`bad_time`) with `path` as its place.

    Takes ISO 8601 with any offset form (`+0800`, `+08:00`, `Z`), epoch milliseconds and epoch
    seconds. Text without an offset is refused: it names no instant.
    """
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
        else:
            seconds = value / 1000 if abs(value) >= _EPOCH_MILLISECONDS_FROM else value
            moment = datetime.fromtimestamp(seconds, UTC)
        if moment.tzinfo is None:
            raise ValueError("no offset from UTC")
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise RecordError("bad_time", f"{str(value)[:60]!r}: {error}", path) from None


def parse_date(value: str, path: str) -> date:
    """Return the calendar date of `YYYY-MM-DD`; raise RecordError(`bad_date`)."""
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise RecordError("bad_date", f"{value[:60]!r}: {error}", path) from None
