"""Custom fields that a source has."""

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
