"""What the tenant makes of custom fields: work_items.mapped_fields."""

from warehouse.merge import Batch


def count_touched(tenant_id: int, integration_id: int) -> int:
    """Return of how many work items the mapped fields would differ by the rules as they stand."""
    return 0


def apply(batch: Batch) -> int:
    """Write the mapped fields that differ; return how many items changed."""
    return 0
