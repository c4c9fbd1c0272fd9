"""Instants of the world: whole milliseconds since 1970 in UTC, and how the sources write them."""

from datetime import UTC, datetime, timedelta

HOUR = 3_600_000
DAY = 24 * HOUR
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - what it becomes is written with its offset


def of(moment: datetime) -> int:
    """Return the milliseconds of an aware datetime."""
    return round(moment.timestamp() * 1000)


def jira(at: int, offset_minutes: int) -> str:
    """Return an instant as Jira writes it: in the viewer's zone, the offset without a colon."""
    local = _EPOCH + timedelta(milliseconds=at + offset_minutes * 60_000)
    hours, minutes = divmod(abs(offset_minutes), 60)
    sign = "-" if offset_minutes < 0 else "+"
    return f"{local.isoformat(timespec='milliseconds')}{sign}{hours:02d}{minutes:02d}"


def agile(at: int) -> str:
    """Return an instant as Jira's sprints have it: in UTC with milliseconds and a Z."""
    return (_EPOCH + timedelta(milliseconds=at)).isoformat(timespec="milliseconds") + "Z"


def github(at: int) -> str:
    """Return an instant as GitHub writes it: in UTC, whole seconds and a Z."""
    return f"{_utc(at):%Y-%m-%dT%H:%M:%SZ}"


def day(at: int) -> str:
    """Return the UTC date of an instant."""
    return f"{_utc(at):%Y-%m-%d}"


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at // 1000, UTC)
