"""Removes rows for good, and notes which, for those who keep copies by `changed_seq`.

Rows with a tombstone stay and tell it themselves. A change is named by its natural key, as it
has no id; any other row by its id, which is never given again.
"""

from typing import Final

from warehouse.merge import Batch, fetch
from warehouse.models import RemovedRow
from warehouse.tables import BY_NAME, Table

NOTED: Final = ("work_item_changelogs", "pull_request_commits", "reviews", "comments")
"""Tables that readers copy and whose rows are removed. Links are read anew, as mentions are."""

_AT_ONCE: Final = 1_000
_CHANGE: Final = (
    "CAST(integration_id AS text) || ':' || work_item_source_id || ':' || source_id || ':'"
    " || CAST(position AS text)"
)


def remove(batch: Batch, table: Table, condition: str) -> int:
    """Delete the rows of the batch's integration that meet a condition; return how many went.

    Under the tenant's counter lock: each takes a change number.
    """
    name = table.model._meta.db_table
    shown = _CHANGE if table is BY_NAME["work_item_changelogs"] else "CAST(id AS text)"
    gone = [row for (row,) in fetch(f"DELETE FROM {name} WHERE {condition} RETURNING {shown}")]
    if name in NOTED:
        base = batch.take(len(gone))
        RemovedRow.objects.bulk_create(
            (
                RemovedRow(
                    tenant_id=batch.tenant_id,
                    integration_id=batch.integration_id,
                    table=name,
                    row_id=row_id,
                    changed_seq=base + number,
                )
                for number, row_id in enumerate(gone, start=1)
            ),
            batch_size=_AT_ONCE,
            update_conflicts=True,
            unique_fields=("row_id", "table", "integration_id", "tenant"),
            update_fields=("changed_seq",),
        )
    return len(gone)
