"""The slots of a schedule: when it asks for a run, by cron in a time zone or by an interval.

Every instant here is aware, and in UTC where it is returned.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cron_descriptor import Options, get_description
from croniter import CroniterError, croniter

from common.errors import UsageError
from jobs.models import Job

_MINUTE: Final = timedelta(minutes=1)
_RANDOM: Final = re.compile(r"\b[rRhH]\b")
_BACK: Final = tuple(timedelta(days=days) for days in (1 / 24, 1, 7, 32, 367, 2930, 14_700))
_ALIASES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


@dataclass(frozen=True)
class Timetable:
    """All slots of a schedule. Exactly one of cron and every is given.

    cron: five fields, read in the zone. One whose hours are restricted is on the wall clock: what
    falls into the hour that summer time leaves out comes once, at its end, and what falls into
    the doubled hour comes once, in the first. One that is for every hour goes by elapsed time.
    every, anchor: the slots are `anchor` and whatever is a multiple of `every` away from it;
    without an anchor the first is `every` after the moment asked for.
    """

    zone: ZoneInfo
    cron: str = ""
    every: timedelta = timedelta()
    anchor: datetime | None = None

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the slots later than a moment, in order, without end."""
        if not self.cron:
            return self._intervals(moment)
        if _is_for_every_hour(self.cron):
            return self._by_elapsed_time(moment)
        return self._by_wall_clock(moment)

    def next(self, moment: datetime) -> datetime:
        """Return the first slot later than a moment."""
        if not self.cron:
            return next(self.after(moment))
        return _next_by_cron(self, moment.astimezone(UTC).replace(second=0, microsecond=0))

    def last(self, moment: datetime) -> datetime | None:
        """Return the newest slot not later than a moment; None if there is none in forty years."""
        if self.every and self.anchor:
            return moment - (moment - self.anchor) % self.every
        for back in _BACK:
            newest = None
            for slot in self.after(moment - back):
                if slot > moment:
                    break
                newest = slot
            if newest is not None:
                return newest
        return None

    def words(self) -> str:
        """Say the schedule to people."""
        if not self.cron:
            return f"every {spell(self.every)}"
        options = Options()
        options.use_24hour_time_format = True
        described = get_description(self.cron, options)
        return f"{described[:1].lower()}{described[1:]} ({self.zone.key})"

    def _intervals(self, moment: datetime) -> Iterator[datetime]:
        anchor = self.anchor or moment
        slot = anchor + ((moment - anchor) // self.every + 1) * self.every
        while True:
            yield slot.astimezone(UTC)
            slot += self.every

    def _by_wall_clock(self, moment: datetime) -> Iterator[datetime]:
        newest = moment
        for wall in _walls(self.cron, _wall(moment, self.zone)):
            slot = instant(wall, self.zone)
            if slot > newest:
                newest = slot
                yield slot

    def _by_elapsed_time(self, moment: datetime) -> Iterator[datetime]:
        """Walk each stretch between two changes of the clock by the offset that it has."""
        begin = moment.astimezone(UTC)
        wall = _wall(begin, self.zone)
        while True:
            offset = _offset(begin, self.zone)
            for each in _walls(self.cron, wall):
                slot = (each - offset).replace(tzinfo=UTC)
                if _offset(slot, self.zone) != offset:
                    begin = _change(self.zone, begin, slot)
                    wall = _wall(begin, self.zone) - _MINUTE
                    break
                begin = slot
                yield slot


def timetable_of(job: Job) -> Timetable | None:
    """Return the slots of a job, None if it has no schedule; raise UsageError if it is none.

    The next slot of a job with an interval is the anchor of all of its slots.
    """
    if not job.cron and not job.interval_minutes:
        return None
    zone = zone_of(job.tenant.time_zone)
    if job.cron:
        return Timetable(zone, cron=checked_cron(job.cron))
    every = timedelta(minutes=job.interval_minutes or 0)
    return Timetable(zone, every=every, anchor=job.next_slot_at or job.next_run_at)


@lru_cache(maxsize=256)
def checked_cron(text: str) -> str:
    """Return a cron expression in its five fields; raise UsageError that says what is wrong."""
    cron = _ALIASES.get(text.strip().lower(), " ".join(text.split()))
    expected = "give minute, hour, day, month and weekday, such as '30 6 * * 1-5', or @daily"
    if len(cron.split()) != 5 or _RANDOM.search(cron):
        raise UsageError(f"the schedule {text!r} is no cron expression: {expected}")
    try:
        croniter(cron, datetime(2026, 1, 1, tzinfo=UTC)).get_next(datetime)
        get_description(cron)
    except CroniterError as error:
        raise UsageError(
            f"the schedule {text!r} is no cron expression: {error}; {expected}"
        ) from error
    except Exception as error:
        raise UsageError(f"the schedule {text!r} cannot be read: {error}; {expected}") from error
    return cron


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone; raise UsageError if there is none of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"there is no time zone {name!r}: give one such as Europe/Berlin"
        ) from error


def spell(span: timedelta) -> str:
    """Return a span of whole minutes in words."""
    minutes = int(span.total_seconds() // 60)
    for size, unit in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes % size == 0:
            count = minutes // size
            return unit if count == 1 else f"{count} {unit}s"
    return ""


def instant(wall: datetime, zone: ZoneInfo, fold: int = 0) -> datetime:
    """Return the instant at which the clocks of a zone show a wall time (naive).

    fold: 1 for the second of two. Of a time that is left out it is when the clocks jump over it.
    """
    found = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if _wall(found, zone) == wall:
        return found
    late = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _change(zone, early, late)


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first second with another offset than `before` has, which `after` has not."""
    offset = _offset(before, zone)
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(datetime.fromtimestamp(middle, UTC), zone) == offset:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)


def _walls(cron: str, after: datetime) -> Iterator[datetime]:
    """Yield the wall times (naive) of a cron expression later than one."""
    times = croniter(cron, after.replace(second=0, microsecond=0))
    while True:
        yield times.get_next(datetime)


@lru_cache(maxsize=256)
def _is_for_every_hour(cron: str) -> bool:
    hours = croniter(cron, datetime(2026, 1, 1, tzinfo=UTC)).expanded[1]
    return hours == ["*"] or len(hours) == 24


@lru_cache(maxsize=4096)
def _next_by_cron(table: Timetable, minute: datetime) -> datetime:
    """Return the first slot after a whole minute; it is asked for again at every sweep of it."""
    return next(table.after(minute))
