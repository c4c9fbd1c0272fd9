"""What is loaded as alive, for a census to compare with what the source still has."""

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import QuerySet

from integrations.contract import Difference
from warehouse.tables import BY_NAME

PARTS: Final = {
    "work_items": "project_source_id",
    "pull_requests": "repository_source_id",
}
"""The column that says which part of a table a row belongs to, where parts are told apart."""


def alive(tenant_id: int, integration_id: int, table: str, part: str) -> "QuerySet[Any]":
    """Return the rows of a table, or of a part of it (empty: all), that are no tombstones."""
    rows: QuerySet[Any] = BY_NAME[table].model._default_manager.filter(
        tenant_id=tenant_id, integration_id=integration_id, deleted_at=None
    )
    return rows.filter(**{PARTS[table]: part}) if part else rows


def loaded_ids(tenant_id: int, integration_id: int, table: str, part: str) -> list[str]:
    """Return the source ids of the live rows of a table, or of a part of it."""
    rows = alive(tenant_id, integration_id, table, part)
    return list(rows.values_list("source_id", flat=True))


def difference(
    tenant_id: int, integration_id: int, table: str, part: str, seen_ids: Iterable[str]
) -> Difference:
    """Compare the ids that a complete census saw with what is loaded; in order, so that the
    asks that follow from it are the same however often it is compared."""
    seen = set(seen_ids)
    loaded = set(loaded_ids(tenant_id, integration_id, table, part))
    return Difference(
        table=table, part=part, missing=sorted(seen - loaded), extra=sorted(loaded - seen)
    )
