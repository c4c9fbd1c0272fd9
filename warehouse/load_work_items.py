"""Merges work items with their changelogs, what occurs in them, and their metrics."""

from collections.abc import Mapping

from mappings.models import StatusResolution, WitResolution
from mappings.resolve import resolve
from warehouse.flow import METRICS, metrics_sql
from warehouse.merge import (
    Batch,
    columns,
    drop_losers,
    drop_stale,
    execute,
    found,
    is_any_loaded,
    join_each,
    row_id,
    same_key,
    upsert,
)
from warehouse.models import Project
from warehouse.tables import BY_NAME

ITEMS = BY_NAME["work_items"]
CHANGES = BY_NAME["work_item_changelogs"]


def project_keys(batch: Batch) -> Mapping[str, str]:
    """Return the key of each project of the integration by its source id."""
    rows = Project.objects.filter(tenant_id=batch.tenant_id, integration_id=batch.integration_id)
    return dict(rows.values_list("source_id", "key"))


def merge_work_items(batch: Batch) -> int:
    """Merge the staged work items and changes; return how many rows were written.

    A complete history of the winning record replaces all that is loaded; where the winner's is
    truncated, the changes of all records of the item are united.
    """
    dropped, written = drop_losers(ITEMS), 0
    was_loaded = is_any_loaded(ITEMS, batch)
    if was_loaded:
        dropped += drop_stale(ITEMS, batch)
    if dropped:
        _drop_superseded_changes(batch)
    if was_loaded:
        written += _remove_vanished_changes(batch)
    drop_losers(CHANGES)
    written += upsert(CHANGES, batch)
    if _note_what_occurs(batch):
        resolve(batch.tenant_id, batch.integration_id, project_keys(batch))
    return written + _write_items(batch)


def _drop_superseded_changes(batch: Batch) -> None:
    """Drop the changes of records that lost against one with a complete history."""
    execute(
        f"DELETE FROM {CHANGES.staging_name} AS c WHERE EXISTS (SELECT 1"
        f" FROM {ITEMS.staging_name} s WHERE s.source_id = c.work_item_source_id"
        " AND s.history_complete"
        " AND (s.raw_page_id <> c.raw_page_id OR s.raw_position <> c.raw_position))"
    )
    loaded = (
        f"SELECT 1 FROM work_items t WHERE {batch.owns('t')}"
        " AND t.source_id = c.work_item_source_id AND t.history_complete"
    )
    execute(
        f"DELETE FROM {CHANGES.staging_name} AS c WHERE NOT EXISTS (SELECT 1"
        f" FROM {ITEMS.staging_name} s WHERE s.source_id = c.work_item_source_id)"
        f" AND {found(loaded)}"
    )


def _remove_vanished_changes(batch: Batch) -> int:
    """Remove loaded changes that the complete history of their staged item no longer has."""
    execute(f"CREATE INDEX stage_changes_key ON {CHANGES.staging_name} ({columns(CHANGES.key)})")
    staged = f"SELECT 1 FROM {CHANGES.staging_name} c WHERE {same_key(CHANGES, 'c', 't')}"
    loaded = f"{batch.owns('t')} AND t.work_item_source_id = s.source_id AND NOT {found(staged)}"
    return execute(
        f"DELETE FROM work_item_changelogs WHERE {row_id()} IN ("
        f"SELECT t.{row_id()} FROM {ITEMS.staging_name} s"
        f" {join_each('work_item_changelogs', 't', loaded)} WHERE s.history_complete)"
    )


def _note_what_occurs(batch: Batch) -> int:
    """Add the (project, type) and (project, type, status) that are new; return how many."""
    items = ITEMS.staging_name
    pair = "project_source_id, type_source_id"
    types = execute(
        f"INSERT INTO {WitResolution._meta.db_table} (tenant_id, integration_id, {pair})"
        f" SELECT DISTINCT {batch.owner}, {pair} FROM {items} WHERE true ON CONFLICT DO NOTHING"
    )
    each = "s.project_source_id, s.type_source_id"
    of_item = f"{batch.owns('c')} AND c.work_item_source_id = s.source_id AND c.is_status"
    changes = f"FROM {items} s {join_each('work_item_changelogs', 'c', of_item)}"
    statuses = execute(
        f"INSERT INTO {StatusResolution._meta.db_table}"
        f" (tenant_id, integration_id, {pair}, status_source_id)"
        f" SELECT {batch.owner}, o.* FROM ("
        f"SELECT {each}, s.status_source_id FROM {items} s"
        f" UNION SELECT {each}, c.from_value {changes} WHERE c.from_value IS NOT NULL"
        f" UNION SELECT {each}, c.to_value {changes} WHERE c.to_value IS NOT NULL"
        ") o WHERE true ON CONFLICT DO NOTHING"
    )
    return types + statuses


def _write_items(batch: Batch) -> int:
    relation = f"(SELECT {batch.tenant_id} AS tenant_id, {batch.integration_id} AS integration_id,"
    relation += f" s.* FROM {ITEMS.staging_name} s)"
    execute(f"CREATE TEMPORARY TABLE stage_metrics AS {metrics_sql(relation)}")
    joins = (
        "LEFT JOIN stage_metrics m ON m.source_id = s.source_id"
        f" LEFT JOIN wit_resolutions w ON {batch.owns('w')}"
        " AND w.project_source_id = s.project_source_id AND w.type_source_id = s.type_source_id"
        f" LEFT JOIN status_resolutions r ON {batch.owns('r')}"
        " AND r.project_source_id = s.project_source_id AND r.type_source_id = s.type_source_id"
        " AND r.status_source_id = s.status_source_id"
    )
    computed = {"wit_resolution_id": "w.id", "status_resolution_id": "r.id"}
    computed |= {name: f"m.{name}" for name in METRICS}
    written = upsert(ITEMS, batch, computed, joins)
    execute("DROP TABLE stage_metrics")
    return written
