"""The work items that an edit of the rules touches, in temporary tables.

`shift_types` and `shift_statuses`: the resolutions whose value changes, with the rule that they
fall under afterwards. `touched_items`: a row an item, as it is; is_shown: a mapped value of it
changes; is_metric: it is or was in a status that now means something else for metrics; is_live:
it is not deleted at the source.
`touched_metrics`: its metrics by the new rules, where they differ from what it has.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
    "passing_items",
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


@dataclass(frozen=True)
class Touched:
    """How many items an edit touches. count, metric_count: all of them, and those of which the
    metrics are to be computed; estimated where one in `every` was looked at."""

    count: int
    metric_count: int
    every: int


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


def gather_items(tenant_id: int, exact_up_to: int | None = None) -> Touched:
    """Fill `touched_items`; say how many there are.

    exact_up_to: where the metrics of more items are to be computed, of those that only were in a
    status before a sample is taken, one in `Touched.every`; all others are there.
    """
    passing = _find_passing(tenant_id)
    every = 1
    if exact_up_to is not None and passing > exact_up_to:
        every = -(-passing // exact_up_to)
    found = _gather(tenant_id, every)
    if every > 1 and found.metric_count <= (exact_up_to or 0):
        # Most of what passed is of other projects and types: there is no need of a sample.
        execute("DROP TABLE touched_items")
        found = _gather(tenant_id, 1)
    return found


def _gather(tenant_id: int, every: int) -> Touched:
    columns = f"{ITEM_COLUMNS}, {', '.join(f'w.{name}' for name in METRICS)}"
    is_live = "CASE WHEN w.deleted_at IS NULL THEN 1 ELSE 0 END AS is_live"
    chosen = f"w.id, {is_live}, w.changed_seq, {columns}"
    parts = [
        f"SELECT x.is_shown, x.is_metric, {chosen} FROM {table} x"
        f" {join_each('work_items', 'w', f'w.{column} = x.resolution_id')}"
        " WHERE x.is_shown = 1 OR x.is_metric = 1"
        for table, column in (
            ("shift_types", "wit_resolution_id"),
            ("shift_statuses", "status_resolution_id"),
        )
    ]
    of_passing = (
        f"w.source_id = p.work_item_source_id AND w.integration_id = p.integration_id"
        f" AND w.tenant_id = {tenant_id}"
    )
    parts.append(
        f"SELECT 0 AS is_shown, 1 AS is_metric, {chosen} FROM passing_items p"
        f" {join_each('work_items', 'w', of_passing)}"
        " JOIN metric_pairs y ON y.integration_id = w.integration_id"
        " AND y.project_source_id = w.project_source_id AND y.type_source_id = w.type_source_id"
        f" WHERE {one_in(every, 'p.work_item_source_id')}"
    )
    names = ", ".join(part.rpartition(".")[2] for part in columns.split(", "))
    grouped = f"id, is_live, changed_seq, {names}"
    execute(
        f"CREATE TEMPORARY TABLE touched_items AS SELECT {grouped}, MAX(is_shown) AS is_shown,"
        f" MAX(is_metric) AS is_metric FROM ({' UNION ALL '.join(parts)}) u"
        f" GROUP BY {grouped} ORDER BY id"
    )
    _analyze("touched_items")
    shown, metric, in_sample = fetch(
        "SELECT COALESCE(SUM(is_shown), 0), COALESCE(SUM(is_metric), 0),"
        f" COALESCE(SUM(CASE WHEN {one_in(every, 'source_id')} THEN is_metric END), 0)"
        " FROM touched_items"
    )[0]
    only_metric = fetch(
        f"SELECT COUNT(*) FROM touched_items WHERE is_shown = 0 AND {one_in(every, 'source_id')}"
    )[0][0]
    estimated = metric if every == 1 else in_sample * every
    return Touched(int(shown + only_metric * every), int(estimated), every)


def _find_passing(tenant_id: int) -> int:
    """Fill `passing_items`: those that left or came into a status that means something else."""
    metric = "FROM shift_statuses WHERE is_metric = 1"
    statuses = [status for (status,) in fetch(f"SELECT DISTINCT status_source_id {metric}")]
    owners = [str(owner) for (owner,) in fetch(f"SELECT DISTINCT integration_id {metric}")]
    marks = ", ".join(["%s"] * len(statuses)) or "NULL"
    passing = " UNION ".join(
        "SELECT c.integration_id, c.work_item_source_id FROM work_item_changelogs c"
        f" WHERE c.tenant_id = {tenant_id} AND c.integration_id IN ({', '.join(owners) or 'NULL'})"
        f" AND c.is_status AND COALESCE(c.{column}, '') IN ({marks})"
        for column in ("from_value", "to_value")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE passing_items AS SELECT * FROM ({passing}) u"
            " ORDER BY work_item_source_id",
            statuses * 2,
        )
    _analyze("passing_items")
    return int(fetch("SELECT COUNT(*) FROM passing_items")[0][0])


def one_in(every: int, source_id: str) -> str:
    """Return a condition that holds for about one in `every` items, the same ones each time."""
    if every == 1:
        return "1 = 1"
    if connection.vendor == "postgresql":
        return f"MOD(ABS(hashtext({source_id})::bigint), {every}) = 0"
    return f"CAST({source_id} AS INTEGER) % {every} = 0"


def compute_metrics(every: int = 1) -> None:
    """Fill `touched_metrics`; of one item in `every` only, as of `gather_items`."""
    chosen = one_in(every, "t.source_id")
    items = f"(SELECT * FROM touched_items t WHERE t.is_metric = 1 AND {chosen})"
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
