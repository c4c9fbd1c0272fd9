"""Base of the loaded tables."""

from typing import Any, ClassVar

from django.db import models

from integrations.models import Integration
from tenants.lineage import Loaded
from tenants.models import Tenant
from tenants.scope import TenantManager, check_writable


class Row(models.Model):
    """A row of a tenant's integration, scoped like every tenant-owned model."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    integration = models.ForeignKey(
        Integration,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )

    objects: ClassVar[TenantManager[Any]] = TenantManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        check_writable(self.tenant_id)
        super().save(*args, **kwargs)


class LoadedRow(Row, Loaded):
    """A row with a version of its own."""

    class Meta:
        abstract = True


class Tombstone(models.Model):
    """When and why a row's entity was found gone at the source."""

    deleted_at = models.DateTimeField(null=True)
    deleted_reason = models.TextField(null=True)

    class Meta:
        abstract = True


class InRepository(models.Model):
    """A row that says by a name, `repository`, which repository it belongs to.

    That is the name which the repository has now. former_name: the one that the row's record
    gave, where it is another; see `warehouse/renames.py`.
    """

    former_name = models.TextField(null=True)

    class Meta:
        abstract = True


def natural_key(table: str, *fields: str) -> tuple[models.BaseConstraint, ...]:
    """The unique key (tenant, integration, source's own) of a table.

    Its index begins with the source's own part: led by the tenant, PostgreSQL would for a tenant
    that its statistics do not know yet take any index that has the tenant, and read all of it.
    """
    return (
        models.UniqueConstraint(
            fields=(*fields, "integration", "tenant"), name=f"{table}_natural_key"
        ),
    )


def changed_index(table: str) -> tuple[models.Index, ...]:
    """The index that incremental readers follow."""
    return (models.Index(fields=("tenant", "changed_seq"), name=f"{table}_changed"),)
