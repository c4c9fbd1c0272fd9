"""Changes of rules in words: columns by their titles, rows of other tables by their names."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.urls import reverse
from django.utils.text import capfirst

from integrations.models import Integration
from mappings.book import TABLES, RowChange
from mappings.models import Change, StepCategory

_REFERENCES: Final = {
    "integration_id": "integrations",
    "hierarchy_id": "wit_hierarchies",
    "step_id": "workflow_steps",
    "workflow_id": "workflows",
}
"""Table that a column refers to."""
_TITLES: Final = {
    "from_name": "name at the source",
    "from_level": "level at the source",
    "from_category": "category at the source",
    "type_name": "type",
    "project_key": "project",
    "integration_id": "integration",
    "hierarchy_id": "level",
    "step_id": "step",
    "workflow_id": "workflow",
    "is_active": "active",
    "is_commitment_point": "commitment point",
    "position": "number",
    "field_source_id": "field",
    "column_name": "column",
}
_PAGES: Final = {
    "wit_hierarchies": "withierarchy",
    "workflows": "workflow",
    "wit_mappings": "witmapping",
    "status_mappings": "statusmapping",
}
_EVERYWHERE: Final = {
    "integration_id": "every integration",
    "project_key": "every project",
    "type_name": "every type",
    "step_id": "no step",
    "position": "outside the order",
}


class ColumnChange(NamedTuple):
    """A column of a row, before and after, in words. None: there was or is no row."""

    title: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class ShownChange:
    """What became of a row. verb: Added, Changed or Deleted; link: its page, if it is there."""

    verb: str
    kind: str
    label: str
    link: str
    columns: Sequence[ColumnChange]


def shown_changes(changes: Iterable[RowChange]) -> list[ShownChange]:
    """Return changes in words, in the tenant's scope. A few queries, however many there are."""
    rows = list(changes)
    names = _names(rows)
    present = _present(rows)
    return [_shown(row, names, present) for row in rows]


def _shown(
    change: RowChange, names: dict[tuple[str, int], str], present: set[tuple[str, int]]
) -> ShownChange:
    verb = "Added" if change.before is None else "Deleted" if change.after is None else "Changed"
    before, after = change.before or {}, change.after or {}
    columns = [
        ColumnChange(
            _TITLES.get(column, column.replace("_", " ")),
            _value(column, before[column], names) if column in before else None,
            _value(column, after[column], names) if column in after else None,
        )
        for column in {**before, **after}
        if verb == "Changed" or (before or after).get(column) not in (None, "")
        if before.get(column) != after.get(column) or verb != "Changed"
    ]
    model = TABLES.get(change.table)
    kind = str(model._meta.verbose_name) if model is not None else change.table
    label = change.label.partition(" ")[2] if model is not None else ""
    return ShownChange(verb, kind, label, _link(change, present), columns)


def _link(change: RowChange, present: set[tuple[str, int]]) -> str:
    key = (change.table, change.row_id)
    if change.table == "workflow_steps":
        row = change.after or change.before or {}
        key = ("workflows", row.get("workflow_id", 0))
    if key not in present or key[0] not in _PAGES:
        return ""
    return reverse(f"admin:mappings_{_PAGES[key[0]]}_change", args=(key[1],))


def _value(column: str, value: Any, names: dict[tuple[str, int], str]) -> str:
    if value in (None, ""):
        return _EVERYWHERE.get(column, "–")
    if column in _REFERENCES:
        return names.get((_REFERENCES[column], value), f"one that is gone ({value})")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if column == "category" and value in StepCategory.values:
        return str(StepCategory(value).label)
    return str(value)


def _names(changes: Sequence[RowChange]) -> dict[tuple[str, int], str]:
    """Return what rows that are referred to are called, or were."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for change in changes:
        for row in (change.before, change.after):
            for column, table in _REFERENCES.items():
                if row and row.get(column) is not None:
                    wanted[table].add(row[column])
    names: dict[tuple[str, int], str] = {}
    for table, ids in wanted.items():
        model: Any = Integration if table == "integrations" else TABLES[table]
        rows = model.objects.filter(pk__in=ids)
        names.update({(table, row.pk): str(row) for row in rows})
        gone = ids - {key for name, key in names if name == table}
        if gone and table in TABLES:
            told = Change.objects.filter(table=table, row_id__in=gone).order_by("pk")
            for row_id, label in told.values_list("row_id", "label"):
                names[table, row_id] = f"{label.partition(' ')[2]} (deleted)"
    return names


def _present(changes: Sequence[RowChange]) -> set[tuple[str, int]]:
    """Return which rows are still there, to link to."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for change in changes:
        wanted[change.table].add(change.row_id)
        if change.table == "workflow_steps":
            for row in (change.before, change.after):
                if row:
                    wanted["workflows"].add(row.get("workflow_id", 0))
    found = set()
    for table in wanted.keys() & _PAGES.keys():
        ids = TABLES[table].objects.filter(pk__in=wanted[table]).values_list("pk", flat=True)
        found |= {(table, pk) for pk in ids}
    return found


def table_choices() -> list[tuple[str, str]]:
    """Return the tables of rules with their titles."""
    return [
        (name, capfirst(str(model._meta.verbose_name_plural))) for name, model in TABLES.items()
    ]
