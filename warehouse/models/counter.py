"""The per-tenant counter that orders all changes."""

from django.db import models

from tenants.models import TenantOwned


class TenantCounter(TenantOwned):
    """`changed_seq`: the last number given.

    A load locks this row before it writes and holds it to the commit, so that numbers become
    visible in their order.
    """

    changed_seq = models.BigIntegerField(default=0)

    class Meta:
        db_table = "tenant_counters"
        constraints = (models.UniqueConstraint(fields=("tenant",), name="tenant_counter_unique"),)
