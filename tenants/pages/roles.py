"""What each role may do, as a page: the table of `tenants.permissions`."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tenants.permissions import ROLE_NAMES, role_table


def roles(request: HttpRequest) -> HttpResponse:
    """Show the table of roles and what they permit."""
    context = {
        **admin.site.each_context(request),
        "title": "Roles",
        "names": ROLE_NAMES,
        "rows": role_table(),
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "tenants/roles.html", context)
