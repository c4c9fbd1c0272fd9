"""Work item types (WITs): what the source has, the tenant's rules, and what occurs."""

from typing import Final

from django.db import models
from django.db.models.functions import Coalesce, Now

from integrations.models import Integration
from tenants.lineage import Loaded
from tenants.models import TenantOwned

_NO_LEVEL: Final = -32768


class Wit(TenantOwned, Loaded):
    """A work item type as a source has it, keyed by its id: names repeat."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    source_id = models.TextField()
    name = models.TextField()
    untranslated_name = models.TextField(null=True)
    level = models.IntegerField(null=True)
    is_subtask = models.BooleanField(null=True)
    authority = models.SmallIntegerField()

    class Meta:
        db_table = "wits"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "integration", "source_id"), name="wit_unique"
            ),
        )

    def __str__(self) -> str:
        return self.name


class WitHierarchy(TenantOwned):
    """A level of the tenant's hierarchy: 4 Capital Investment … 0 Story, -1 Sub-task.

    is_active: whether rules may be given it.
    """

    level = models.SmallIntegerField()
    name = models.CharField(max_length=100)
    is_active = models.BooleanField(default=True, db_default=True)

    class Meta:
        db_table = "wit_hierarchies"
        ordering = ("tenant", "-level")
        verbose_name_plural = "WIT hierarchies"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "level"), name="hierarchy_level_unique"),
        )

    def __str__(self) -> str:
        return f"{self.level} {self.name}"


class WitMapping(TenantOwned):
    """A rule: a type of this name, or on this source level, is our `target` on a level.

    `from_name` is kept normalised (`mappings.rules.fold`); exactly one of `from_name` and
    `from_level` is set. The rule that names an integration, a project, a name wins over one
    that does not.
    """

    integration = models.ForeignKey(Integration, null=True, blank=True, on_delete=models.CASCADE)
    project_key = models.TextField(blank=True, default="")
    from_name = models.TextField(blank=True, default="")
    from_level = models.SmallIntegerField(null=True, blank=True)
    target = models.CharField(max_length=100)
    hierarchy = models.ForeignKey(WitHierarchy, on_delete=models.PROTECT)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "wit_mappings"
        verbose_name = "WIT mapping"
        constraints = (
            models.UniqueConstraint(
                "tenant",
                Coalesce("integration", 0),
                "project_key",
                "from_name",
                Coalesce("from_level", _NO_LEVEL),
                name="wit_mapping_unique",
                violation_error_message="There is a rule for this already.",
            ),
            models.CheckConstraint(
                condition=models.Q(from_name="") ^ models.Q(from_level=None),
                name="wit_mapping_by_name_or_level",
                violation_error_message="Give exactly one of name and level.",
            ),
        )

    def __str__(self) -> str:
        return f"{self.from_name or f'level {self.from_level}'} → {self.target}"


class WitResolution(TenantOwned):
    """A (project, type) that occurs among the work items, and the rule it falls under.

    first_seen_at: when the first item of it was loaded.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    project_source_id = models.TextField()
    type_source_id = models.TextField()
    mapping = models.ForeignKey(WitMapping, null=True, on_delete=models.SET_NULL)
    first_seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "wit_resolutions"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "integration", "project_source_id", "type_source_id"),
                name="wit_resolution_unique",
            ),
        )
