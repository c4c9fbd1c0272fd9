"""API tokens: named keys of programs, for one tenant, with scopes and an end."""

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from common.errors import UsageError
from tenants.models import ApiToken, Tenant
from tenants.permissions import Access, Capability

PREFIX: Final = "etl_"
LONGEST: Final = timedelta(days=366)
VALID_DAYS: Final = (7, 30, 90, 366)
MOST: Final = 50
"""Tokens of one person in one tenant that are valid at a time."""
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHARACTERS: Final = 43
"""Of 62 each: 256 bits."""
_HINT: Final = 8


def new_token() -> str:
    """Return a token, of 256 random bits."""
    return PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_CHARACTERS))


def digest(token: str) -> str:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def scope_names(access: Access) -> list[str]:
    """Return the scopes that whoever has this access may give to a token."""
    return [each.name.lower() for each in Capability if access.may(each)]


class RefusedError(UsageError):
    """Something that a token was to have cannot be. field: which: scopes or expires_at."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check(access: Access, tenant_id: int, scopes: Collection[str], expires_at: datetime) -> None:
    """Say whether the user may have such a token of a tenant; asked in its scope.

    Raises RefusedError for scopes beyond the user's own and an expiry that is past or too far
    off, UsageError for too many tokens.
    """
    now = timezone.now()
    own = scope_names(access)
    beyond = sorted(set(scopes) - set(own))
    if not scopes or beyond:
        what = f"{', '.join(beyond)}: you may not do this yourself" if beyond else "Give one"
        raise RefusedError("scopes", f"{what}. Scopes that you may give: {', '.join(own)}.")
    if not now < expires_at <= now + LONGEST:
        raise RefusedError("expires_at", f"A token has to expire, within {LONGEST.days} days.")
    valid = ApiToken.objects.filter(
        tenant_id=tenant_id, user_id=access.user_id, revoked_at=None, expires_at__gt=now
    )
    if valid.count() >= MOST:
        raise UsageError(f"You have {MOST} tokens here. Revoke one that is not used any more.")


def seal(token: ApiToken, access: Access) -> str:
    """Give a token that is to be saved its user and digest; return its text, kept nowhere."""
    text = new_token()
    token.user_id = access.user_id
    token.hint = text[: len(PREFIX) + _HINT]
    token.digest = digest(text)
    token.scopes = [each for each in scope_names(access) if each in token.scopes]
    return text


def make(
    access: Access, tenant: Tenant, name: str, scopes: Collection[str], expires_at: datetime
) -> tuple[ApiToken, str]:
    """Make a token of the user for a tenant, in its scope; return it with its text, kept nowhere.

    Raises what `check` raises.
    """
    check(access, tenant.pk, scopes, expires_at)
    token = ApiToken(tenant=tenant, name=name, scopes=list(scopes), expires_at=expires_at)
    text = seal(token, access)
    token.save()
    return token, text


def visible_to(access: Access | None) -> QuerySet[ApiToken]:
    """Return the tokens of the scope that somebody may see and revoke.

    One's own; and everybody's for whoever may remove members, which ends their tokens, too.
    """
    if access is None:
        return ApiToken.objects.none()
    rows: QuerySet[ApiToken] = ApiToken.objects.all()
    return rows if access.may(Capability.EDIT_MEMBERS) else rows.filter(user_id=access.user_id)


def in_state(rows: QuerySet[ApiToken], state: ApiToken.State) -> QuerySet[ApiToken]:
    """Return those of the tokens that are in a state now; see `ApiToken.state`."""
    if state == ApiToken.State.REVOKED:
        return rows.exclude(revoked_at=None)
    now = timezone.now()
    is_over = Q(expires_at__lte=now)
    return rows.filter(is_over if state == ApiToken.State.EXPIRED else ~is_over, revoked_at=None)


def revoke(token: ApiToken) -> bool:
    """End a token; say whether it was valid until now."""
    now = timezone.now()
    ended = ApiToken.objects.filter(pk=token.pk, revoked_at=None, expires_at__gt=now)
    return ended.update(revoked_at=now) > 0


def revoke_those_of(user_id: int, tenant_id: int) -> None:
    """End all tokens that a user has for a tenant, in its scope."""
    tokens = ApiToken.objects.filter(user_id=user_id, tenant_id=tenant_id, revoked_at=None)
    tokens.update(revoked_at=timezone.now())
