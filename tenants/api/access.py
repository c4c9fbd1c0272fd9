"""In which tenant a request of the API works."""

from rest_framework.request import Request

from tenants.api.headers import TENANT
from tenants.api.problems import Problem
from tenants.models import Tenant
from tenants.permissions import Access, access_for, access_of


def access_in(request: Request) -> Access | None:
    """Return what whoever asks may see; None for nobody and for a member of no tenant.

    The tenant is that of the API token, else that of the header, else that chosen in the session
    of whoever is let in by it, else the preferred one. Raises Problem for a header that names none
    that may be seen.
    """
    user = request.user
    if not user.is_authenticated:
        return None
    slug = request.headers.get(TENANT)
    grant = getattr(request.auth, "grant", None)
    if grant is not None:
        access: Access = grant.access(slug)
        return access
    # Of a session the middleware has found it.
    found = access_of(request._request) if request.auth is None else access_for(user)
    return found if slug is None else named(found, slug)


def named(access: Access | None, slug: str) -> Access:
    """Return the access with the tenant of this slug chosen; raise Problem if it is not seen."""
    tenants: tuple[Tenant, ...] = access.tenants if access is not None else ()
    for tenant in tenants:
        if access is not None and tenant.slug == slug:
            return access.at(tenant)
    raise Problem(404, "unknown-tenant", f"The header {TENANT} names no tenant that you may see.")
