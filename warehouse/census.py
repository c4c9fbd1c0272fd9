"""What is loaded as alive, and how it differs from what a census of the source has found."""

from collections.abc import Iterable

from integrations.contract import Difference
from warehouse.parts import rows_of_part


def loaded_ids(tenant_id: int, integration_id: int, table: str, part: str) -> list[str]:
    """Return the source ids of the live rows of a part, in order; see `rows_of_part`."""
    return sorted(_live_ids(tenant_id, integration_id, table, part))


def difference(
    tenant_id: int, integration_id: int, table: str, part: str, seen_ids: Iterable[str]
) -> Difference:
    """Compare a part with the ids of a complete census of it. A tombstone counts as not loaded."""
    seen = set(seen_ids)
    loaded = _live_ids(tenant_id, integration_id, table, part)
    return Difference(
        table=table, part=part, missing=sorted(seen - loaded), extra=sorted(loaded - seen)
    )


def _live_ids(tenant_id: int, integration_id: int, table: str, part: str) -> set[str]:
    rows = rows_of_part(tenant_id, integration_id, table, part).filter(deleted_at=None)
    return set(rows.values_list("source_id", flat=True).iterator(chunk_size=10_000))
