"""Gives each request the tenant scope of its user."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest

from tenants.permissions import CHOICE_KEY, Access, access_for


class TenantScopeMiddleware:
    """Sets `request.access`, and runs the rest of the request inside its tenant scope.

    A request of nobody, or of somebody who is a member of no tenant, runs outside every scope:
    any query of a tenant-owned model then raises. Stands behind AuthenticationMiddleware.
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
        with _scope_of(attach_access(request)):
            return self.get_response(request)

    async def _acall(self, request: HttpRequest) -> Any:
        access = await sync_to_async(attach_access)(request)
        with _scope_of(access):
            return await self.get_response(request)


def _scope_of(access: Access | None) -> AbstractContextManager[None]:
    return nullcontext() if access is None else access.scope()


def attach_access(request: HttpRequest) -> Access | None:
    """Find the access of the request's user and keep it as `request.access`."""
    access = access_for(request.user, request.session.get(CHOICE_KEY))
    request.access = access  # type: ignore[attr-defined]
    return access
