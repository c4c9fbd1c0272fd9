"""Pages that are transformed and wait to be merged."""

from django.db import models

from integrations.models import Integration
from tenants.models import TenantOwned


class StagedPage(TenantOwned):
    """The typed rows of one raw page, ready to merge: durable, removed by the load that took it.

    body: zstd of the format of `warehouse/staging.py`. item_count: rows of its main table.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    run_id = models.BigIntegerField()
    stream = models.CharField(max_length=64)
    raw_page_id = models.BigIntegerField()
    body = models.BinaryField()
    item_count = models.IntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "staged_pages"
        indexes = (models.Index(fields=("run_id", "stream", "id"), name="staged_in_order"),)
