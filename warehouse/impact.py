"""What an edit of the rules does to work items, counted before it is saved."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from mappings.editing import LARGE
from mappings.effects import Example, Impact, Median, Move, Values
from mappings.models import StatusResolution, WitResolution
from mappings.shifts import STATUS_KINDS, TYPE_KINDS, Shift, Shifts
from warehouse.field_impact import LOOKED_AT
from warehouse.field_impact import look as look_at_fields
from warehouse.medians import medians
from warehouse.merge import Batch, fetch
from warehouse.touched import (
    compute_metrics,
    gather_items,
    one_in,
    shift_tables,
)

SHOWN_MOVES: Final = 8
EXACT: Final = 10_000
"""Of so many work items the metrics are computed while somebody waits for a preview."""
_DONE: Final = "w.done_at IS NOT NULL AND w.deleted_at IS NULL"
_TIMES: Final = ("lead_time_seconds", "cycle_time_seconds")


@dataclass
class _Sums:
    """What has been counted, over all integrations."""

    touched: int = 0
    metrics: int = 0
    looked_at: int = 0
    moves: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    times: dict[str, Median] = field(default_factory=dict)

    def move(self, kind: str, before: str, after: str, count: int) -> None:
        if before != after and count:
            self.moves.setdefault(kind, Counter())[before, after] += count


def impact_of(tenant_id: int, shifts: Shifts, example_count: int) -> Impact:
    """Return what shifts change. The edited rules are in their tables meanwhile.

    Of more than EXACT items the metrics are computed for a sample of them, and the notes say so.
    """
    sums = _Sums(times=_unmoved(tenant_id))
    _look(tenant_id, shifts, sums, example_count)
    for integration_id in sorted(shifts.fields):
        _look_at_fields(Batch(tenant_id, integration_id, 0), sums, example_count)
    return Impact(
        touched_count=sums.touched,
        counts={kind: counter.total() for kind, counter in sums.moves.items()},
        moves={
            kind: [Move(*pair, count) for pair, count in counter.most_common(SHOWN_MOVES)]
            for kind, counter in sums.moves.items()
        },
        metrics_count=sums.metrics,
        lead=sums.times["lead_time_seconds"],
        cycle=sums.times["cycle_time_seconds"],
        examples=sums.examples[:example_count],
        is_large=sums.looked_at > LARGE,
        notes=tuple(sums.notes),
    )


def _look(tenant_id: int, shifts: Shifts, sums: _Sums, example_count: int) -> None:
    with shift_tables(shifts):
        found = gather_items(tenant_id, exact_up_to=EXACT)
        sums.looked_at += found.count
        every = max(found.every, -(-found.metric_count // EXACT))
        compute_metrics(every)
        _count_moves(shifts, sums)
        _count_touched(every, sums)
        if fetch("SELECT 1 FROM touched_metrics LIMIT 1"):
            sums.times = _moved(tenant_id, every, sums.times)
        sums.examples.extend(_examples(shifts, example_count))
    if every > 1:
        sums.notes.append(
            f"Times are estimated from one in {every:,} of the work items that are touched."
        )


def _count_moves(shifts: Shifts, sums: _Sums) -> None:
    for column, rows, kinds in (
        ("wit_resolution_id", shifts.types, TYPE_KINDS),
        ("status_resolution_id", shifts.statuses, STATUS_KINDS),
    ):
        counts = dict(
            fetch(
                f"SELECT w.{column}, COUNT(*) FROM touched_items t JOIN work_items w ON w.id = t.id"
                f" WHERE t.is_shown = 1 AND t.is_live = 1 GROUP BY w.{column}"
            )
        )
        for shift in rows:
            count = counts.get(shift.resolution_id, 0)
            for kind, before, after in zip(
                kinds, shift.before.shown, shift.after.shown, strict=True
            ):
                sums.move(kind, before, after, count)


def _count_touched(every: int, sums: _Sums) -> None:
    shown, both, metrics = fetch(
        "SELECT COALESCE(SUM(t.is_shown), 0),"
        " COALESCE(SUM(CASE WHEN m.id IS NOT NULL THEN t.is_shown END), 0), COUNT(m.id)"
        " FROM touched_items t LEFT JOIN touched_metrics m ON m.id = t.id WHERE t.is_live = 1"
    )[0]
    sums.metrics += metrics * every
    sums.touched += shown + (metrics - both) * every


def _unmoved(tenant_id: int) -> dict[str, Median]:
    found = medians(
        _TIMES,
        f"(SELECT {_columns('w')} FROM work_items w WHERE w.tenant_id = {tenant_id} AND {_DONE})",
    )
    return {
        name: Median(value, value, count, count)
        for name, (value, count) in zip(_TIMES, found, strict=True)
    }


def _moved(tenant_id: int, every: int, before: dict[str, Median]) -> dict[str, Median]:
    """Return the medians with the new metrics in place of the old ones.

    Of a sample they are those of the items in it, which stand for all.
    """
    sampled = one_in(every, "w.source_id")
    found = medians(
        _TIMES,
        f"(SELECT {_columns('w')} FROM work_items w WHERE w.tenant_id = {tenant_id}"
        f" AND {_DONE} AND {sampled}"
        " AND NOT EXISTS (SELECT 1 FROM touched_metrics m WHERE m.id = w.id)"
        f" UNION ALL SELECT {_columns('m')} FROM touched_metrics m JOIN touched_items t"
        " ON t.id = m.id WHERE m.done_at IS NOT NULL AND t.is_live = 1)",
    )
    return {
        name: replace(before[name], after=value, after_count=count * every)
        for name, (value, count) in zip(_TIMES, found, strict=True)
    }


def _columns(alias: str) -> str:
    return ", ".join(f"{alias}.{name}" for name in _TIMES)


_EXAMPLES = """
SELECT w.id, w.key, w.title, w.wit_resolution_id, w.status_resolution_id,
    w.lead_time_seconds, w.cycle_time_seconds, e.changed_id,
    e.lead_time_seconds, e.cycle_time_seconds
