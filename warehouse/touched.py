"""The work items that an edit of the rules touches, in temporary tables.

`shift_types` and `shift_statuses`: the resolutions whose value changes, with the rule that they
fall under afterwards. `touched_items`: a row an item, as it is; is_shown: a mapped value of it
changes; is_metric: it is or was in a status that now means something else for metrics; is_live:
it is not deleted at the source.
`touched_metrics`: its metrics by the new rules, where they differ from what it has.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from django.db import connection

from mappings.shifts import Shift, Shifts
from warehouse.dialect import distinct
from warehouse.flow import CHANGE_COLUMNS, METRICS, metrics_sql
from warehouse.merge import Batch, execute, fetch, join_each

_ROWS_A_STATEMENT: Final = 100
_TABLES: Final = (
    "shift_types",
    "shift_statuses",
    "touched_items",
    "touched_changes",
    "touched_metrics",
    "metric_pairs",
)

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
    """Have shifts of a tenant in temporary tables, in a transaction."""
    _drop()
    _plan_for_much()
    _fill("shift_types", shifts.types)
    _fill("shift_statuses", shifts.statuses)
    execute(
        "CREATE TEMPORARY TABLE metric_pairs AS SELECT DISTINCT integration_id, project_source_id,"
        " type_source_id FROM shift_statuses WHERE is_metric = 1"
    )
    _analyze("metric_pairs")
    yield
    _drop()  # After an error the transaction takes them with it.


def gather_items(tenant_id: int) -> int:
    """Fill `touched_items`; return how many there are."""
    parts = [
        f"SELECT w.id, x.is_shown, x.is_metric FROM {table} x"
        f" JOIN work_items w ON w.{column} = x.resolution_id"
        for table, column in (
            ("shift_types", "wit_resolution_id"),
            ("shift_statuses", "status_resolution_id"),
        )
    ]
    metric = "FROM shift_statuses WHERE is_metric = 1"
    statuses = [status for (status,) in fetch(f"SELECT DISTINCT status_source_id {metric}")]
    owners = [owner for (owner,) in fetch(f"SELECT DISTINCT integration_id {metric}")]
    if statuses:
        parts.append(_passing(tenant_id, owners, len(statuses)))
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE touched_items AS SELECT w.id, u.is_shown, u.is_metric,"
            " CASE WHEN w.deleted_at IS NULL THEN 1 ELSE 0 END AS is_live, w.changed_seq,"
            f" {ITEM_COLUMNS}, {', '.join(f'w.{name}' for name in METRICS)} FROM ("
            "SELECT id, MAX(is_shown) AS is_shown, MAX(is_metric) AS is_metric"
            f" FROM ({' UNION ALL '.join(parts)}) a WHERE is_shown = 1 OR is_metric = 1"
            " GROUP BY id) u JOIN work_items w ON w.id = u.id",
            statuses * 2,
        )
    _analyze("touched_items")
    return int(fetch("SELECT COUNT(*) FROM touched_items")[0][0])


def _passing(tenant_id: int, integration_ids: Sequence[int], count: int) -> str:
    """Return a SELECT of the items that left or came into one of `count` statuses, ever."""
    owners = ", ".join(map(str, integration_ids))
    marks = ", ".join(["%s"] * count)
    passing = " UNION ".join(
        "SELECT c.integration_id, c.work_item_source_id FROM work_item_changelogs c"
        f" WHERE c.tenant_id = {tenant_id} AND c.integration_id IN ({owners})"
        f" AND c.is_status AND c.{column} IN ({marks})"
        for column in ("from_value", "to_value")
    )
    return (
        f"SELECT w.id, 0, 1 FROM ({passing}) p"
        " JOIN work_items w ON w.source_id = p.work_item_source_id"
        f" AND w.integration_id = p.integration_id AND w.tenant_id = {tenant_id}"
        " JOIN metric_pairs y ON y.integration_id = w.integration_id"
        " AND y.project_source_id = w.project_source_id AND y.type_source_id = w.type_source_id"
    )


def count_metric_items() -> int:
    """Return of how many touched items the metrics are to be computed."""
    return int(fetch("SELECT COUNT(*) FROM touched_items WHERE is_metric = 1")[0][0])


def compute_metrics(condition: str = "1 = 1") -> None:
    """Fill `touched_metrics`. condition: SQL over `t`, of `touched_items`, to take only some."""
    items = f"(SELECT * FROM touched_items t WHERE t.is_metric = 1 AND {condition})"
    execute(f"CREATE TEMPORARY TABLE touched_changes AS {_changes_of(items)}")
    _analyze("touched_changes")
    metrics = metrics_sql(items, RESOLUTIONS, changes="touched_changes")
    differing = differing_metrics(metrics, "touched_items")
    execute(f"CREATE TEMPORARY TABLE touched_metrics AS {differing}")
    _analyze("touched_metrics")


def _changes_of(items: str) -> str:
    """Return a SELECT of the status changes of some items, looked up item by item.

    Left to itself PostgreSQL reads the changes of all items.
    """
    of_item = (
        "c.tenant_id = i.tenant_id AND c.integration_id = i.integration_id"
        " AND c.work_item_source_id = i.source_id AND c.is_status"
    )
    return (
        f"SELECT {CHANGE_COLUMNS} FROM {items} i {join_each('work_item_changelogs', 'c', of_item)}"
    )


def differing_metrics(metrics: str, items: str = "work_items") -> str:
    """Return a SELECT of id, changed_seq and METRICS of the items whose metrics differ from
    those that they have in `items`."""
    names = [f"{{0}}.{name}" for name in METRICS]
    old, new = (f"({', '.join(names)})".format(alias) for alias in ("w", "m"))
    computed = ", ".join(f"m.{name}" for name in METRICS)
    return (
        f"SELECT w.id, w.changed_seq, {computed} FROM ({metrics}) m JOIN {items} w"
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
        " is_shown INTEGER, is_metric INTEGER, integration_id BIGINT, project_source_id TEXT,"
        " type_source_id TEXT, status_source_id TEXT)"
    )
    rows = [
        (
            shift.resolution_id,
            shift.rule_id,
            int(shift.is_shown),
            int(shift.changes_metrics),
            shift.integration_id,
            *shift.pair,
            shift.status_source_id,
        )
        for shift in shifts
    ]
    with connection.cursor() as cursor:
        for start in range(0, len(rows), _ROWS_A_STATEMENT):
            some = rows[start : start + _ROWS_A_STATEMENT]
            marks = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s)"] * len(some))
            cursor.execute(
                f"INSERT INTO {table} VALUES {marks}", [value for row in some for value in row]
            )
    _analyze(table)


def _analyze(table: str) -> None:
    """Tell PostgreSQL how large a temporary table is: it plans for a few rows otherwise."""
    if connection.vendor == "postgresql":
        execute(f"ANALYZE {table}")


def _plan_for_much() -> None:
    """Let PostgreSQL sort and hash in memory and look rows up, to the end of the transaction."""
    if connection.vendor == "postgresql":
        fetch(
            "SELECT set_config('work_mem', '128MB', true), set_config('jit', 'off', true),"
            " set_config('random_page_cost', '1.1', true)"
        )


def _drop() -> None:
    for table in _TABLES:
        execute(f"DROP TABLE IF EXISTS {table}")
