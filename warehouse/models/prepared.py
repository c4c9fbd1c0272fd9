"""Metrics by rules that are not in effect yet."""

from django.db import models

from tenants.models import TenantOwned


class PreparedMetrics(TenantOwned):
    """The metrics that a work item gets when the change-set comes into effect.

    work_item_id, seen_seq: the item, and its changed_seq when they were computed: one that has
    changed since is computed again. A row a touched item, until the change-set is in effect.
    """

    change_set_id = models.BigIntegerField()
    work_item_id = models.BigIntegerField()
    seen_seq = models.BigIntegerField()
    committed_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    lead_time_seconds = models.FloatField(null=True)
    cycle_time_seconds = models.FloatField(null=True)
    active_seconds = models.FloatField(null=True)
    waiting_seconds = models.FloatField(null=True)

    class Meta:
        db_table = "prepared_metrics"
        constraints = (
            models.UniqueConstraint(
                fields=("change_set_id", "work_item_id"), name="prepared_metrics_unique"
            ),
        )

    def __str__(self) -> str:
        return f"metrics of item {self.work_item_id} by change-set {self.change_set_id}"
