"""The warehouse as edits of rules need it; `mappings.effects` says what is promised."""

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Count

from mappings.effects import Impact, ItemName, Prepared
from mappings.shifts import Shifts
from warehouse import mapped_fields
from warehouse.effects_examples import examples_of
from warehouse.impact import impact_of
from warehouse.merge import Batch
from warehouse.models import Project, TenantCounter, WorkItem
from warehouse.prepared import take_prepared
from warehouse.touched import compute_metrics, gather_items, shift_tables, write_touched


class WarehouseEffects:
    """All of `mappings.effects.Effects` but the run that prepares."""

    def lock(self, tenant_id: int) -> None:
        """Keep loads of the tenant out until the transaction ends."""
        TenantCounter.objects.get_or_create(tenant_id=tenant_id)
        TenantCounter.objects.select_for_update().get(tenant_id=tenant_id)

    def project_keys(self, tenant_id: int, integration_id: int) -> Mapping[str, str]:
        """Return the key of each project of an integration by its source id."""
        rows = Project.objects.filter(tenant_id=tenant_id, integration_id=integration_id)
        return dict(rows.values_list("source_id", "key"))

    def impact(self, tenant_id: int, shifts: Shifts, example_count: int) -> Impact:
        """Return what the shifts change."""
        return impact_of(tenant_id, shifts, example_count)

    def apply(
        self,
        tenant_id: int,
        shifts: Shifts,
        *,
        at_most: int | None = None,
        prepared: Prepared | None = None,
    ) -> int | None:
        """Bring work items in line; return how many changed, None for more than `at_most`."""
        counter = TenantCounter.objects.get(tenant_id=tenant_id)
        left, written = at_most, 0
        for integration_id in shifts.integration_ids:
            batch = Batch(tenant_id, integration_id, counter.changed_seq)
            looked_at = _count(batch, shifts) if left is not None else 0
            if left is not None and looked_at > left:
                return None
            left = None if left is None else left - looked_at
            written += _apply(batch, shifts.of(integration_id), prepared)
            counter.changed_seq = batch.changed_seq
        counter.save(update_fields=["changed_seq"])
        return written

    def count_items(
        self, tenant_id: int, status_resolution_ids: Iterable[int]
    ) -> Mapping[int, int]:
        """Return the number of live work items by the status resolution they are in now."""
        rows = (
            WorkItem.objects.filter(
                tenant_id=tenant_id,
                status_resolution_id__in=list(status_resolution_ids),
                deleted_at=None,
            )
            .order_by()
            .values("status_resolution_id")
            .annotate(count=Count("id"))
        )
        return {row["status_resolution_id"]: row["count"] for row in rows}

    def examples(
        self, tenant_id: int, groups: Sequence[Sequence[int]], count: int
    ) -> Sequence[Sequence[ItemName]]:
        """Return up to `count` live work items for each group of status resolutions."""
        return examples_of(tenant_id, groups, count)


def _count(batch: Batch, shifts: Shifts) -> int:
    count = 0
    with shift_tables(shifts.of(batch.integration_id)):
        count += gather_items(batch)
    if batch.integration_id in shifts.fields:
        count += mapped_fields.count_touched(batch.tenant_id, batch.integration_id)
    return count


def _apply(batch: Batch, shifts: Shifts, prepared: Prepared | None) -> int:
    written = 0
    with shift_tables(shifts):
        gather_items(batch)
        if prepared is None:
            compute_metrics(batch)
        else:
            take_prepared(batch, prepared)
        written += write_touched(batch)
    if batch.integration_id in shifts.fields:
        written += mapped_fields.apply(batch)
    return written
