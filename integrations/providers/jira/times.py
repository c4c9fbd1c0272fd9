"""The source's own clock and instants, in milliseconds since 1970."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from common.errors import RecordError
from common.http import Answer
from common.times import parse_time


def milliseconds(moment: datetime) -> int:
    """Return an instant as milliseconds since 1970, rounded down."""
    return int(moment.timestamp() * 1000 // 1)


def ms_of(value: Any) -> int | None:
    """Return the instant that an issue's time names, None if it names none."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        return milliseconds(parse_time(value, ""))
    except RecordError:
        return None


def source_now(answer: Answer) -> int:
    """Return the time at the source when it answered; by our clock if it does not say."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError, IndexError):
        moment = answer.fetched_at
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return milliseconds(moment)
