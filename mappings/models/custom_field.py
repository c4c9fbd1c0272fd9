"""Custom fields that a source has, and what the tenant makes of them."""

from django.db import models

from integrations.models import Integration
from tenants.lineage import Loaded
from tenants.models import TenantOwned


class CustomField(TenantOwned, Loaded):
    """A custom field as a source has it. schema: the provider's type key."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    source_id = models.TextField()
    name = models.TextField()
    value_type = models.TextField(null=True)
    schema = models.TextField(null=True)
    authority = models.SmallIntegerField()

    class Meta:
        db_table = "custom_fields"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "integration", "source_id"), name="custom_field_unique"
            ),
        )

    def __str__(self) -> str:
        return self.name


class FieldTarget(models.TextChoices):
    """What a custom field is to us."""

    STORY_POINTS = "story_points", "Story points"
    TEAM = "team", "Team"
    SPRINT = "sprint", "Sprint"
    EPIC_LINK = "epic_link", "Epic link"
    COLUMN = "column", "A column of our own"


class CustomFieldMapping(TenantOwned):
    """A rule: this custom field of an integration is our `target`.

    field_source_id: the source's own id, for the field's row may come later than its rule.
    column_name: of a column of our own, empty for every other target. Where several fields of an
    integration have one target, an item takes the first that has a value, by `position` and id.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    field_source_id = models.CharField(max_length=200)
    target = models.CharField(max_length=16, choices=FieldTarget.choices)
    column_name = models.CharField(max_length=63, blank=True, default="")
    position = models.PositiveSmallIntegerField(default=0)
    is_active = models.BooleanField(default=True)

    class Meta:
        db_table = "custom_field_mappings"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "integration", "field_source_id"),
                name="custom_field_mapping_unique",
                violation_error_message="There is a rule for this field already.",
            ),
            models.CheckConstraint(
                condition=models.Q(target="column") ^ models.Q(column_name=""),
                name="custom_field_mapping_column",
                violation_error_message="Name a column, and only where the target is one.",
            ),
        )

    def __str__(self) -> str:
        return f"{self.field_source_id} → {self.column_name or self.get_target_display()}"
