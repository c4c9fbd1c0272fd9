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
        with shift_tables(shifts):
            looked_at = gather_items(tenant_id).count + _count_fields(tenant_id, shifts)
            if at_most is not None and looked_at > at_most:
                return None
            if prepared is None:
                compute_metrics()
            else:
                take_prepared(tenant_id, prepared)
            batch = Batch(tenant_id, 0, counter.changed_seq)
            written = write_touched(batch)
        for integration_id in sorted(shifts.fields):
            batch = Batch(tenant_id, integration_id, batch.changed_seq)
            written += mapped_fields.apply(batch)
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


def _count_fields(tenant_id: int, shifts: Shifts) -> int:
    return sum(mapped_fields.count_touched(tenant_id, each) for each in shifts.fields)
