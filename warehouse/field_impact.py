"""What edited rules for custom fields change of work items, before they are saved."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from mappings.effects import Example, Values
from warehouse.json_words import Sql
from warehouse.mapped_fields import active_rules, count_touched, differing, run_uncompiled
from warehouse.merge import Batch, fetch
from warehouse.models import WorkItem

LOOKED_AT: Final = 100_000
"""Values and examples are those of so many of the newest items."""

_SHOWN_LENGTH: Final = 60

Shown: TypeAlias = dict[str, str]
"""Mapped values in words by their kind: `story_points`, `team`, `column customer`."""


@dataclass(frozen=True)
class FieldImpact:
    """What changes in one integration.

    looked_at: items that saving writes, at most. count: live items whose values change. moves:
    how many go from which value to which, by kind; empty is no value. is_partial: there are
    items that were not looked at, so that `count` and `moves` may be of fewer than change.
    """

    looked_at: int
    count: int
    moves: Mapping[str, Counter[tuple[str, str]]]
    examples: Sequence[Example]
    is_partial: bool


def look(batch: Batch, example_count: int) -> FieldImpact:
    """Return what the rules, as they stand in their table now, change."""
    rules = active_rules(batch.tenant_id, batch.integration_id)
    run_uncompiled()
    rows = fetch(
        "SELECT d.was, d.found, COUNT(*), MAX(d.id)"
        f" FROM {differing(batch, rules, _newest(batch))} d GROUP BY d.was, d.found"
    )
    moves: dict[str, Counter[tuple[str, str]]] = {}
    changes: dict[int, tuple[Shown, Shown]] = {}
    for was, found, count, newest_id in rows:
        before, after = shown_mapped(was), shown_mapped(found)
        changes[newest_id] = before, after
        for kind in sorted(before.keys() | after.keys()):
            move = before.get(kind, ""), after.get(kind, "")
            if move[0] != move[1]:
                moves.setdefault(kind, Counter())[move] += count
    return FieldImpact(
        looked_at=count_touched(batch.tenant_id, batch.integration_id),
        count=sum(count for *_, count, _ in rows),
        moves=moves,
        examples=_examples(batch, changes, example_count),
        is_partial=_has_more(batch),
    )


def _newest(batch: Batch) -> Sql:
    columns = "w.id, w.tenant_id, w.integration_id, w.custom_fields, w.mapped_fields"
    return (
        f"(SELECT {columns} FROM work_items w WHERE {batch.owns('w')} AND w.deleted_at IS NULL"
        f" ORDER BY w.id DESC LIMIT {LOOKED_AT})"
    )


def _has_more(batch: Batch) -> bool:
    some = f"SELECT 1 FROM work_items w WHERE {batch.owns('w')} AND w.deleted_at IS NULL"
    return bool(fetch(f"SELECT EXISTS ({some} LIMIT 1 OFFSET {LOOKED_AT})")[0][0])


def _examples(
    batch: Batch, changes: Mapping[int, tuple[Shown, Shown]], count: int
) -> list[Example]:
    """Return the newest of items, one a change of values, so that they are not all alike."""
    newest = sorted(changes, reverse=True)[: max(count, 0)]
    rows = WorkItem.objects.filter(tenant_id=batch.tenant_id, pk__in=newest).order_by("-pk")
    return [
        Example(pk, key, title, *(_values(shown) for shown in changes[pk]))
        for pk, key, title in rows.values_list("pk", "key", "title")
    ]


def _values(shown: Shown) -> Values:
    return Values("", "", "", "", "", None, None, tuple(sorted(shown.items())))


def shown_mapped(text: str | None) -> Shown:
    """Return mapped_fields, as the database gives them, in words."""
    fields: dict[str, Any] = json.loads(text) if text else {}
    own: dict[str, Any] = fields.pop("columns", {})
    named = {**fields, **{f"column {name}": value for name, value in own.items()}}
    return {kind: shown_value(value) for kind, value in named.items()}


def shown_value(value: Any) -> str:
    """Return a mapped value in a few words."""
    if isinstance(value, list):
        text = ", ".join(shown_value(each) for each in value)
    else:
        text = f"{value:.15g}" if isinstance(value, int | float) else str(value)
    return text if len(text) <= _SHOWN_LENGTH else f"{text[: _SHOWN_LENGTH - 1]}…"
