"""Merges work items with their changelogs, what occurs in them, and their metrics."""

from collections.abc import Mapping

from mappings.models import StatusResolution, WitResolution
from mappings.resolve import resolve
from warehouse.flow import METRICS, metrics_sql
from warehouse.histories import (
    CHANGES,
    COMPLETE,
    ITEMS,
    TOUCHED,
    complete_until,
    gather_complete_records,
    has_all_changes,
    has_stray_changes,
    is_any_known,
    settle_changes,
)
from warehouse.mapped_fields import active_rules, mapped_fields_sql
from warehouse.merge import (
    Batch,
    distinct,
    drop_losers,
    drop_stale,
    execute,
    fetch,
    join_each,
    upsert,
)
from warehouse.models import Project

_PAIR = "project_source_id, type_source_id"


def project_keys(batch: Batch) -> Mapping[str, str]:
    """Return the key of each project of the integration by its source id."""
    rows = Project.objects.filter(tenant_id=batch.tenant_id, integration_id=batch.integration_id)
    return dict(rows.values_list("source_id", "key"))


def merge_work_items(batch: Batch) -> int:
    """Merge the staged work items and changes; return how many rows were written.

    Which changes stand is in `warehouse/histories.py`. Loaded items of which only changes are
    staged get their metrics anew.
    """
    gather_complete_records()
    is_known = is_any_known(batch)
    dropped, written = drop_losers(ITEMS), 0
    if is_known:
        dropped += drop_stale(ITEMS, batch)
    is_settling = is_known or dropped > 0 or has_stray_changes()
    if is_settling:
        written += settle_changes(batch)
    drop_losers(CHANGES)
    written += upsert(CHANGES, batch)
    if _note_what_occurs(batch, _items_with_changes(batch) if is_settling else ITEMS.staging_name):
        resolve(batch.tenant_id, batch.integration_id, project_keys(batch))
    written += _write_items(batch)
    if is_settling:
        written += _rewrite_touched(batch)
        execute(f"DROP TABLE {TOUCHED}")
    execute(f"DROP TABLE {COMPLETE}")
    return written


def _touched(batch: Batch) -> str:
    """Return the FROM of the loaded items `t` of TOUCHED."""
    loaded = f"{batch.owns('t')} AND t.source_id = i.source_id"
    return f"FROM {TOUCHED} i {join_each('work_items', 't', loaded)}"


def _items_with_changes(batch: Batch) -> str:
    """Return a sub-select of the staged and the touched items, as far as it matters."""
    names = f"source_id, {_PAIR}, status_source_id"
    of_touched = ", ".join(f"t.{name}" for name in names.split(", "))
    return (
        f"(SELECT {names} FROM {ITEMS.staging_name}"
        f" UNION ALL SELECT {of_touched} {_touched(batch)})"
    )


def _note_what_occurs(batch: Batch, items: str) -> int:
    """Add the (project, type) and (project, type, status) that are new; return how many."""
    types = execute(
        f"INSERT INTO {WitResolution._meta.db_table} (tenant_id, integration_id, {_PAIR})"
        f" SELECT DISTINCT {batch.owner}, {_PAIR} FROM {items} s WHERE true ON CONFLICT DO NOTHING"
    )
    each = "s.project_source_id, s.type_source_id"
    of_item = f"{batch.owns('c')} AND c.work_item_source_id = s.source_id AND c.is_status"
    changes = f"FROM {items} s {join_each('work_item_changelogs', 'c', of_item)}"
    statuses = execute(
        f"INSERT INTO {StatusResolution._meta.db_table}"
        f" (tenant_id, integration_id, {_PAIR}, status_source_id)"
        f" SELECT {batch.owner}, o.* FROM ("
        f"SELECT {each}, s.status_source_id FROM {items} s"
        f" UNION SELECT {each}, c.from_value {changes} WHERE c.from_value IS NOT NULL"
        f" UNION SELECT {each}, c.to_value {changes} WHERE c.to_value IS NOT NULL"
        ") o WHERE true ON CONFLICT DO NOTHING"
    )
    return types + statuses


def _write_items(batch: Batch) -> int:
    relation = f"(SELECT {batch.tenant_id} AS tenant_id, {batch.integration_id} AS integration_id,"
    relation += f" {has_all_changes(batch, 's')} AS all_changes_loaded,"
    relation += f" s.* FROM {ITEMS.staging_name} s)"
    execute(f"CREATE TEMPORARY TABLE stage_metrics AS {metrics_sql(relation)}")
    joins = (
        "LEFT JOIN stage_metrics m ON m.source_id = s.source_id"
        f" LEFT JOIN {COMPLETE} w ON w.source_id = s.source_id"
        f" LEFT JOIN wit_resolutions y ON {batch.owns('y')}"
        " AND y.project_source_id = s.project_source_id AND y.type_source_id = s.type_source_id"
        f" LEFT JOIN status_resolutions r ON {batch.owns('r')}"
        " AND r.project_source_id = s.project_source_id AND r.type_source_id = s.type_source_id"
        " AND r.status_source_id = s.status_source_id"
    )
    computed = {"wit_resolution_id": "y.id", "status_resolution_id": "r.id"}
    computed |= {"all_changes_loaded": has_all_changes(batch, "s")}
    computed |= {"complete_until": complete_until("s")}
    rules = active_rules(batch.tenant_id, batch.integration_id)
    computed |= {"mapped_fields": mapped_fields_sql(rules, "s.custom_fields")}
    computed |= {name: f"m.{name}" for name in METRICS}
    written = upsert(ITEMS, batch, computed, joins)
    execute("DROP TABLE stage_metrics")
    return written


def _rewrite_touched(batch: Batch) -> int:
    """Write what follows from the changes of the touched items; return how many rows differ."""
    needed = f"t.tenant_id, t.integration_id, t.source_id, t.{_PAIR.replace(', ', ', t.')}"
    relation = (
        f"(SELECT {needed}, t.status_source_id, t.created_at,"
        f" {has_all_changes(batch, 't')} AS all_changes_loaded {_touched(batch)})"
    )
    execute(f"CREATE TEMPORARY TABLE stage_metrics AS {metrics_sql(relation)}")
    values = {
        "all_changes_loaded": has_all_changes(batch, "t"),
        "complete_until": complete_until("t"),
    }
    values |= {name: f"m.{name}" for name in METRICS}
    execute(
        "CREATE TEMPORARY TABLE stage_rewritten AS SELECT t.id,"
        f" {', '.join(f'{value} AS {name}' for name, value in values.items())} {_touched(batch)}"
        " LEFT JOIN stage_metrics m ON m.source_id = t.source_id"
        f" LEFT JOIN {COMPLETE} w ON w.source_id = t.source_id"
    )
    base = batch.take(int(fetch("SELECT COUNT(*) FROM stage_rewritten")[0][0]))
    written = execute(
        f"UPDATE work_items AS t SET {', '.join(f'{name} = n.{name}' for name in values)},"
        f" changed_seq = {base} + n.nth FROM (SELECT r.*, ROW_NUMBER() OVER (ORDER BY r.id) AS nth"
        f" FROM stage_rewritten r) n WHERE t.id = n.id AND {distinct(tuple(values), 't', 'n')}"
    )
    execute("DROP TABLE stage_rewritten")
    execute("DROP TABLE stage_metrics")
    return written
