"""Whoever shows a token in the header Authorization: one of ours for programs, or a JWT."""

import re
from typing import Any, Final, NoReturn

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from tenants import api_tokens, sign_ins
from tenants.api import jwt
from tenants.api.problems import Problem
from tenants.models import SignIn
from tenants.permissions import Access
from tenants.token_grants import Grant, grant_of

_HEADER: Final = re.compile(r"[Bb]earer ([A-Za-z0-9_.-]{1,4096})")
REFUSED: Final = "The token is not valid: it has expired, was revoked, or is none."


class TokenAuth:
    """`request.auth` of a request with an API token; see `tenants.api.access`."""

    def __init__(self, grant: Grant) -> None:
        self.grant = TokenGrant(grant)


class TokenGrant:
    """The access of an API token, which holds in its own tenant only."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant

    @property
    def token_id(self) -> int:
        """Id of the token's row."""
        return self._grant.token_id

    def access(self, slug: str | None) -> Access:
        """Return the access; raise Problem if the request names another tenant."""
        if slug is not None and slug != self._grant.tenant.slug:
            raise Problem(
                404, "unknown-tenant", "The header X-Tenant names no tenant that you may see."
            )
        return self._grant.access


class JwtAuth:
    """`request.auth` of a request with a JWT. sign_in: what the token came of."""

    def __init__(self, sign_in: SignIn) -> None:
        self.sign_in = sign_in


class Bearer(BaseAuthentication):
    """Lets in by `Authorization: Bearer …`, where that header stands at all.

    A header that is anything else, or stands twice, is refused: nobody is let in by their session
    who also shows something that is not valid.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        found = _HEADER.fullmatch(header)
        if found is None:
            _refuse("Give one header Authorization: Bearer, and a token.")
        text = found[1]
        return _by_api_token(text) if text.startswith(api_tokens.PREFIX) else _by_jwt(text)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def _by_api_token(text: str) -> tuple[Any, TokenAuth]:
    grant = grant_of(text)
    if grant is None:
        _refuse()
    return grant.user, TokenAuth(grant)


def _by_jwt(text: str) -> tuple[Any, JwtAuth]:
    claims = jwt.read_access(text)
    sign_in = valid_sign_in(claims)
    if sign_in is None:
        _refuse()
    return sign_in.user, JwtAuth(sign_in)


def valid_sign_in(claims: jwt.Claims | None) -> SignIn | None:
    """Return the sign-in that a token came of, if it is valid and the password is as then."""
    if claims is None:
        return None
    sign_in = sign_ins.find(claims.family, claims.user_id)
    if sign_in is not None and jwt.digest_of(sign_in.user) != claims.password:
        sign_ins.revoke(sign_in, sign_ins.OVERTAKEN)
        return None
    return sign_in


def _refuse(detail: str = REFUSED) -> NoReturn:
    raise AuthenticationFailed(detail)
