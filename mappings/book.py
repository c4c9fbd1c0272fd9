"""All rules of a tenant at one moment, how two moments differ, and putting rows back exactly."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from mappings.models import (
    CustomFieldMapping,
    StatusMapping,
    WitHierarchy,
    WitMapping,
    Workflow,
    WorkflowStep,
)
from tenants.models import TenantOwned

TABLES: Final[Mapping[str, type[TenantOwned]]] = {
    model._meta.db_table: model
    for model in (
        WitHierarchy,
        Workflow,
        WorkflowStep,
        WitMapping,
        StatusMapping,
        CustomFieldMapping,
    )
}
"""The tables of rules, each after those that it refers to."""

Row: TypeAlias = dict[str, Any]
"""A row's columns but for id and tenant, such as {"target": "Bug", "hierarchy_id": 3, …}."""

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class RowChange:
    """What became of one row. before, after: None where there was or is no row."""

    table: str
    row_id: int
    before: Row | None
    after: Row | None

    @property
    def label(self) -> str:
        """What the row is called, as it is now, or was."""
        row = self.after if self.after is not None else self.before
        model = TABLES[self.table]
        return f"{_kind(model)} {model(**row)}"[:300] if row is not None else ""

    @property
    def reverse(self) -> "RowChange":
        """The change that takes this one back."""
        return RowChange(self.table, self.row_id, self.after, self.before)


@dataclass(frozen=True)
class Book:
    """Rows by table and id."""

    rows: Mapping[str, Mapping[int, Row]]

    def instances(self, model: type[TenantOwned]) -> dict[int, Any]:
        """Return the rows of a model as instances that are not saved, by id."""
        table = self.rows[model._meta.db_table]
        return {row_id: _instance(model, {"id": row_id, **row}) for row_id, row in table.items()}


def columns_of(model: type[TenantOwned]) -> tuple[str, ...]:
    """Return the columns of a table of rules that its rows have here."""
    return tuple(
        column.attname
        for column in model._meta.concrete_fields
        if not column.primary_key and column.name != "tenant"
    )


def read_book(tenant_id: int) -> Book:
    """Return all rules of a tenant, in its scope. Six queries."""
    return Book({name: _read(model, tenant_id) for name, model in TABLES.items()})


def _read(model: type[TenantOwned], tenant_id: int) -> dict[int, Row]:
    columns = columns_of(model)
    rows = model.objects.filter(tenant_id=tenant_id).order_by("pk").values_list("pk", *columns)
    return {values[0]: dict(zip(columns, values[1:], strict=True)) for values in rows}


def differences(before: Book, after: Book) -> list[RowChange]:
    """Return the rows that differ, by table and id."""
    changes = []
    for name in TABLES:
        old, new = before.rows[name], after.rows[name]
        for row_id in sorted(old.keys() | new.keys()):
            if old.get(row_id) != new.get(row_id):
                changes.append(RowChange(name, row_id, old.get(row_id), new.get(row_id)))
    return changes


def write_rows(tenant_id: int, changes: Iterable[RowChange]) -> None:
    """Make rows what `after` of each change says, with the ids that they had.

    All go before any comes back, so that two rows may take each other's names. Foreign keys are
    checked by the database at the commit. To be called inside `editing.apply` or `preview`.
    """
    by_table: dict[str, list[RowChange]] = {name: [] for name in TABLES}
    for change in changes:
        by_table[change.table].append(change)
    for name, model in TABLES.items():
        delete_rows(model, tenant_id, [change.row_id for change in by_table[name]])
    for name, model in TABLES.items():
        model.objects.bulk_create(
            [
                _instance(model, {"id": change.row_id, "tenant_id": tenant_id, **change.after})
                for change in by_table[name]
                if change.after is not None
            ],
            batch_size=_ROWS_AT_ONCE,
        )


def delete_rows(model: type[TenantOwned], tenant_id: int, ids: Iterable[int]) -> None:
    """Delete rules as they stand; what occurred under them is resolved anew by who called.

    Nothing that refers to them is looked at: `editing` refuses an edit that leaves a reference
    behind.
    """
    wanted = sorted(ids)
    for start in range(0, len(wanted), _ROWS_AT_ONCE):
        rows = model.objects.filter(
            tenant_id=tenant_id, pk__in=wanted[start : start + _ROWS_AT_ONCE]
        )
        rows._raw_delete(rows.db)


def _instance(model: type[TenantOwned], columns: Row) -> Any:
    return model(**columns)


def _kind(model: type[TenantOwned]) -> str:
    return _KINDS[model._meta.db_table]


_KINDS: Final = {
    "wit_hierarchies": "Level",
    "workflows": "Workflow",
    "workflow_steps": "Step",
    "wit_mappings": "Type",
    "status_mappings": "Status",
    "custom_field_mappings": "Field",
}
