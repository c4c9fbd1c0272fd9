"""The wall: which tenant the running request, actor, socket or command may see.

A query of a tenant-owned model outside every scope raises `ScopeMissingError`; inside
`tenant_scope(t)` it sees only t's rows and saves only t's rows; `every_tenant(reason)` is for
the platform itself (relay, sweeper, migrations, operators) and names why.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeVar

from django.db import models

_EVERY: Final = -1
_scope: ContextVar[int | None] = ContextVar("tenant_scope", default=None)


class ScopeMissingError(RuntimeError):
    """A tenant-owned model was used outside every scope."""


class ForeignTenantError(RuntimeError):
    """A row of one tenant was written inside the scope of another."""


def current_tenant_id() -> int | None:
    """Return the tenant id of the scope, or None for every tenant; raise outside every scope."""
    scope = _scope.get()
    if scope is None:
        raise ScopeMissingError("no tenant scope: use tenant_scope() or every_tenant()")
    return None if scope == _EVERY else scope


@contextmanager
def tenant_scope(tenant_id: int) -> Iterator[None]:
    """See and write the rows of this tenant only."""
    token = _scope.set(tenant_id)
    try:
        yield
    finally:
        _scope.reset(token)


@contextmanager
def every_tenant(reason: str) -> Iterator[None]:
    """See all tenants. reason: why the platform needs to, for the reader of the code."""
    assert reason
    token = _scope.set(_EVERY)
    try:
        yield
    finally:
        _scope.reset(token)


M = TypeVar("M", bound=models.Model, covariant=True)


class TenantQuerySet(models.QuerySet[M]):
    """Rows of the scope; none of them can be handed to another tenant."""

    def update(self, **values: Any) -> int:
        """Update the rows; raise ForeignTenantError rather than change whose they are."""
        if "tenant" in values or "tenant_id" in values:
            raise ForeignTenantError("a row stays with its tenant")
        return super().update(**values)

    def bulk_create(self, objs: Iterable[Any], *args: Any, **kwargs: Any) -> list[Any]:
        """Make rows; raise ForeignTenantError if one is not of the scope's tenant."""
        rows = list(objs)
        for row in rows:
            check_writable(row.tenant_id)
        return super().bulk_create(rows, *args, **kwargs)


class TenantManager(models.Manager[M]):
    """Default manager of tenant-owned models: filters by the scope, refuses foreign writes."""

    def get_queryset(self) -> models.QuerySet[M]:
        tenant_id = current_tenant_id()
        rows: models.QuerySet[M] = TenantQuerySet(self.model, using=self._db)
        return rows if tenant_id is None else rows.filter(tenant_id=tenant_id)


def check_writable(tenant_id: int) -> None:
    """Raise ForeignTenantError unless a row of this tenant may be written in the scope."""
    scope = current_tenant_id()
    if scope is not None and scope != tenant_id:
        raise ForeignTenantError(f"a row of tenant {tenant_id} in the scope of tenant {scope}")
