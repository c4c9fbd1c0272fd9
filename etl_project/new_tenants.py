"""A new tenant, put together with what it begins with."""

from django.db import transaction

from mappings.seeds import seed_tenant
from tenants.models import Tenant
from tenants.scope import tenant_scope


def begin(tenant: Tenant) -> None:
    """Save a tenant and give it a hierarchy and a workflow, if it has none."""
    with transaction.atomic():
        tenant.save()
        with tenant_scope(tenant.pk):
            seed_tenant(tenant.pk)
