"""Accounts of the platform: who may sign in at all. For operators."""

from django.contrib.auth.models import User
from django.db import transaction

from common.errors import UsageError
from tenants import sign_ins
from tenants.members import tenants_left_alone
from tenants.scope import every_tenant

DEACTIVATED = "the account was deactivated"


def check_deactivation(user: User, operator_id: int | None) -> None:
    """Raise UsageError if an operator may not deactivate an account: it is their own, or a tenant
    would be left without an administrator."""
    if user.pk == operator_id:
        raise UsageError("You cannot deactivate your own account: let another operator do it.")
    with every_tenant("an account may lead whichever tenants"):
        alone = tenants_left_alone([user.pk])
    if alone:
        names = ", ".join(str(tenant) for tenant in alone)
        raise UsageError(
            f"{names} would be left without an administrator. Make somebody else one first."
        )


def deactivate(user: User, operator_id: int | None) -> None:
    """Let somebody in no more; refused as `check_deactivation` says.

    Sessions and API tokens are of no use meanwhile; sign-ins by password end for good.
    """
    check_deactivation(user, operator_id)
    with transaction.atomic():
        user.is_active = False
        user.save(update_fields=["is_active"])
        sign_ins.revoke_all(user, DEACTIVATED)


def activate(user: User) -> None:
    """Let somebody in again."""
    user.is_active = True
    user.save(update_fields=["is_active"])
