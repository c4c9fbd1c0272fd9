"""The organisation's own time: it stands still but for changes, so that a run can be repeated."""

from datetime import UTC, datetime
from email.utils import format_datetime

SECOND = 1_000


class Clock:
    """Virtual time in whole milliseconds since 1970, UTC. It never goes back."""

    def __init__(self, now: int) -> None:
        self.now = now

    def tick(self) -> int:
        """Let a second pass, as it does with each change; return the time then."""
        self.now += SECOND
        return self.now

    def advance(self, seconds: float) -> int:
        """Let time pass; return the time then. Raise ValueError for less than none."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self.now += round(seconds * SECOND)
        return self.now

    @property
    def moment(self) -> datetime:
        """The time as an aware datetime."""
        return datetime.fromtimestamp(self.now / SECOND, UTC)

    @property
    def date_header(self) -> str:
        """The time as the header `Date` has it."""
        return format_datetime(self.moment.replace(microsecond=0), usegmt=True)
