"""How the metrics of a work item came about: which change made each, by which policy.

`warehouse/flow.py` alone computes what is stored. This tells the same policies of one item, from
its statuses in their order; that both agree is tested on random histories.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import Final

POLICIES: Final = {
    "current_type": "All of the history is read by the rules of the project and type it has now.",
    "history_decides": "The changes say where an item was; its current status does not.",
    "same_instant": "Changes of one instant are in the order of their history's number.",
    "truncated_history": "An item of which not all changes are loaded has no metrics.",
    "unmapped_status": "Time in a status without a rule is neither active nor waiting, commits to "
    "nothing and ends a run of done.",
    "unplaced_step": "Where no position tells, in progress, waiting and done are past commitment.",
    "discarded": "To discard is not to commit, and an item that ends discarded is not done.",
    "first_start": "The first start counts: going back to to do does not take it back, and time "
    "there is neither active nor waiting.",
    "last_done": "Done is the start of the last unbroken run of done, if it is in it still.",
    "skipped_active": "Done without a start has a lead time and no cycle time.",
    "created_done": "Done from its creation has a lead time of 0 and no cycle time.",
    "created_after_history": "A span that ends before it begins is left out, and of time before "
    "creation nothing counts towards a span that begins with it.",
}
"""Each policy of docs/metrics.md in a sentence."""

TO_DO, ACTIVE, WAITING, DONE, DISCARDED = "to_do", "in_progress", "waiting", "done", "discarded"
_WORDS: Final = {
    TO_DO: "to do",
    ACTIVE: "in progress",
    WAITING: "waiting",
    DONE: "done",
    DISCARDED: "discarded",
}


class Placed(Enum):
    """What tells on which side of the commitment point a status lies."""

    POINT = "which is the commitment point of its workflow"
    AFTER = "which comes after the commitment point of its workflow"
    BEFORE = "which comes before the commitment point of its workflow"
    CATEGORY = "for which no position tells, so its category does"
    DISCARDED = "which is discarded"


@dataclass(frozen=True)
class Meaning:
    """What a status means: its category, and whether to enter it is to be committed."""

    category: str
    commits: bool
    placed: Placed = Placed.CATEGORY


@dataclass(frozen=True)
class Entry:
    """An item enters a status. meaning: None where no rule maps it."""

    at: datetime
    name: str
    meaning: Meaning | None

    @property
    def category(self) -> str | None:
        return self.meaning.category if self.meaning else None


@dataclass(frozen=True)
class Point:
    """An instant, the number of the entry that made it, and why. policies: those that mattered."""

    at: datetime | None
    entry: int | None
    reason: str
    policies: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """A length of time in seconds, and why. parts: what each entry adds to it."""

    seconds: float | None
    reason: str
    policies: tuple[str, ...] = ()
    parts: tuple[tuple[int, timedelta], ...] = ()


@dataclass(frozen=True)
class Explained:
    """Every metric of an item."""

    committed: Point
    started: Point
    done: Point
    lead: Span
    cycle: Span
    active: Span
    waiting: Span

    @property
    def metrics(self) -> tuple[datetime | float | None, ...]:
        """The values in the order of `warehouse.flow.METRICS`."""
        points = (self.committed, self.started, self.done)
        spans = (self.lead, self.cycle, self.active, self.waiting)
        return (*(point.at for point in points), *(span.seconds for span in spans))


def placed(
    category: str, position: int | None, is_point: bool, point: int | None
) -> tuple[bool, Placed]:
    """Return whether a status commits, and what tells it.

    position: of its step, None without one. point: the position of the workflow's commitment
    point, None where there is none or it has no position.
    """
    if category == DISCARDED:
        return False, Placed.DISCARDED
    if is_point:
        return True, Placed.POINT
    if position is not None and point is not None:
        return position >= point, Placed.AFTER if position >= point else Placed.BEFORE
    return category in (ACTIVE, WAITING, DONE), Placed.CATEGORY


def explain(created_at: datetime, entries: Sequence[Entry], is_whole: bool) -> Explained:
    """Explain the metrics of an item. entries: from its creation on, in their order, at least
    one. is_whole: all of its changes are loaded."""
    if not is_whole:
        reason, policies = "Not all of its changes are loaded.", ("truncated_history",)
        point, span = Point(None, None, reason, policies), Span(None, reason, policies)
        return Explained(point, point, point, span, span, span, span)
    committed = _committed(entries)
    started = _started(entries, committed)
    done = _done(entries)
    lead = _lead(created_at, done)
    cycle = _cycle(started, done)
    active, waiting = (
        _spent(entries, category, started, done, cycle) for category in (ACTIVE, WAITING)
    )
    return Explained(committed, started, done, lead, cycle, active, waiting)


def _entered(entries: Sequence[Entry], number: int) -> str:
    verb = "Was created in" if number == 0 else "Entered"
    return f"{verb} “{entries[number].name}”"


def _committed(entries: Sequence[Entry]) -> Point:
    for number, entry in enumerate(entries):
        if entry.meaning and entry.meaning.commits:
            how = entry.meaning.placed
            policies: tuple[str, ...] = ("unplaced_step",) if how is Placed.CATEGORY else ()
            reason = f"{_entered(entries, number)}, {how.value}."
            return Point(entry.at, number, reason, policies)
    categories = {entry.category for entry in entries}
    policies = tuple(
        name
        for name, category in (("unmapped_status", None), ("discarded", DISCARDED))
        if category in categories
    )
    reason = "No status that it has been in is the commitment point or lies after it."
    return Point(None, None, reason, policies)


def _started(entries: Sequence[Entry], committed: Point) -> Point:
    if committed.entry is None:
        return Point(None, None, "It is not committed, so it is not started.")
    for number in range(committed.entry, len(entries)):
        category = entries[number].category
        if category in (ACTIVE, WAITING):
            went_back = any(entry.category == TO_DO for entry in entries[number:])
            reason = (
                f"{_entered(entries, number)}, the first status {_WORDS[category]} once committed."
            )
            policies = ("first_start",) if went_back else ()
            return Point(entries[number].at, number, reason, policies)
    reason = "Once committed it has been in no status in progress or waiting."
    return Point(None, None, reason)


def _done(entries: Sequence[Entry]) -> Point:
    last = entries[-1]
    was_done = any(entry.category == DONE for entry in entries[:-1])
    if last.category != DONE:
        stands = f"It stands in “{last.name}”, which is "
        policies = ["last_done"] if was_done else []
        if last.category is None:
            stands += "mapped by no rule"
            policies.append("unmapped_status")
        else:
            stands += _WORDS[last.category]
        if last.category == DISCARDED:
            policies.append("discarded")
        again = " It was done before, and has left it." if was_done else ""
        return Point(None, None, f"{stands}.{again}", tuple(policies))
    first = len(entries) - 1
    while first > 0 and entries[first - 1].category == DONE:
        first -= 1
    reason = f"{_entered(entries, first)}, which is done, and has been done since."
    policies = []
    if first < len(entries) - 1:
        reason += f" Going on to “{last.name}” does not move it."
        policies.append("last_done")
    if any(entry.category == DONE for entry in entries[:first]):
        reason += " It was done before and reopened: the last time counts."
        policies.append("last_done")
    if first == 0:
        policies.append("created_done")
    return Point(entries[first].at, first, reason, tuple(dict.fromkeys(policies)))


def _lead(created_at: datetime, done: Point) -> Span:
    if done.at is None:
        return Span(None, "It is not done.")
    if done.at < created_at:
        reason = "It was done before it was created here."
        return Span(None, reason, ("created_after_history",))
    policies = ("created_done",) if done.entry == 0 else ()
    return Span(_seconds(done.at - created_at), "From its creation until it was done.", policies)


def _cycle(started: Point, done: Point) -> Span:
    if done.at is None:
        return Span(None, "It is not done.")
    if started.at is None:
        policy = "created_done" if done.entry == 0 else "skipped_active"
        return Span(None, "It was done without a start.", (policy,))
    if done.at < started.at:
        return Span(None, "It was done before it started.", ("created_after_history",))
    return Span(_seconds(done.at - started.at), "From its start until it was done.")


def _spent(
    entries: Sequence[Entry], category: str, started: Point, done: Point, cycle: Span
) -> Span:
    if cycle.seconds is None or started.at is None or done.at is None:
        return Span(None, "It is given where there is a cycle time.", cycle.policies)
    parts = []
    between: set[str | None] = set()
    for number, (entry, following) in enumerate(pairwise(entries)):
        inside = min(following.at, done.at) - max(entry.at, started.at)
        if inside <= timedelta():
            continue
        between.add(entry.category)
        if entry.category == category:
            parts.append((number, inside))
    visits = f"{len(parts)} visit{'' if len(parts) == 1 else 's'}"
    reason = f"Time in statuses that are {_WORDS[category]}, from start to done: {visits}."
    kinds = (("first_start", TO_DO), ("unmapped_status", None))
    policies = tuple(name for name, kind in kinds if kind in between)
    total = sum((inside for _, inside in parts), timedelta())
    return Span(_seconds(total), reason, policies, tuple(parts))


def _seconds(span: timedelta) -> float:
    return (span // timedelta(microseconds=1)) / 1_000_000
