"""What a preview says, in the words and order in which the panel shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mappings.editing import LARGE, Preview
from mappings.effects import Example, Impact, Move

SHOWN_MOVES: Final = 5
SHOWN_CHANGES: Final = 20
_KINDS: Final = ("type", "level", "status", "category", "step")


@dataclass(frozen=True)
class Kind:
    """Work items whose value of one kind changes. more: moves that are not among `moves`."""

    title: str
    count: int
    moves: Sequence[Move]
    more: int


@dataclass(frozen=True)
class Difference:
    """A value of a work item that changes. is_time: before and after are seconds or None."""

    title: str
    before: Any
    after: Any
    is_time: bool = False


@dataclass(frozen=True)
class ExampleRow:
    """A work item and what of it changes."""

    work_item_id: int
    key: str
    title: str
    differences: Sequence[Difference]


def panel_context(preview: Preview) -> dict[str, Any]:
    """Return the context of `mappings/impact.html`, which others include, too."""
    impact = preview.impact
    verbs = [(_verb(change), change.label) for change in preview.changes[:SHOWN_CHANGES]]
    return {
        "impact": {
            "touched_count": impact.touched_count,
            "kinds": _kinds(impact),
            "metrics_count": impact.metrics_count,
            "medians": [
                (title, median, median.before != median.after)
                for title, median in (("Lead time", impact.lead), ("Cycle time", impact.cycle))
            ],
            "examples": [_example(row) for row in impact.examples],
            "is_large": impact.is_large,
            "large": LARGE,
            "notes": impact.notes,
            "changes": verbs,
            "change_count": len(preview.changes),
            "more_changes": max(len(preview.changes) - SHOWN_CHANGES, 0),
        }
    }


def _kinds(impact: Impact) -> list[Kind]:
    known = [*_KINDS, *sorted(set(impact.counts) - set(_KINDS))]
    shown = []
    for kind in known:
        if count := impact.counts.get(kind, 0):
            moves = impact.moves.get(kind, ())
            title = kind.replace("_", " ")
            rest = max(len(moves) - SHOWN_MOVES, 0)
            shown.append(Kind(title, count, moves[:SHOWN_MOVES], rest))
    return shown


def _example(example: Example) -> ExampleRow:
    before, after = example.before, example.after
    pairs = [(kind, getattr(before, kind), getattr(after, kind)) for kind in _KINDS]
    rows = [Difference(kind, old, new) for kind, old, new in pairs if old != new]
    old_fields, new_fields = dict(before.fields), dict(after.fields)
    for kind in sorted(old_fields.keys() | new_fields.keys()):
        old, new = old_fields.get(kind, ""), new_fields.get(kind, "")
        if old != new:
            rows.append(Difference(kind.replace("_", " "), old, new))
    times = (
        ("lead time", before.lead_time_seconds, after.lead_time_seconds),
        ("cycle time", before.cycle_time_seconds, after.cycle_time_seconds),
    )
    rows += [Difference(title, old, new, is_time=True) for title, old, new in times if old != new]
    return ExampleRow(example.work_item_id, example.key, example.title, rows)


def _verb(change: Any) -> str:
    if change.before is None:
        return "Adds"
    return "Deletes" if change.after is None else "Changes"
