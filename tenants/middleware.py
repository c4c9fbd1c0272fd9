"""Gives each request the tenant scope and the time zone of its user."""

import zoneinfo
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest
from django.utils import timezone

from tenants.api.problems import is_of_api
from tenants.permissions import CHOICE_KEY, Access, access_for
from tenants.preferences import time_zone_of

UTC_ZONE: Final = zoneinfo.ZoneInfo("UTC")


class TenantScopeMiddleware:
    """Sets `request.access`, and runs the rest of the request inside its tenant scope.

    Times are shown in the zone that the user chose, else in that of the tenant.

    A request of nobody, or of somebody who is a member of no tenant, runs outside every scope:
    any query of a tenant-owned model then raises. Stands behind AuthenticationMiddleware.

    A request of the API that shows a token is not read the session of: whom the token lets in,
    and where, is found by `tenants.api.views.ScopedView`, inside which its scope is.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._acall(request)
        with _Surroundings(request, attach_access(request)):
            return self.get_response(request)

    async def _acall(self, request: HttpRequest) -> Any:
        access = await sync_to_async(attach_access)(request)
        with _Surroundings(request, access):
            return await self.get_response(request)


class _Surroundings(ExitStack):
    """Tenant scope and time zone, for as long as a request takes."""

    def __init__(self, request: HttpRequest, access: Access | None) -> None:
        super().__init__()
        if access is not None:
            self.enter_context(access.scope())
            self.enter_context(timezone.override(request.time_zone))  # type: ignore[attr-defined]


def attach_access(request: HttpRequest) -> Access | None:
    """Find what the request's user may see, and in which zone: `request.access`, `.time_zone`."""
    if is_of_api(request) and "Authorization" in request.headers:
        request.access, request.time_zone = None, UTC_ZONE  # type: ignore[attr-defined]
        return None
    access = access_for(request.user, request.session.get(CHOICE_KEY))
    request.access = access  # type: ignore[attr-defined]
    request.time_zone = time_zone_of(request)  # type: ignore[attr-defined]
    return access
