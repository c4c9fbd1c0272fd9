"""Blackouts: windows, in a tenant's time zone, in which no scheduled run starts."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from common.errors import UsageError
from jobs.slots import instant

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES: Final = 1440
_WEEK_MINUTES: Final = 7 * _DAY_MINUTES
_HOURS: Final = re.compile(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)")
_EXPECTED: Final = (
    "give days and hours such as 'mon-fri 08:00-18:00', 'sat,sun 22:00-06:00' or "
    "'daily 00:00-01:00', or dates such as '2026-12-24..2026-12-26'"
)


@dataclass(frozen=True)
class Weekly:
    """Hours of some days of the week; over midnight if end is not later than start.

    days: 0 is Monday. start, end: minutes of the day; end is exclusive, up to 1440.
    """

    days: frozenset[int]
    start: int
    end: int

    def end_of(self, wall: datetime) -> datetime | None:
        """Return when (wall time) the window ends that a wall time is in, None if in none."""
        midnight = datetime.combine(wall.date(), time())
        for day in (midnight - timedelta(days=1), midnight):
            if day.weekday() in self.days:
                start = day + timedelta(minutes=self.start)
                end = start + timedelta(minutes=self._length())
                if start <= wall < end:
                    return end
        return None

    def minutes(self) -> set[int]:
        """Return the minutes of the week that it covers."""
        starts = (day * _DAY_MINUTES + self.start for day in self.days)
        length = self._length()
        return {(start + minute) % _WEEK_MINUTES for start in starts for minute in range(length)}

    def _length(self) -> int:
        return (self.end - self.start) if self.end > self.start else self.end + 1440 - self.start


@dataclass(frozen=True)
class Dates:
    """Whole days, from the first to the last."""

    first: date
    last: date

    def end_of(self, wall: datetime) -> datetime | None:
        """Return when (wall time) the last day ends, None if a wall time is outside."""
        if self.first <= wall.date() <= self.last:
            return datetime.combine(self.last + timedelta(days=1), time())
        return None


@dataclass(frozen=True)
class Blackouts:
    """Windows in a zone; never all of the week."""

    windows: tuple[Weekly | Dates, ...]
    zone: ZoneInfo

    def end_of(self, moment: datetime) -> datetime:
        """Return the first moment not before this one that is in no window."""
        while True:
            wall = moment.astimezone(self.zone).replace(tzinfo=None)
            ends = [end for window in self.windows if (end := window.end_of(wall)) is not None]
            if not ends:
                return moment
            end = instant(max(ends), self.zone)
            # In the second of two equal hours the window ends when they are over again.
            moment = end if end > moment else instant(max(ends), self.zone, fold=1)

    def cover(self, moment: datetime) -> bool:
        """Say whether a moment is in a window."""
        return self.end_of(moment) != moment


@lru_cache(maxsize=1024)
def parse(text: str, zone: ZoneInfo) -> Blackouts:
    """Return the windows of a text, one a line.

    Raises UsageError that names the line and what is expected, or that nothing is left.
    """
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    windows = tuple(_window(line, number) for number, line in lines if line)
    covered: set[int] = set()
    for window in windows:
        if isinstance(window, Weekly):
            covered |= window.minutes()
    if len(covered) == _WEEK_MINUTES:
        raise UsageError("the blackout windows cover the whole week: leave some time for a run")
    return Blackouts(windows, zone)


def _window(line: str, number: int) -> Weekly | Dates:
    try:
        words = line.lower().split()
        if len(words) == 1:
            return _dates(words[0])
        if len(words) != 2:
            raise ValueError(f"it has {len(words)} words")
        start, end = _hours(words[1])
        return Weekly(_days(words[0]), start, end)
    except ValueError as error:
        raise UsageError(f"blackouts, line {number}: {line!r}: {error}; {_EXPECTED}") from error


def _dates(text: str) -> Dates:
    first, dots, last = text.partition("..")
    try:
        dates = Dates(date.fromisoformat(first), date.fromisoformat(last if dots else first))
    except ValueError:
        raise ValueError("it is neither days with hours nor dates") from None
    if dates.last < dates.first:
        raise ValueError("the last day is before the first")
    if dates.last == date.max:
        raise ValueError("it never ends")
    return dates


def _days(text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        for name in (first, last) if dash else (first,):
            if name not in _DAYS:
                raise ValueError(f"{name!r} is no day ({', '.join(_DAYS)})")
        begin, end = _DAYS.index(first), _DAYS.index(last if dash else first)
        days |= {day % 7 for day in range(begin, end + 1 + (7 if end < begin else 0))}
    return frozenset(days)


def _hours(text: str) -> tuple[int, int]:
    """Return start and end in minutes of the day."""
    match = _HOURS.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} are no hours")
    numbers = [int(number) for number in match.groups()]
    start, end = numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
    if numbers[1] > 59 or numbers[3] > 59 or start >= _DAY_MINUTES or end > _DAY_MINUTES:
        raise ValueError(f"{text!r} are no hours of a day")
    if start == end:
        raise ValueError("it lasts no time; a whole day is 00:00-24:00")
    return start, end
