"""The bell's addresses: `/admin/bell/` answers what it shows, `/admin/bell/seen/` notes a look."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.urls import URLPattern, path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from notices.bell import Bell, bell_of, see
from tenants.permissions import access_of

_NOTHING: Bell = {"unread": 0, "newest": 0, "notices": []}
_MOST_DIGITS = 18


@never_cache
@require_GET
def bell(request: HttpRequest) -> HttpResponse:
    """Answer the `Bell` of the user in the tenant in scope as JSON; an empty one without one."""
    access = access_of(request)
    tenant = access.current if access is not None else None
    return JsonResponse(bell_of(tenant, request.user) if tenant is not None else _NOTHING)


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """Note that the user has seen what there is up to the id that is posted as `until`."""
    until = request.POST.get("until", "")
    if not (until.isascii() and until.isdecimal() and len(until) <= _MOST_DIGITS):
        return HttpResponseBadRequest("until is the id of the last notice that was seen")
    access = access_of(request)
    if access is not None and access.current is not None:
        see(access.current, request.user, int(until))
    return HttpResponse(status=204)


def bell_urls(site: AdminSite) -> list[URLPattern]:
    """Return the addresses below those of the admin site."""
    return [
        path("bell/", site.admin_view(bell), name="bell"),
        path("bell/seen/", site.admin_view(seen), name="bell_seen"),
    ]
