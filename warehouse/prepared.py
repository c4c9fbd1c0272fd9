"""Metrics by rules that are not in effect yet: computed in parts, and taken over at once."""

from typing import Any

from django.db import connection

from mappings.editing import as_if_in_effect
from mappings.effects import Prepared
from mappings.models import ChangeSet
from warehouse.flow import METRICS, meanings_sql, metrics_sql
from warehouse.merge import Batch, execute, fetch
from warehouse.touched import (
    ITEM_COLUMNS,
    RESOLUTIONS,
    differing_metrics,
    shift_tables,
)

_ROWS_A_STATEMENT = 500
_NAMES = ", ".join(METRICS)
_MEANING_COLUMNS = (
    "tenant_id BIGINT, integration_id BIGINT, project_source_id TEXT, type_source_id TEXT,"
    " status_source_id TEXT, category VARCHAR(16), commits INTEGER"
)


def prepare_metrics(
    change_set: ChangeSet, integration_id: int, first: int, last: int
) -> tuple[int, int]:
    """Compute the metrics of the items with ids from `first` to `last` by a stored change-set.

    Returned is how many items there are, and of how many the metrics differ from what they have:
    those are kept. Computed again, it gives the same. The rules are in their tables for a moment
    only, so that parts may be computed beside each other.
    """
    batch = Batch(change_set.tenant_id, integration_id, 0)
    _stage_meanings(change_set, batch)
    execute(
        f"DELETE FROM prepared_metrics WHERE change_set_id = {change_set.pk}"
        f" AND work_item_id BETWEEN {first} AND {last} AND tenant_id = {batch.tenant_id}"
    )
    items = (
        f"(SELECT {ITEM_COLUMNS} FROM work_items w WHERE w.id BETWEEN {first} AND {last}"
        f" AND {batch.owns('w')} AND (w.project_source_id, w.type_source_id) IN"
        " (SELECT project_source_id, type_source_id FROM prepared_pairs))"
    )
    metrics = metrics_sql(items, meanings="SELECT * FROM prepared_meanings")
    kept = execute(
        "INSERT INTO prepared_metrics (tenant_id, change_set_id, work_item_id, seen_seq,"
        f" {_NAMES}) SELECT {batch.tenant_id}, {change_set.pk}, d.id, d.changed_seq, {_NAMES}"
        f" FROM ({differing_metrics(metrics)}) d WHERE true"
    )
    execute("DROP TABLE prepared_meanings")
    execute("DROP TABLE prepared_pairs")
    looked_at = fetch(
        f"SELECT COUNT(*) FROM work_items w WHERE w.id BETWEEN {first} AND {last}"
        f" AND {batch.owns('w')}"
    )
    return int(looked_at[0][0]), kept


def take_prepared(tenant_id: int, prepared: Prepared) -> None:
    """Fill `touched_metrics` from what was prepared; compute anew what has changed since."""
    chosen = f"p.change_set_id = {prepared.change_set_id} AND p.tenant_id = {tenant_id}"
    changed = (
        f"(SELECT * FROM touched_items t WHERE t.is_metric = 1"
        f" AND t.changed_seq > {prepared.seen_seq} AND NOT EXISTS"
        f" (SELECT 1 FROM prepared_metrics p WHERE {chosen} AND p.work_item_id = t.id"
        " AND p.seen_seq = t.changed_seq))"
    )
    execute(
        f"CREATE TEMPORARY TABLE touched_metrics AS SELECT w.id, w.changed_seq, {_NAMES_OF_P}"
        " FROM prepared_metrics p JOIN work_items w ON w.id = p.work_item_id"
        f" AND w.changed_seq = p.seen_seq AND w.tenant_id = p.tenant_id WHERE {chosen}"
        f" UNION ALL SELECT id, changed_seq, {_NAMES}"
        f" FROM ({differing_metrics(metrics_sql(changed, RESOLUTIONS))}) d"
    )


def forget_prepared(change_set: ChangeSet) -> None:
    """Remove what was prepared."""
    execute(
        f"DELETE FROM prepared_metrics WHERE change_set_id = {change_set.pk}"
        f" AND tenant_id = {change_set.tenant_id}"
    )


_NAMES_OF_P = ", ".join(f"p.{name}" for name in METRICS)


def _stage_meanings(change_set: ChangeSet, batch: Batch) -> None:
    """Have in temporary tables what statuses will mean, and which pairs that concerns."""
    owners = f"SELECT {batch.owner}"
    with as_if_in_effect(change_set) as shifts, shift_tables(shifts.of(batch.integration_id)):
        meanings = fetch(meanings_sql(RESOLUTIONS, owners))
        pairs = fetch("SELECT project_source_id, type_source_id FROM metric_pairs")
    execute(f"CREATE TEMPORARY TABLE prepared_meanings ({_MEANING_COLUMNS})")
    execute("CREATE TEMPORARY TABLE prepared_pairs (project_source_id TEXT, type_source_id TEXT)")
    _insert("prepared_meanings", meanings)
    _insert("prepared_pairs", pairs)


def _insert(table: str, rows: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        for start in range(0, len(rows), _ROWS_A_STATEMENT // 4):
            some = rows[start : start + _ROWS_A_STATEMENT // 4]
            marks = f"({', '.join(['%s'] * len(some[0]))})"
            cursor.execute(
                f"INSERT INTO {table} VALUES {', '.join([marks] * len(some))}",
                [value for row in some for value in row],
            )
    if connection.vendor == "postgresql":
        execute(f"ANALYZE {table}")
