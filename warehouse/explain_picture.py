"""The picture of a story: a bar with a segment a visit, and the sums by status, step, category."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mappings.models import StepCategory
from warehouse.explain import KnownStatus, Story, Visit
from warehouse.shown import duration

WIDTH: Final = 1000
"""Units of the bar."""
MOST_SEGMENTS: Final = 500
SHOWN_VISITS: Final = 200
_OPEN_END: Final = 0.04
"""Part of the bar that the last visit gets where it stands for whatever comes after."""
_CLOSE: Final = 25
"""Marks that are as near as this share one sign."""

UNMAPPED: Final = "unmapped"
_LABELS: Final = {**dict(StepCategory.choices), UNMAPPED: "Unmapped"}


@dataclass(frozen=True)
class Segment:
    """A visit in the bar; x and width in units of it. tone: its category."""

    visit: Visit
    x: float
    width: float
    tone: str


@dataclass(frozen=True)
class Mark:
    """What began at an instant: numbers of the points that share the place."""

    x: float
    numbers: str
    label: str


@dataclass(frozen=True)
class Total:
    """The time in one status, step or category. share: of all, in percent.

    The time in which an item that has ended is at rest is in none of them. rests_since: since
    when it is, in this one.
    """

    label: str
    tone: str
    lasted: timedelta
    visits: int
    share: float
    status: KnownStatus | None = None
    rests_since: datetime | None = None


@dataclass(frozen=True)
class Picture:
    """begins, ends: of the bar. is_settled: the item has ended; then the bar ends with its entry
    into the last status and little more, else now. left_out: short visits that it has no room
    for. label: the picture in words."""

    segments: Sequence[Segment]
    marks: Sequence[Mark]
    begins: datetime
    ends: datetime
    is_settled: bool
    left_out: int
    by_category: Sequence[Total]
    by_status: Sequence[Total]
    by_step: Sequence[Total]
    label: str


def picture_of(story: Story) -> Picture:
    """Return what is drawn of a story."""
    visits = story.visits
    begins = min(visit.entered_at for visit in visits)
    last = visits[-1]
    is_settled = _has_ended(last)
    ends = last.entered_at if is_settled else max(story.until, last.entered_at)
    room = WIDTH * (1 - _OPEN_END) if is_settled and len(visits) > 1 else WIDTH
    scale = room / max((ends - begins).total_seconds(), 1)

    def place(at: datetime) -> float:
        return round(min(max((at - begins).total_seconds() * scale, 0), WIDTH), 2)

    segments = []
    for visit in visits:
        x = place(visit.entered_at)
        stop = place(visit.left_at) if visit.left_at else WIDTH
        segments.append(Segment(visit, x, round(max(stop - x, 0), 2), tone_of(visit.category)))
    drawn = _longest(segments)
    by_category = _totals(story, lambda visit: visit.category, _category_label)
    return Picture(
        drawn,
        _marks(story, place),
        begins,
        ends,
        is_settled,
        len(segments) - len(drawn),
        by_category,
        _totals(story, _status_key, _status_label),
        _totals(story, _step_key, _step_label),
        _words(by_category),
    )


def tone_of(category: str) -> str:
    """Return the name of a category's colour."""
    return category.replace("_", "-") or UNMAPPED


def shown_visits(story: Story) -> tuple[Sequence[Visit], int, Sequence[Visit]]:
    """Return the first visits, how many are left out, and the last, if there are too many."""
    visits = story.visits
    if len(visits) <= SHOWN_VISITS:
        return visits, 0, ()
    half = SHOWN_VISITS // 2
    return visits[:half], len(visits) - SHOWN_VISITS, visits[-half:]


def _longest(segments: list[Segment]) -> list[Segment]:
    if len(segments) <= MOST_SEGMENTS:
        return segments
    least = sorted((segment.width for segment in segments), reverse=True)[MOST_SEGMENTS - 1]
    return [segment for segment in segments if segment.width >= least][:MOST_SEGMENTS]


def _marks(story: Story, place: Callable[[datetime], float]) -> list[Mark]:
    explained = story.explained
    named = (("Committed", explained.committed), ("Started", explained.started))
    marks: list[Mark] = []
    for number, (name, point) in enumerate((*named, ("Done", explained.done)), start=1):
        if point.at is None:
            continue
        x = place(point.at)
        if marks and x - marks[-1].x < _CLOSE:
            last = marks.pop()
            marks.append(Mark(last.x, f"{last.numbers} {number}", f"{last.label}, {name}"))
        else:
            marks.append(Mark(x, str(number), name))
    return marks


def _totals(
    story: Story, key: Callable[[Visit], str | None], label: Callable[[Visit], str]
) -> list[Total]:
    """Return the time by a key of the visits, in the order of their first; None is left out."""
    lasted: dict[str, timedelta] = {}
    counts: dict[str, int] = {}
    firsts: dict[str, Visit] = {}
    rests: dict[str, datetime] = {}
    for visit in story.visits:
        name = key(visit)
        if name is None:
            continue
        lasted[name] = lasted.get(name, timedelta()) + _worked(visit)
        counts[name] = counts.get(name, 0) + 1
        firsts.setdefault(name, visit)
        if _has_ended(visit):
            rests[name] = visit.entered_at
    whole = sum((_worked(visit) for visit in story.visits), timedelta()).total_seconds() or 1
    return [
        Total(
            label(firsts[name]),
            tone_of(firsts[name].category),
            time,
            counts[name],
            round(100 * time.total_seconds() / whole, 1),
            firsts[name].status,
            rests.get(name),
        )
        for name, time in lasted.items()
    ]


def _has_ended(visit: Visit) -> bool:
    """Whether the item has come to its end with this visit, and is at rest."""
    return visit.left_at is None and visit.category in (StepCategory.DONE, StepCategory.DISCARDED)


def _worked(visit: Visit) -> timedelta:
    return timedelta() if _has_ended(visit) else visit.lasted


def _category_label(visit: Visit) -> str:
    return str(_LABELS[visit.category or UNMAPPED])


def _status_key(visit: Visit) -> str:
    return visit.status.source_id if visit.status else ""


def _status_label(visit: Visit) -> str:
    return visit.status.name if visit.status else visit.name


def _step_key(visit: Visit) -> str | None:
    rule = visit.status.rule if visit.status else None
    return str(rule.step_id) if rule and rule.step_id else None


def _step_label(visit: Visit) -> str:
    step = visit.status.rule.step if visit.status and visit.status.rule else None
    return f"{step.workflow.name}: {step.name}" if step else ""


def _words(totals: Sequence[Total]) -> str:
    """Return the picture in words, for those who do not see it."""
    parts = (f"{total.label} {duration(total.lasted.total_seconds())}" for total in totals)
    return "Time by category: " + ", ".join(parts)
