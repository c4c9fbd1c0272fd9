"""Invitations: a link, shown once, by which somebody becomes a member of a tenant."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from common.errors import UsageError
from tenants.models import Invitation, Membership, Tenant
from tenants.scope import every_tenant, tenant_scope

VALID_DAYS: Final = (1, 7, 30)
UNUSABLE: Final = (
    "This invitation cannot be used: it was used before, withdrawn, or has expired. "
    "Ask whoever sent it for a new one."
)


def new_token() -> tuple[str, str]:
    """Return a token for a link, and the digest under which the invitation is kept."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def seal(invitation: Invitation, valid_days: int, invited_by: Any) -> str:
    """Give an invitation that is to be saved its digest and its end; return the token."""
    token, invitation.token_digest = new_token()
    invitation.expires_at = timezone.now() + timedelta(days=valid_days)
    invitation.invited_by = invited_by
    return token


def make(
    tenant: Tenant, name: str, role: str, valid_days: int, invited_by: Any
) -> tuple[Invitation, str]:
    """Make an invitation to a tenant, in its scope; return it with its token, kept nowhere."""
    invitation = Invitation(tenant=tenant, name=name, role=role)
    token = seal(invitation, valid_days, invited_by)
    invitation.save()
    return invitation, token


def address_of(token: str) -> str:
    """Return the path of the link by which an invitation is accepted."""
    return f"{reverse('admin:join')}?token={token}"


def find(token: str) -> Invitation | None:
    """Return the invitation of a token, if it can still be used; of whichever tenant."""
    with every_tenant("a token says of which tenant it is"):
        found: Invitation | None = (
            Invitation.objects.filter(
                token_digest=digest(token),
                accepted_at=None,
                expires_at__gt=timezone.now(),
                tenant__is_active=True,
            )
            .select_related("tenant")
            .first()
        )
    return found


def is_member(invitation: Invitation, user: User) -> bool:
    """Say whether the user belongs to the tenant already."""
    with tenant_scope(invitation.tenant_id):
        return Membership.objects.filter(user=user).exists()


def accept(invitation: Invitation, user: User) -> None:
    """Make the user a member and use the invitation up.

    Raises UsageError if somebody was faster; then nothing is changed.
    """
    with transaction.atomic(), tenant_scope(invitation.tenant_id):
        taken = Invitation.objects.filter(
            pk=invitation.pk, accepted_at=None, expires_at__gt=timezone.now()
        ).update(accepted_at=timezone.now(), accepted_by=user)
        if not taken:
            raise UsageError(UNUSABLE)
        Membership.objects.get_or_create(
            tenant_id=invitation.tenant_id, user=user, defaults={"role": invitation.role}
        )


def account_name(invitation: Invitation, name: str) -> str:
    """Return the name of an account made by an invitation.

    It ends with the tenant's slug, so that whether it is taken tells nothing of other tenants.
    """
    return f"{name}@{invitation.tenant.slug}"


def join_with_new_account(invitation: Invitation, name: str, password: str) -> User:
    """Make an account and accept the invitation with it.

    Raises ValidationError for a poor password, UsageError for a name that is taken.
    """
    username = account_name(invitation, name)
    validate_password(password, User(username=username))
    with transaction.atomic():
        user, created = User.objects.get_or_create(username=username)
        if not created:
            raise UsageError(f"There is an account {username} already. Choose another name.")
        user.set_password(password)
        user.save(update_fields=["password"])
        accept(invitation, user)
    return user
