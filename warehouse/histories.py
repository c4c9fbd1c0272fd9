"""Which changes of a work item stand, and whether they are all of them.

Changes come embedded in a record of their item, or in pages of a stream of their own that may be
loaded before the item or after it. The policies by name, the same in any order of loading:

- `united`: what any record has is kept, also of an item that is not loaded yet; a record with a
  part of the history takes nothing away;
- `complete_record`: a record that holds all changes decides about those up to its `updated_at`:
  of these there are just the ones that it has, whatever other records brought before or bring
  after it. Later ones stay, for they are of a newer version of the item. The newest such
  record decides; it need not be the one that the item's other values are from;
- `counted`: all changes of an item are loaded if its own record holds all, or if the source said
  how many histories there are and at least so many different ones are loaded.
"""

from warehouse.merge import (
    Batch,
    columns,
    execute,
    exists,
    found,
    is_any_loaded,
    join_each,
    row_id,
    same_key,
)
from warehouse.removed import remove
from warehouse.tables import BY_NAME

ITEMS = BY_NAME["work_items"]
CHANGES = BY_NAME["work_item_changelogs"]

COMPLETE = "stage_complete_records"
"""Of each item the newest record that holds all changes: whose updated_at decides until when.

raw_page_id and raw_position are null if the record is not among the staged ones.
"""

TOUCHED = "stage_touched_items"
"""source_id of the loaded items that have no staged record and whose changes may differ now."""

_ONE_RECORD = "{0}.raw_page_id = {1}.raw_page_id AND {0}.raw_position = {1}.raw_position"


def has_all_changes(batch: Batch, item: str) -> str:
    """Return the condition that all changes of a row of the alias `item` are loaded."""
    loaded = (
        "SELECT COUNT(DISTINCT c.source_id) FROM work_item_changelogs c"
        f" WHERE {batch.owns('c')} AND c.work_item_source_id = {item}.source_id"
    )
    return (
        f"CASE WHEN NOT {item}.history_complete AND {item}.history_total IS NOT NULL"
        f" THEN ({loaded}) >= {item}.history_total ELSE {item}.history_complete END"
    )


def complete_until(item: str) -> str:
    """Return the column `complete_until` of a row of `item`, beside its row `w` of COMPLETE."""
    return f"CASE WHEN {item}.history_complete THEN NULL ELSE w.updated_at END"


def gather_complete_records() -> None:
    """Create COMPLETE from the staged items; before the older records of an item are dropped."""
    execute(
        f"CREATE TEMPORARY TABLE {COMPLETE} AS SELECT source_id, updated_at, fetched_at, digest,"
        " raw_page_id, raw_position FROM (SELECT s.*, ROW_NUMBER() OVER (PARTITION BY s.source_id"
        " ORDER BY s.updated_at DESC, s.fetched_at DESC, s.digest DESC) AS nth"
        f" FROM {ITEMS.staging_name} s WHERE s.history_complete) ranked WHERE nth = 1"
    )
    execute(f"CREATE INDEX {COMPLETE}_key ON {COMPLETE} (source_id)")


def is_any_known(batch: Batch) -> bool:
    """Tell whether anything is loaded of a staged item: itself, or a change of it."""
    change = found(
        f"SELECT 1 FROM work_item_changelogs c WHERE {batch.owns('c')}"
        " AND c.work_item_source_id = s.source_id"
    )
    return is_any_loaded(ITEMS, batch) or exists(
        f"SELECT 1 FROM {ITEMS.staging_name} s WHERE {change}"
    )


def has_stray_changes() -> bool:
    """Tell whether changes are staged of items that are not."""
    return exists(
        f"SELECT 1 FROM {CHANGES.staging_name} c WHERE c.work_item_source_id NOT IN"
        f" (SELECT source_id FROM {ITEMS.staging_name})"
    )


def settle_changes(batch: Batch) -> int:
    """Apply `complete_record`: drop staged changes, remove loaded ones; return how many of these.

    Creates TOUCHED. To be called when the older staged records of each item are dropped.
    """
    _heed_loaded_records(batch)
    execute(
        f"DELETE FROM {CHANGES.staging_name} AS c WHERE EXISTS (SELECT 1 FROM {COMPLETE} w"
        " WHERE w.source_id = c.work_item_source_id AND c.changed_at <= w.updated_at"
        f" AND (w.raw_page_id IS NULL OR NOT ({_ONE_RECORD.format('w', 'c')})))"
    )
    removed = _remove_vanished(batch)
    execute(
        f"CREATE TEMPORARY TABLE {TOUCHED} AS SELECT i.source_id FROM ("
        f"SELECT work_item_source_id AS source_id FROM {CHANGES.staging_name}"
        f" UNION SELECT source_id FROM {COMPLETE} WHERE raw_page_id IS NOT NULL) i"
        f" WHERE i.source_id NOT IN (SELECT source_id FROM {ITEMS.staging_name})"
    )
    return removed


def _heed_loaded_records(batch: Batch) -> None:
    """Bring COMPLETE in line with the loaded items of the staged items and changes."""
    newer = (
        f"SELECT 1 FROM work_items t WHERE {batch.owns('t')} AND t.source_id = w.source_id"
        " AND (t.complete_until > w.updated_at OR (t.history_complete"
        f" AND NOT ({_ONE_RECORD.format('t', 'w')}) AND (t.updated_at, t.fetched_at, t.digest)"
        " > (w.updated_at, w.fetched_at, w.digest)))"
    )
    execute(f"DELETE FROM {COMPLETE} AS w WHERE {found(newer)}")
    read_again = (
        f"SELECT 1 FROM {ITEMS.staging_name} s"
        f" WHERE s.source_id = t.source_id AND {_ONE_RECORD.format('s', 't')}"
    )
    until = f"CASE WHEN t.history_complete AND NOT {found(read_again)} THEN t.updated_at"
    until += " ELSE t.complete_until END"
    loaded = f"{batch.owns('t')} AND t.source_id = i.source_id"
    execute(
        f"INSERT INTO {COMPLETE} (source_id, updated_at) SELECT k.source_id, k.until FROM ("
        f"SELECT i.source_id, {until} AS until FROM (SELECT source_id FROM {ITEMS.staging_name}"
        f" UNION SELECT work_item_source_id FROM {CHANGES.staging_name}) i"
        f" {join_each('work_items', 't', loaded)}) k WHERE k.until IS NOT NULL"
        f" AND k.source_id NOT IN (SELECT source_id FROM {COMPLETE})"
    )


def _remove_vanished(batch: Batch) -> int:
    """Remove the loaded changes that the staged complete record of their item does not have."""
    execute(f"CREATE INDEX stage_changes_key ON {CHANGES.staging_name} ({columns(CHANGES.key)})")
    staged = f"SELECT 1 FROM {CHANGES.staging_name} c WHERE {same_key(CHANGES, 'c', 't')}"
    loaded = (
        f"{batch.owns('t')} AND t.work_item_source_id = w.source_id"
        f" AND t.changed_at <= w.updated_at AND NOT {found(staged)}"
    )
    return remove(
        batch,
        CHANGES,
        f"{row_id()} IN (SELECT t.{row_id()} FROM"
        f" (SELECT source_id, updated_at FROM {COMPLETE} WHERE raw_page_id IS NOT NULL) w"
        f" {join_each('work_item_changelogs', 't', loaded)})",
    )
