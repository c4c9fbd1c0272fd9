"""Addresses of these pages, below those of the admin site."""

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST

from tenants.pages.joining import join, leave_to_join
from tenants.pages.preferences import edit_preferences, set_theme
from tenants.pages.roles import roles
from tenants.pages.tenant_settings import tenant_logo, tenant_settings


def page_urls(site: AdminSite) -> list[URLPattern]:
    """Return the addresses. All but those of joining are for whoever may enter the site."""
    return [
        path("preferences/", site.admin_view(edit_preferences), name="preferences"),
        path("preferences/theme/", site.admin_view(require_POST(set_theme)), name="theme"),
        path("roles/", site.admin_view(roles), name="roles"),
        path("tenant-settings/", site.admin_view(tenant_settings), name="tenant_settings"),
        path("tenant-logo/<int:tenant_id>/", site.admin_view(tenant_logo), name="tenant_logo"),
        path("join/", never_cache(csrf_protect(join)), name="join"),
        path(
            "join/leave/",
            never_cache(csrf_protect(require_POST(leave_to_join))),
            name="leave_to_join",
        ),
    ]
