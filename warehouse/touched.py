"""The work items that an edit of the rules touches, in temporary tables.

`shift_types` and `shift_statuses`: the resolutions whose value changes, with the rule that they
fall under afterwards. `touched_items`: a row an item; is_shown: a mapped value of it changes;
is_metric: it is or was in a status that now means something else for metrics.
`touched_metrics`: its metrics by the new rules, where they differ from what it has.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from django.db import connection

from mappings.shifts import Shift, Shifts
from warehouse.dialect import distinct
from warehouse.flow import METRICS, metrics_sql
from warehouse.merge import Batch, execute, fetch

_ROWS_A_STATEMENT: Final = 300
_TABLES: Final = ("shift_types", "shift_statuses", "touched_items", "touched_metrics")

ITEM_COLUMNS: Final = (
    "w.tenant_id, w.integration_id, w.source_id, w.project_source_id, w.type_source_id,"
    " w.status_source_id, w.created_at, w.all_changes_loaded"
)
"""What `metrics_sql` needs to know of an item."""

RESOLUTIONS: Final = (
    "(SELECT r.tenant_id, r.integration_id, r.project_source_id, r.type_source_id,"
    " r.status_source_id, CASE WHEN x.resolution_id IS NULL THEN r.mapping_id ELSE x.rule_id END"
    " AS mapping_id FROM status_resolutions r LEFT JOIN shift_statuses x ON x.resolution_id = r.id)"
)
"""The status resolutions as they are once the edit is in effect."""


@contextmanager
def shift_tables(shifts: Shifts) -> Iterator[None]:
    """Have the shifts of one integration in temporary tables."""
    _drop()
    _fill("shift_types", shifts.types)
    _fill("shift_statuses", shifts.statuses)
    yield
    _drop()  # After an error the transaction takes them with it.


def gather_items(batch: Batch) -> int:
    """Fill `touched_items`; return how many there are."""
    owned = batch.owns("w")
    passing = " UNION ".join(
        f"SELECT c.work_item_source_id FROM work_item_changelogs c WHERE {batch.owns('c')}"
        f" AND c.is_status AND c.{column} IN (SELECT status_source_id FROM metric_statuses)"
        for column in ("from_value", "to_value")
    )
    execute(
        "CREATE TEMPORARY TABLE touched_items AS WITH metric_statuses AS ("
        "SELECT r.project_source_id, r.type_source_id, r.status_source_id FROM shift_statuses x"
        " JOIN status_resolutions r ON r.id = x.resolution_id WHERE x.is_metric = 1)"
        " SELECT id, MAX(is_shown) AS is_shown, MAX(is_metric) AS is_metric FROM ("
        "SELECT w.id, x.is_shown, 0 AS is_metric FROM shift_types x"
        f" JOIN work_items w ON w.wit_resolution_id = x.resolution_id WHERE {owned}"
        " UNION ALL SELECT w.id, x.is_shown, x.is_metric FROM shift_statuses x"
        f" JOIN work_items w ON w.status_resolution_id = x.resolution_id WHERE {owned}"
        f" UNION ALL SELECT w.id, 0, 1 FROM ({passing}) p"
        f" JOIN work_items w ON w.source_id = p.work_item_source_id AND {owned}"
        " WHERE (w.project_source_id, w.type_source_id) IN"
        " (SELECT project_source_id, type_source_id FROM metric_statuses)"
        ") u WHERE is_shown = 1 OR is_metric = 1 GROUP BY id"
    )
    _analyze("touched_items")
    return int(fetch("SELECT COUNT(*) FROM touched_items")[0][0])


def count_metric_items() -> int:
    """Return of how many touched items the metrics are to be computed."""
    return int(fetch("SELECT COUNT(*) FROM touched_items WHERE is_metric = 1")[0][0])


def compute_metrics(batch: Batch, condition: str = "1 = 1") -> None:
    """Fill `touched_metrics`. condition: SQL over `t`, of `touched_items`, to take only some."""
    items = (
        f"(SELECT {ITEM_COLUMNS} FROM touched_items t JOIN work_items w ON w.id = t.id"
        f" WHERE t.is_metric = 1 AND {condition})"
    )
    execute(
        "CREATE TEMPORARY TABLE touched_metrics AS"
        f" {differing_metrics(metrics_sql(items, RESOLUTIONS))}"
    )
    _analyze("touched_metrics")


def differing_metrics(metrics: str) -> str:
    """Return a SELECT of id, changed_seq and METRICS of the items whose stored metrics differ."""
    names = [f"{{0}}.{name}" for name in METRICS]
    old, new = (f"({', '.join(names)})".format(alias) for alias in ("w", "m"))
    computed = ", ".join(f"m.{name}" for name in METRICS)
    return (
        f"SELECT w.id, w.changed_seq, {computed} FROM ({metrics}) m JOIN work_items w"
        " ON w.source_id = m.source_id AND w.integration_id = m.integration_id"
        f" AND w.tenant_id = m.tenant_id WHERE {distinct(old, new)}"
    )


def write_touched(batch: Batch) -> int:
    """Write the metrics of `touched_metrics` and announce all that changed; return how many."""
    assigned = ", ".join(f"{name} = n.{name}" for name in METRICS)
    with_metrics = execute(
        f"UPDATE work_items AS w SET {assigned}, changed_seq = {batch.changed_seq} + n.nth FROM"
        " (SELECT m.*, ROW_NUMBER() OVER (ORDER BY id) AS nth FROM touched_metrics m) n"
        " WHERE w.id = n.id"
    )
    batch.take(with_metrics)
    shown_only = execute(
        f"UPDATE work_items AS w SET changed_seq = {batch.changed_seq} + n.nth FROM"
        " (SELECT t.id, ROW_NUMBER() OVER (ORDER BY t.id) AS nth FROM touched_items t"
        " LEFT JOIN touched_metrics m ON m.id = t.id WHERE t.is_shown = 1 AND m.id IS NULL) n"
        " WHERE w.id = n.id"
    )
    batch.take(shown_only)
    return with_metrics + shown_only


def _fill(table: str, shifts: Sequence[Shift]) -> None:
    execute(
        f"CREATE TEMPORARY TABLE {table} (resolution_id BIGINT, rule_id BIGINT,"
        " is_shown INTEGER, is_metric INTEGER)"
    )
    rows = [
        (shift.resolution_id, shift.rule_id, int(shift.is_shown), int(shift.changes_metrics))
        for shift in shifts
    ]
    with connection.cursor() as cursor:
        for start in range(0, len(rows), _ROWS_A_STATEMENT):
            some = rows[start : start + _ROWS_A_STATEMENT]
            marks = ", ".join(["(%s, %s, %s, %s)"] * len(some))
            cursor.execute(
                f"INSERT INTO {table} VALUES {marks}", [value for row in some for value in row]
            )
    _analyze(table)


def _analyze(table: str) -> None:
    """Tell PostgreSQL how large a temporary table is: it plans for a few rows otherwise."""
    if connection.vendor == "postgresql":
        execute(f"ANALYZE {table}")


def _drop() -> None:
    for table in _TABLES:
        execute(f"DROP TABLE IF EXISTS {table}")
