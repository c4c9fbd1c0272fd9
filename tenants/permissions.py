"""One table: what each role may do; and what one user may see and do now."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.db.models import F
from django.http import HttpRequest

from tenants.models import Membership, Preferences, Role, Tenant
from tenants.scope import every_tenant, tenant_scope

EVERY: Final = "every"
CHOICE_KEY: Final = "tenant"
"""Key of the session under which a choice of tenant is kept: an id, or EVERY."""


class Capability(Enum):
    """Something that a role permits."""

    READ = "read"
    RUN = "run"
    EDIT_MAPPINGS = "edit mappings"
    EDIT_INTEGRATIONS = "edit integrations"
    EDIT_MEMBERS = "edit members"
    EDIT_TENANT = "edit the tenant"
    OPERATE = "operate the platform"


_VIEWER: Final = frozenset({Capability.READ})
_EDITOR: Final = _VIEWER | {Capability.EDIT_MAPPINGS, Capability.RUN}
_ADMIN: Final = _EDITOR | {
    Capability.EDIT_INTEGRATIONS,
    Capability.EDIT_MEMBERS,
    Capability.EDIT_TENANT,
}

ROLE_CAPABILITIES: Final[Mapping[Role, frozenset[Capability]]] = {
    Role.VIEWER: _VIEWER,
    Role.EDITOR: _EDITOR,
    Role.ADMIN: _ADMIN,
}
OPERATOR_CAPABILITIES: Final = frozenset(Capability)

ROLE_NAMES: Final = (*(role.label for role in reversed(Role)), "Operator")
"""As tables show them, from the least to the most."""
MEANINGS: Final[Mapping[Capability, str]] = {
    Capability.READ: "See everything of the tenant: work items, pull requests, runs, mappings, "
    "history, members; export",
    Capability.RUN: "Start, cancel and retry runs",
    Capability.EDIT_MAPPINGS: "Edit mappings, hierarchies, workflows and custom fields, by hand "
    "and by CSV; accept suggestions; undo",
    Capability.EDIT_INTEGRATIONS: "Connect sources, change their settings and credentials, test "
    "them, set their schedules; make webhooks",
    Capability.EDIT_MEMBERS: "Invite people, change their roles, remove them",
    Capability.EDIT_TENANT: "Change the tenant's name, time zone and logo",
    Capability.OPERATE: "See every tenant; make tenants and users, set tiers; see the processes",
}


def role_table() -> list[tuple[str, tuple[bool, ...]]]:
    """Return what each capability means, and for each of ROLE_NAMES whether it has it."""
    holders = [ROLE_CAPABILITIES[role] for role in reversed(Role)] + [OPERATOR_CAPABILITIES]
    return [
        (MEANINGS[capability], tuple(capability in held for held in holders))
        for capability in Capability
    ]


@dataclass(frozen=True)
class Access:
    """What one user may see now.

    roles: by tenant id, of active tenants. tenants: those that may be chosen, by name.
    current: the tenant in whose scope the user works; None means every tenant (operators only).
    limit: of what the role permits, all that is permitted here (of an API token, by its scopes).
    """

    user_id: int
    is_operator: bool
    roles: Mapping[int, Role]
    tenants: tuple[Tenant, ...]
    current: Tenant | None
    limit: frozenset[Capability] | None = None

    def may(self, capability: Capability) -> bool:
        """Whether the user may do this in the current scope."""
        if self.limit is not None and capability not in self.limit:
            return False
        if self.is_operator:
            return capability in OPERATOR_CAPABILITIES
        role = self.roles.get(self.current.pk) if self.current else None
        return role is not None and capability in ROLE_CAPABILITIES[role]

    def scope(self) -> AbstractContextManager[None]:
        """The tenant scope in which the user's requests run."""
        if self.current is not None:
            return tenant_scope(self.current.pk)
        assert self.is_operator
        return every_tenant("an operator looks at the whole platform")

    def at(self, tenant: Tenant) -> "Access":
        """Return the same with a tenant chosen, which has to be one of `tenants`."""
        assert tenant in self.tenants
        return replace(self, current=tenant)

    def may_read_tenant(self, tenant_id: int) -> bool:
        """Whether rows of this tenant are visible, whichever tenant is chosen at the moment."""
        return self.is_operator or tenant_id in self.roles


def access_of(request: HttpRequest) -> Access | None:
    """Return what the middleware found for this request; None for one without access."""
    return getattr(request, "access", None)


def access_for(user: Any, choice: object = None) -> Access | None:
    """Return what a user may see, or None: anonymous, inactive, or a member of no tenant.

    choice: a tenant id or EVERY, as kept in the session. One that the user may not make falls
    back to the preferred tenant, and that to the first by name (operators: every tenant).
    """
    if isinstance(user, AnonymousUser) or not user.is_active:
        return None
    with every_tenant("finds the tenants of a user before there is a scope"):
        memberships: list[Any] = list(
            Membership.objects.filter(user=user, tenant__is_active=True)
            .select_related("tenant")
            .annotate(preferred=F("user__preferences__default_tenant"))
            .order_by("tenant__name", "tenant_id")
        )
    roles = {row.tenant_id: Role(row.role) for row in memberships}
    if user.is_superuser:
        return _access_of_operator(user, choice, roles)
    if not memberships:
        return None
    by_id = {row.tenant_id: row.tenant for row in memberships}
    current = by_id.get(choice) if isinstance(choice, int) else None
    if current is None:
        current = by_id.get(memberships[0].preferred, memberships[0].tenant)
    return Access(user.pk, False, roles, tuple(by_id.values()), current)


def _access_of_operator(user: Any, choice: object, roles: Mapping[int, Role]) -> Access:
    by_id = {tenant.pk: tenant for tenant in Tenant.objects.order_by("name")}
    current = by_id.get(choice) if isinstance(choice, int) else None
    if current is None and choice != EVERY:
        preferred = _preferred_tenant_id(user)
        current = by_id.get(preferred) if preferred is not None else None
    return Access(user.pk, True, roles, tuple(by_id.values()), current)


def _preferred_tenant_id(user: Any) -> int | None:
    chosen = Preferences.objects.filter(user=user).values_list("default_tenant_id", flat=True)
    return chosen.first()
