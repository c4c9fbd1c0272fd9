"""What was found gone at the source."""

from django.db import models

from tenants.models import TenantOwned


class GoneRow(TenantOwned):
    """When and why a row of a table was last buried.

    Kept apart from the rows, for they are rebuilt from raw pages, which do not know it.
    """

    integration_id = models.BigIntegerField()
    table = models.CharField(max_length=64)
    source_id = models.TextField()
    deleted_at = models.DateTimeField()
    deleted_reason = models.TextField()

    class Meta:
        db_table = "gone_rows"
        constraints = (
            models.UniqueConstraint(
                fields=("source_id", "table", "integration_id", "tenant"), name="gone_row_unique"
            ),
        )
