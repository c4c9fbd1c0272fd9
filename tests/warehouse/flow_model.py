"""The flow metrics once more, as plain Python: what the SQL is compared with.

It follows `docs/metrics.md` sentence by sentence and is written to be read, not to be fast.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

ACTIVE, WAITING, DONE, DISCARDED = "in_progress", "waiting", "done", "discarded"


@dataclass(frozen=True)
class Step:
    """A step of a workflow; position None: outside the order."""

    category: str
    position: int | None
    is_commitment_point: bool = False


@dataclass(frozen=True)
class Meaning:
    """What a status means: the category of its rule, or its step in a workflow of steps."""

    category: str
    step: Step | None = None
    workflow: tuple[Step, ...] = ()


@dataclass(frozen=True)
class Change:
    """One status change. history: the number of the history it is part of, as text."""

    at: datetime
    history: str
    position: int
    left: str | None
    entered: str | None


@dataclass(frozen=True)
class Item:
    """A work item. status: its current one."""

    created_at: datetime
    status: str
    changes: tuple[Change, ...] = ()
    history_complete: bool = True


class Metrics(NamedTuple):
    """In the order of the columns; times in seconds."""

    committed_at: datetime | None = None
    started_at: datetime | None = None
    done_at: datetime | None = None
    lead_time_seconds: float | None = None
    cycle_time_seconds: float | None = None
    active_seconds: float | None = None
    waiting_seconds: float | None = None


def metrics(item: Item, meanings: Mapping[str, Meaning]) -> Metrics:
    """Return the metrics of one item; a status that `meanings` lacks is unmapped."""
    if not item.history_complete:
        return Metrics()
    entries = timeline(item)
    instants = [at for at, _ in entries]
    stages = [meanings.get(status) if status is not None else None for _, status in entries]
    categories = [category_of(stage) for stage in stages]

    committed = next((k for k, stage in enumerate(stages) if is_past_commitment(stage)), None)
    started = None
    if committed is not None:
        later = range(committed, len(entries))
        started = next((k for k in later if categories[k] in (ACTIVE, WAITING)), None)
    done = start_of_last_run_of_done(categories)

    committed_at, started_at, done_at = (
        None if k is None else instants[k] for k in (committed, started, done)
    )
    lead = seconds_between(item.created_at, done_at)
    cycle = seconds_between(started_at, done_at)
    if cycle is None or started_at is None or done_at is None:
        return Metrics(committed_at, started_at, done_at, lead)

    spent = {ACTIVE: timedelta(), WAITING: timedelta()}
    for category, begin, end in zip(categories, instants, instants[1:], strict=False):
        inside = min(end, done_at) - max(begin, started_at)
        if category in spent and inside > timedelta():
            spent[category] += inside
    active, waiting = seconds(spent[ACTIVE]), seconds(spent[WAITING])
    return Metrics(committed_at, started_at, done_at, lead, cycle, active, waiting)


def timeline(item: Item) -> list[tuple[datetime, str | None]]:
    """Return when the item entered which status, beginning with its creation."""
    changes = sorted(item.changes, key=lambda c: (c.at, len(c.history), c.history, c.position))
    first = changes[0].left if changes else item.status
    return [(item.created_at, first), *((change.at, change.entered) for change in changes)]


def category_of(stage: Meaning | None) -> str | None:
    """Return what happens to work in a status; None if that is not known."""
    if stage is None:
        return None
    return stage.step.category if stage.step else stage.category


def is_past_commitment(stage: Meaning | None) -> bool:
    """Tell whether to enter this status is to be committed."""
    category = category_of(stage)
    if stage is None or category == DISCARDED:
        return False
    if stage.step and stage.step.is_commitment_point:
        return True
    point = next((step for step in stage.workflow if step.is_commitment_point), None)
    if stage.step and stage.step.position is not None and point and point.position is not None:
        return stage.step.position >= point.position
    return category in (ACTIVE, WAITING, DONE)


def start_of_last_run_of_done(categories: list[str | None]) -> int | None:
    """Return where the run of done begins that lasts to the end; None if the end is not done."""
    first = len(categories)
    while first > 0 and categories[first - 1] == DONE:
        first -= 1
    return first if first < len(categories) else None


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    """Return the seconds of a span, None if a side is open or it ends before it begins."""
    if start is None or end is None or end < start:
        return None
    return seconds(end - start)


def seconds(span: timedelta) -> float:
    """Return a duration in seconds, rounded once from exact microseconds."""
    return (span // timedelta(microseconds=1)) / 1_000_000
