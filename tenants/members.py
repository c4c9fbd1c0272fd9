"""Who belongs to a tenant: one administrator, at least, always does."""

from collections.abc import Collection

from common.errors import UsageError
from tenants import api_tokens
from tenants.models import Membership, Role, Tenant


def keep_an_administrator(tenant_id: int, leaving: Collection[int]) -> None:
    """Raise UsageError if nobody would be administrator without these memberships (by id).

    Call it inside the transaction and the tenant scope of the change: the tenant's row is locked,
    so that two administrators cannot remove each other at once.
    """
    tenant = Tenant.objects.select_for_update().get(pk=tenant_id)
    administrators = Membership.objects.filter(tenant=tenant, role=Role.ADMIN, user__is_active=True)
    going = administrators.filter(pk__in=leaving)
    if going.exists() and not administrators.exclude(pk__in=leaving).exists():
        raise UsageError(
            f"{tenant} would be left without an administrator. "
            "Make somebody else administrator first."
        )


def check_role(membership: Membership, role: str) -> None:
    """Raise UsageError if a member may not have this role; asked as `keep_an_administrator` is."""
    if role != Role.ADMIN:
        keep_an_administrator(membership.tenant_id, [membership.pk])


def change_role(membership: Membership, role: str) -> None:
    """Give a member another role; asked and refused as `check_role` is."""
    check_role(membership, role)
    membership.role = role
    membership.save(update_fields=["role"])


def remove(membership: Membership) -> None:
    """End a membership, and the tokens that its user has for the tenant: they do not come back
    with another invitation. Asked and refused as `keep_an_administrator` is."""
    keep_an_administrator(membership.tenant_id, [membership.pk])
    api_tokens.revoke_those_of(membership.user_id, membership.tenant_id)
    membership.delete()


def tenants_left_alone(user_ids: Collection[int]) -> list[Tenant]:
    """Return the tenants that would have no administrator without these users.

    Asked by operators, in the scope of every tenant.
    """
    administrators = Membership.objects.filter(role=Role.ADMIN, user__is_active=True)
    led = administrators.filter(user_id__in=user_ids).values("tenant_id")
    kept = administrators.exclude(user_id__in=user_ids).values("tenant_id")
    return list(Tenant.objects.filter(pk__in=led).exclude(pk__in=kept).order_by("name"))
