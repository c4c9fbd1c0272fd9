"""What a schedule should do, said as plainly as can be, to hold the real one against.

It knows all slots from the beginning, by watching a clock on the wall minute after minute, and
keeps them in sets; it shares no code with what it is a model of.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


def values(text: str, low: int, high: int) -> set[int]:
    """Return the values of a cron field, read without a library."""
    found: set[int] = set()
    for part in text.split(","):
        if part.startswith("*"):
            found |= set(range(low, high + 1, int(part[2:] or 1)))
        elif "-" in part:
            first, last = part.split("-")
            found |= set(range(int(first), int(last) + 1))
        else:
            found.add(int(part))
    return found


def watched(cron: str, zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the slots in [begin, end), whole minutes, by watching a clock on the wall."""
    minute, hour, _, _, weekday = cron.split()
    minutes, hours = values(minute, 0, 59), values(hour, 0, 23)
    weekdays = values(weekday, 0, 6)

    def shows(wall: datetime) -> bool:
        is_day = (wall.weekday() + 1) % 7 in weekdays
        return is_day and wall.hour in hours and wall.minute in minutes

    walls = ((begin - back * MINUTE).astimezone(zone) for back in range(1, 30 * 60))
    newest = max(wall.replace(tzinfo=None) for wall in walls)
    moment = begin
    while moment < end:
        wall = moment.astimezone(zone).replace(tzinfo=None)
        if len(hours) == 24:
            if shows(wall):
                yield moment
        elif wall > newest:
            # A clock that jumped has gone past all that it did not show.
            passed = int((wall - newest) / MINUTE)
            if any(shows(wall - step * MINUTE) for step in range(passed)):
                yield moment
            newest = wall
        moment += MINUTE


@dataclass
class ModelJob:
    """One job: its slots in order, its policy, and whether a moment is in a blackout.

    open: slots that nobody has dealt with. rows: outcome and missed slots of those that were.
    passed: slots that were not fired, and are open again if the clock goes back before them.
    """

    policy: str
    slots: list[datetime]
    is_dark: Callable[[datetime], bool]
    open: set[datetime] = field(default_factory=set)
    passed: set[datetime] = field(default_factory=set)
    rows: dict[datetime, tuple[str, int]] = field(default_factory=dict)
    is_running: bool = False

    def begin(self, now: datetime) -> None:
        """Begin the schedule."""
        self.open = {slot for slot in self.slots if slot > now}
        self.passed = {slot for slot in self.slots if slot <= now}

    def tick(self, now: datetime) -> None:
        """Do what is due."""
        again = {slot for slot in self.passed if slot > now}
        self.passed -= again
        self.open |= again
        due = sorted(slot for slot in self.open if slot <= now)
        if self.policy == "skip":
            self._skip(due, now)
        elif due and not self.is_running and not self.is_dark(now):
            self._start(due if self.policy == "once" else due[:1])

    def _skip(self, due: list[datetime], now: datetime) -> None:
        late = [slot for slot in due if now - slot > MINUTE]
        if late:
            self._pass(late)
        for slot in due[len(late) :]:
            if self.is_dark(slot) or self.is_dark(now) or self.is_running:
                self._pass([slot])
            else:
                self._start([slot])

    def _start(self, slots: list[datetime]) -> None:
        self.rows[slots[-1]] = ("started", len(slots) - 1)
        self.open -= set(slots)
        self.passed |= set(slots[:-1])
        self.is_running = True

    def _pass(self, slots: list[datetime]) -> None:
        self.rows[slots[-1]] = ("skipped", len(slots) - 1)
        self.open -= set(slots)
        self.passed |= set(slots)
