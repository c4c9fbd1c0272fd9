"""Logos of tenants: small PNGs that `common.images` drew."""

import hashlib

from django.db import transaction

from tenants.models import Tenant, TenantLogo
from tenants.scope import tenant_scope


def keep(tenant: Tenant, png: bytes) -> None:
    """Keep a small PNG as the tenant's logo."""
    with transaction.atomic(), tenant_scope(tenant.pk):
        TenantLogo.objects.update_or_create(tenant=tenant, defaults={"data": png})
        tenant.logo_digest = hashlib.sha256(png).hexdigest()[:32]
        tenant.save(update_fields=["logo_digest"])


def remove(tenant: Tenant) -> None:
    """Have no logo any more."""
    with transaction.atomic(), tenant_scope(tenant.pk):
        TenantLogo.objects.filter(tenant=tenant).delete()
        tenant.logo_digest = ""
        tenant.save(update_fields=["logo_digest"])


def logo_of(tenant_id: int) -> bytes | None:
    """Return the PNG; None if there is none. Whether it may be seen is asked before."""
    with tenant_scope(tenant_id):
        logo = TenantLogo.objects.filter(tenant_id=tenant_id).first()
    return None if logo is None else bytes(logo.data)
