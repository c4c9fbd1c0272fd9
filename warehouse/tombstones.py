"""Tombstones: rows whose entity is no longer at the source, kept with the reason."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from integrations.contract import Gone
from warehouse.census import alive
from warehouse.load import lock_counter

_IDS_A_QUERY = 500


def bury(tenant_id: int, integration_id: int, gone: Sequence[Gone], at: datetime) -> int:
    """Mark rows as gone since `at`, inside a transaction; return how many were alive till then.

    What was fetched later than `at` is alive; a load that sees a row again later revives it.
    """
    if not gone:
        return 0
    assert connection.in_atomic_block
    counter = lock_counter(tenant_id, integration_id)
    first = counter.changed_seq
    for each in gone:
        rows: Any = alive(tenant_id, integration_id, each.table, each.part)
        for part in _by_ids(rows.filter(fetched_at__lt=at), each.ids):
            for pk in list(part.order_by("source_id").values_list("pk", flat=True)):
                counter.changed_seq += 1
                part.model._default_manager.filter(pk=pk).update(
                    deleted_at=at, deleted_reason=each.reason, changed_seq=counter.changed_seq
                )
    counter.save(update_fields=["changed_seq"])
    return int(counter.changed_seq - first)


def _by_ids(rows: "QuerySet[Any]", ids: list[str] | None) -> "list[QuerySet[Any]]":
    if ids is None:
        return [rows]
    return [
        rows.filter(source_id__in=ids[start : start + _IDS_A_QUERY])
        for start in range(0, len(ids), _IDS_A_QUERY)
    ]
