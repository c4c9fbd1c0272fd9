"""Statuses: what the source has, the tenant's rules, and what occurs."""

from django.db import models
from django.db.models.functions import Coalesce, Now

from integrations.models import Integration
from mappings.models.workflow import StepCategory, WorkflowStep
from tenants.lineage import Loaded
from tenants.models import TenantOwned


class Status(TenantOwned, Loaded):
    """A status as a source has it, keyed by its id: names repeat. category: the source's own."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    source_id = models.TextField()
    name = models.TextField()
    untranslated_name = models.TextField(null=True)
    category = models.TextField(null=True)
    project_source_id = models.TextField(null=True)
    authority = models.SmallIntegerField()

    class Meta:
        db_table = "statuses"
        verbose_name_plural = "statuses"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "integration", "source_id"), name="status_unique"
            ),
        )

    def __str__(self) -> str:
        return self.name


class StatusMapping(TenantOwned):
    """A rule: a status of this name, or in this source category, is our `target`.

    Exactly one of `from_name` (kept normalised) and `from_category` is set. The narrowest rule
    wins: see `mappings.rules`. The step, where there is one, says category and order.
    """

    integration = models.ForeignKey(Integration, null=True, blank=True, on_delete=models.CASCADE)
    project_key = models.TextField(blank=True, default="")
    type_name = models.TextField(blank=True, default="")
    from_name = models.TextField(blank=True, default="")
    from_category = models.TextField(blank=True, default="")
    target = models.CharField(max_length=100)
    category = models.CharField(max_length=16, choices=StepCategory.choices)
    step = models.ForeignKey(WorkflowStep, null=True, blank=True, on_delete=models.PROTECT)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "status_mappings"
        constraints = (
            models.UniqueConstraint(
                "tenant",
                Coalesce("integration", 0),
                "project_key",
                "type_name",
                "from_name",
                "from_category",
                name="status_mapping_unique",
                violation_error_message="There is a rule for this already.",
            ),
            models.CheckConstraint(
                condition=models.Q(from_name="") ^ models.Q(from_category=""),
                name="status_mapping_by_name_or_category",
                violation_error_message="Give exactly one of name and category.",
            ),
        )

    def __str__(self) -> str:
        return f"{self.from_name or f'category {self.from_category}'} → {self.target}"


class StatusResolution(TenantOwned):
    """A (project, type, status) that occurs, now or in a history, and the rule it falls under.

    first_seen_at: when it was first loaded.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    project_source_id = models.TextField()
    type_source_id = models.TextField()
    status_source_id = models.TextField()
    mapping = models.ForeignKey(StatusMapping, null=True, on_delete=models.SET_NULL)
    first_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "status_resolutions"
        constraints = (
            models.UniqueConstraint(
                fields=(
                    "tenant",
                    "integration",
                    "project_source_id",
                    "type_source_id",
                    "status_source_id",
                ),
                name="status_resolution_unique",
            ),
        )
