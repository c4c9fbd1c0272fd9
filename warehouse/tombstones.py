"""Tombstones: rows whose entity is gone at the source stay, marked, and are exported no more.

A row is revived by a load that has seen its entity after its tombstone was set
(`warehouse/merge.py`); reading older pages again never revives it, not even where the row has to
be rebuilt from them: tombstones are kept apart from the rows, too (`GoneRow`). What hangs on a
dead row, such as changes or reviews, has no tombstone of its own: exports leave it out with its
parent.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import connection, transaction
from django.db.models import QuerySet

from common.errors import PermanentError
from integrations.contract import Gone
from tenants.scope import check_writable
from warehouse.load import lock_counter
from warehouse.merge import Batch
from warehouse.parts import rows_of_part
from warehouse.tables import BY_NAME

T = TypeVar("T")

_AT_ONCE: Final = 5_000


def bury(tenant_id: int, integration_id: int, gone: Sequence[Gone], at: datetime) -> int:
    """Mark rows as gone since `at`; return how many. In the tenant's scope.

    Only rows that are alive and whose record was fetched before `at` are marked. Raises
    PermanentError if the integration is not the tenant's, or a table has no tombstones.
    """
    check_writable(tenant_id)
    buried = 0
    with transaction.atomic():
        counter = lock_counter(tenant_id, integration_id)
        batch = Batch(tenant_id, integration_id, counter.changed_seq)
        for each in gone:
            for rows in _rows(batch, each):
                alive = rows.filter(deleted_at=None, fetched_at__lt=at).order_by("pk")
                for ids in _chunks(list(alive.values_list("pk", flat=True))):
                    _mark(batch, each, ids, at)
                    buried += len(ids)
        counter.changed_seq = batch.changed_seq
        counter.save(update_fields=["changed_seq"])
    return buried


def _rows(batch: Batch, gone: Gone) -> Iterator[QuerySet[Any]]:
    if gone.table not in BY_NAME or not BY_NAME[gone.table].has_tombstone:
        raise PermanentError(f"rows of {gone.table} cannot be gone")
    owner = (batch.tenant_id, batch.integration_id, gone.table)
    if gone.ids is None:
        yield rows_of_part(*owner, gone.part)
        return
    for ids in _chunks(gone.ids):
        yield rows_of_part(*owner, "").filter(source_id__in=ids)


def _mark(batch: Batch, gone: Gone, ids: Sequence[int], at: datetime) -> None:
    """Set the tombstones of these rows, each with a change number of its own."""
    table = BY_NAME[gone.table].model._meta.db_table
    field = BY_NAME[gone.table].field("deleted_at")
    base = batch.take(len(ids))
    marks = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} AS t SET deleted_at = %s, deleted_reason = %s,"
            f" changed_seq = {base} + n.nth FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id)"
            f" AS nth FROM {table} WHERE id IN ({marks})) n"
            f" WHERE n.id = t.id AND t.tenant_id = {batch.tenant_id}",
            [field.get_db_prep_value(at, connection), gone.reason, *ids],
        )
        cursor.execute(
            "INSERT INTO gone_rows AS g"
            ' (tenant_id, integration_id, "table", source_id, deleted_at, deleted_reason)'
            f" SELECT {batch.owner}, %s, source_id, deleted_at, deleted_reason FROM {table}"
            f" WHERE id IN ({marks})"
            ' ON CONFLICT (source_id, "table", integration_id, tenant_id) DO UPDATE SET'
            " deleted_at = excluded.deleted_at, deleted_reason = excluded.deleted_reason",
            [gone.table, *ids],
        )


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    return (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
