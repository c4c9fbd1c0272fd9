"""What was removed from the tables whose rows have no tombstone."""

from django.db import models

from tenants.models import TenantOwned


class RemovedRow(TenantOwned):
    """A row that is no longer there: a change, commit, review or comment.

    row_id: the id by which the API gave it; see `warehouse/removed.py`. changed_seq: when it was
    removed, in the order of all changes. One that came again stays noted, and was changed later.
    """

    integration_id = models.BigIntegerField()
    table = models.CharField(max_length=64)
    row_id = models.TextField()
    changed_seq = models.BigIntegerField()

    class Meta:
        db_table = "removed_rows"
        constraints = (
            models.UniqueConstraint(
                fields=("row_id", "table", "integration_id", "tenant"), name="removed_row_unique"
            ),
        )
        indexes = (
            models.Index(fields=("tenant", "table", "changed_seq"), name="removed_rows_changed"),
        )

    def __str__(self) -> str:
        return f"{self.table} {self.row_id}"
