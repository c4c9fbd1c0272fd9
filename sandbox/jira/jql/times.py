"""Times in JQL: read in the user's zone, to the minute, or as milliseconds since 1970."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.generate import moments
from sandbox.jira.jql.parser import JqlError

_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
_PERIOD = re.compile(r"[+-]?\d+[wdhm]( \d+[wdhm])*")
_STEPS = {"w": 7 * 24 * 60, "d": 24 * 60, "h": 60, "m": 1}
_MINUTE = 60_000


def span(text: str, field: str, zone: ZoneInfo, now: int) -> tuple[int, int]:
    """Return the first and the last millisecond that a value names; raise JqlError.

    A number, and a period from now (`-5d`), is an instant; a date and time is a minute, a date a
    day, both in the zone. A local time that a clock change skips is read by the offset before it,
    one that comes twice is the first of the two.
    """
    if re.fullmatch(r"-?\d{1,17}", text):
        return int(text), int(text)
    if _PERIOD.fullmatch(text):
        at = now + _period(text)
        return at, at
    for written in _FORMATS:
        try:
            local = datetime.strptime(text, written)  # noqa: DTZ007 - the zone follows
        except ValueError:
            continue
        step = timedelta(minutes=1) if "%H" in written else timedelta(days=1)
        return _instant(local, zone), _instant(local + step, zone) - 1
    raise JqlError(
        f"Date value '{text}' for field '{field}' is invalid. Valid formats include: "
        "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format "
        "e.g. '-5d', '4w 2d'."
    )


def _period(text: str) -> int:
    minutes = sum(int(n) * _STEPS[unit] for n, unit in re.findall(r"(\d+)([wdhm])", text))
    return -minutes * _MINUTE if text.startswith("-") else minutes * _MINUTE


def _instant(local: datetime, zone: ZoneInfo) -> int:
    try:
        return moments.of(local.replace(tzinfo=zone))
    except (OverflowError, ValueError):
        return 0 if local.year < 1970 else 1 << 42
