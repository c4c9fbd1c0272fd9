"""Access and refresh tokens as JWT; which of them are valid is told by `tenants.sign_ins`."""

import uuid
from typing import Any, Final, NamedTuple

from django.contrib.auth.models import User
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, Token

from tenants.models import SignIn

FAMILY: Final = "family"
CREDENTIAL: Final = "pwd"
"""Claims of ours: the sign-in that a token came of, and a digest of the password then."""
_DIGEST_LENGTH: Final = 32


class Claims(NamedTuple):
    """What a token says. id: its `jti`. password: digest of the password at the sign-in."""

    id: str
    user_id: int
    family: uuid.UUID
    password: str


class Pair(NamedTuple):
    """Both tokens of a sign-in, as they are sent. expires_in: seconds of the access token."""

    access: str
    refresh: str
    expires_in: int


def digest_of(user: Any) -> str:
    """Return what changes with the user's password, and tells nothing of it."""
    return str(user.get_session_auth_hash())[:_DIGEST_LENGTH]


def pair_for(sign_in: SignIn, user: User) -> Pair:
    """Return tokens of a sign-in. The refresh token has the id that the row says is valid."""
    access, refresh = AccessToken(), RefreshToken()
    for token in (access, refresh):
        token["user_id"] = str(user.pk)
        token[FAMILY] = str(sign_in.family)
        token[CREDENTIAL] = digest_of(user)
    refresh["jti"] = sign_in.refresh_id
    return Pair(str(access), str(refresh), int(AccessToken.lifetime.total_seconds()))


def read_access(text: str) -> Claims | None:
    """Return what an access token says; None if it is none, forged, or expired."""
    return _read(AccessToken, text)


def read_refresh(text: str) -> Claims | None:
    """Return what a refresh token says; None if it is none, forged, or expired."""
    return _read(RefreshToken, text)


def _read(kind: type[Token], text: str) -> Claims | None:
    try:
        token: Any = kind(text)  # type: ignore[arg-type]
        user_id = int(token["user_id"])
        if not 0 < user_id < 2**63:
            return None
        return Claims(str(token["jti"]), user_id, uuid.UUID(token[FAMILY]), str(token[CREDENTIAL]))
    except (TokenError, KeyError, ValueError, TypeError, AttributeError, OverflowError):
        return None
