"""What an API token permits at this moment: asked for with each request that shows one."""

import json
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model, Q
from django.utils import timezone

from tenants.api_tokens import digest
from tenants.models import ApiToken, Role, Tenant
from tenants.permissions import Access, Capability
from tenants.scope import every_tenant

M = TypeVar("M", bound=Model)

_NOTED_EVERY: Final = timedelta(minutes=1)
_OF_USER: Final = ("id", "username")
_OF_TENANT: Final = ("id", "name", "slug", "tier", "time_zone", "logo_digest")
"""What is read of both here; anything else when it is asked for."""

# By hand, for to make this of a queryset takes ten times as long as to ask it.
_QUERY: Final = (
    "SELECT token.id, token.scopes, token.last_used_at > %s, owner.is_superuser, membership.role,"
    f" {', '.join(f'owner.{name}' for name in _OF_USER)},"
    f" {', '.join(f'tenant.{name}' for name in _OF_TENANT)}"
    " FROM api_tokens token"
    " JOIN auth_user owner ON owner.id = token.user_id"
    " JOIN tenants tenant ON tenant.id = token.tenant_id"
    " LEFT JOIN memberships membership"
    " ON membership.user_id = token.user_id AND membership.tenant_id = token.tenant_id"
    " WHERE token.digest = %s AND token.revoked_at IS NULL AND token.expires_at > %s"
    " AND owner.is_active AND tenant.is_active"
)


class Grant(NamedTuple):
    """What a token permits now. user, tenant: its own. token_id: of its row."""

    token_id: int
    user: User
    tenant: Tenant
    access: Access


def grant_of(text: str) -> Grant | None:
    """Return what a token permits, and note that it is used, once a minute.

    None if there is none such, it has ended, or its user may not see its tenant any more.
    """
    now = timezone.now()
    row = _row(digest(text), now)
    if row is None:
        return None
    token_id, scopes, is_noted, is_superuser, role, *others = row
    of_user = dict(zip(_OF_USER, others, strict=False))
    of_tenant = dict(zip(_OF_TENANT, others[len(_OF_USER) :], strict=True))
    user = _read(User, {**of_user, "is_superuser": bool(is_superuser), "is_active": True})
    tenant = _read(Tenant, {**of_tenant, "is_active": True})
    access = _access_of(user, tenant, role, json.loads(scopes))
    if access is None:
        return None
    if not is_noted:
        _note_use(token_id, now)
    return Grant(token_id, user, tenant, access)


def _row(token_digest: str, now: datetime) -> tuple[Any, ...] | None:
    given: list[Any] = [_stored(now - _NOTED_EVERY), token_digest, _stored(now)]
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, given)
        found: tuple[Any, ...] | None = cursor.fetchone()
    return found


def _read(model: type[M], values: dict[str, Any]) -> M:
    """Return a row of which these values are known."""
    names = [each.attname for each in model._meta.concrete_fields if each.attname in values]
    return model.from_db(connection.alias, names, [values[name] for name in names])


def _stored(instant: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(instant)


def _access_of(user: User, tenant: Tenant, role: Any, names: list[str]) -> Access | None:
    """Return of what the user may see and do what the token leaves; None if it is nothing.

    An operator's token is that of an administrator of its tenant, unless it may operate.
    """
    if role is None and not user.is_superuser:
        return None
    scopes = frozenset(each for each in Capability if each.name.lower() in names)
    is_operator = user.is_superuser and Capability.OPERATE in scopes
    own = Role.ADMIN if user.is_superuser else Role(role)
    return Access(user.pk, is_operator, {tenant.pk: own}, (tenant,), tenant, scopes)


def _note_use(token_id: int, now: datetime) -> None:
    with every_tenant("a token is used before there is a scope"):
        ApiToken.objects.filter(
            Q(last_used_at=None) | Q(last_used_at__lte=now - _NOTED_EVERY), pk=token_id
        ).update(last_used_at=now)