FROM (
    SELECT t.id, m.id AS changed_id, m.lead_time_seconds, m.cycle_time_seconds
    FROM touched_items t LEFT JOIN touched_metrics m ON m.id = t.id
    WHERE t.is_live = 1 AND (t.is_shown = 1 OR m.id IS NOT NULL)
    ORDER BY CASE WHEN m.id IS NULL THEN 1 ELSE 0 END, t.id DESC
    LIMIT {0}
) e
JOIN work_items w ON w.id = e.id
ORDER BY CASE WHEN e.changed_id IS NULL THEN 1 ELSE 0 END, w.id DESC
"""


def _examples(shifts: Shifts, limit: int) -> Iterator[Example]:
    rows = fetch(_EXAMPLES.format(max(limit, 0)))
    types = _values(shifts, shifts.types, WitResolution, {row[3] for row in rows})
    statuses = _values(shifts, shifts.statuses, StatusResolution, {row[4] for row in rows})
    for row in rows:
        item_id, key, title, type_id, status_id, lead, cycle, moved, new_lead, new_cycle = row
        old_type, new_type = types[type_id]
        old_status, new_status = statuses[status_id]
        after = (new_lead, new_cycle) if moved is not None else (lead, cycle)
        yield Example(
            item_id,
            key,
            title,
            _shown(old_type, old_status, (lead, cycle)),
            _shown(new_type, new_status, after),
        )


def _shown(type_: Any, status: Any, times: tuple[float | None, float | None]) -> Values:
    return Values(type_.target, type_.level, status.target, status.category, status.step, *times)


def _values(
    shifts: Shifts, changed: tuple[Shift, ...], model: Any, ids: set[int]
) -> dict[int, tuple[Any, Any]]:
    """Return the values before and after, by resolution."""
    of = shifts.meanings.of_type if model is WitResolution else shifts.meanings.of_status
    rows = model.objects.filter(pk__in=ids).values_list("pk", "mapping_id")
    values = {pk: (of(mapping_id), of(mapping_id)) for pk, mapping_id in rows}
    for shift in changed:
        if shift.resolution_id in ids:
            values[shift.resolution_id] = (shift.before, shift.after)
    return values


def _look_at_fields(batch: Batch, sums: _Sums, example_count: int) -> None:
    found = look_at_fields(batch, example_count - len(sums.examples))
    sums.looked_at += found.looked_at
    sums.touched += found.count
    sums.examples.extend(found.examples)
    for kind, counter in found.moves.items():
        for (before, after), count in counter.items():
            sums.move(kind, before, after, count)
    if found.is_partial:
        sums.notes.append(
            f"Values of custom fields are counted among the newest {LOOKED_AT:,} work items; "
            f"up to {found.looked_at:,} get another one."
        )
