"""Sign-ins by password for programs: one valid refresh token each, and their end."""

import uuid
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from tenants.models import SignIn

KEPT: Final = timedelta(days=30)
"""For so long after its end a sign-in is kept, for whoever asks why it ended."""
SIGNED_OUT: Final = "signed out"
USED_TWICE: Final = "a refresh token was used twice"
OVERTAKEN: Final = "the password was changed"


def begin(user: User) -> SignIn:
    """Start a family of tokens, and forget those of the user that ended long ago."""
    now = timezone.now()
    SignIn.objects.filter(user=user, expires_at__lt=now - KEPT).delete()
    return SignIn.objects.create(
        family=uuid.uuid4(),
        user=user,
        refresh_id=uuid.uuid4().hex,
        refreshed_at=now,
        expires_at=now + _lifetime(),
    )


def find(family: uuid.UUID, user_id: int) -> SignIn | None:
    """Return a sign-in that is valid, with its user, who is active; None otherwise."""
    return (
        SignIn.objects.filter(
            family=family,
            user_id=user_id,
            revoked_at=None,
            expires_at__gt=timezone.now(),
            user__is_active=True,
        )
        .select_related("user")
        .first()
    )


def rotate(sign_in: SignIn, refresh_id: str) -> bool:
    """Make another refresh token the valid one, and say whether the shown one was it.

    Of two who show it at once one gets True. To the other it was used before: that revokes the
    family, so what the first one got is worth nothing either.
    """
    now = timezone.now()
    new_id, expires_at = uuid.uuid4().hex, now + _lifetime()
    rotated = SignIn.objects.filter(
        pk=sign_in.pk, refresh_id=refresh_id, revoked_at=None, expires_at__gt=now
    ).update(refresh_id=new_id, refreshed_at=now, expires_at=expires_at)
    if not rotated:
        revoke(sign_in, USED_TWICE)
        return False
    sign_in.refresh_id, sign_in.refreshed_at, sign_in.expires_at = new_id, now, expires_at
    return True


def revoke(sign_in: SignIn, because: str) -> bool:
    """End a sign-in: its access tokens too are worth nothing at the next request.

    Says whether it went on until now.
    """
    ended = SignIn.objects.filter(pk=sign_in.pk, revoked_at=None).update(
        revoked_at=timezone.now(), revoked_because=because
    )
    return ended > 0


def revoke_all(user: User, because: str, but: SignIn | None = None) -> int:
    """End all sign-ins of a user but one; return how many went on until now."""
    rows = SignIn.objects.filter(user=user, revoked_at=None)
    if but is not None:
        rows = rows.exclude(pk=but.pk)
    return rows.update(revoked_at=timezone.now(), revoked_because=because)


def _lifetime() -> timedelta:
    lifetime: timedelta = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    return lifetime
