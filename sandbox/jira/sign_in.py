"""Signing in to Jira: which credential is good where, and OAuth tokens that are renewed."""

from typing import TYPE_CHECKING, Any

import msgspec

from sandbox.accounts import Token
from sandbox.jira.accounts import cloud_id, grant
from sandbox.jira.calls import ApiError, Call

if TYPE_CHECKING:
    from sandbox.exchange import Exchange
    from sandbox.organisation import Organisation

_ON_SITE = ("api",)
_ON_GATEWAY = ("api", "scoped", "scoped_narrow", "oauth")
_UNAUTHENTICATED = "Client must be authenticated to access this resource."


def signed_in(
    organisation: "Organisation", exchange: "Exchange", scope: str, site_id: str | None
) -> str:
    """Return the name of the account of a call; raise ApiError.

    site_id: as the gateway's path names it, None on the site itself.
    """
    token = exchange.token if exchange.token and exchange.token.system == "jira" else None
    if not organisation.options.is_cloud:
        return _data_center(token)
    if site_id is None:
        if token is None or token.is_expired or _family(token) not in _ON_SITE:
            challenge = {"WWW-Authenticate": 'OAuth realm="Jira"'}
            raise ApiError(401, _UNAUTHENTICATED, challenge)
        return token.account.name
    if site_id != cloud_id(organisation):
        raise ApiError(404, {"code": 404, "message": "No site with this id was found"})
    if token is None or token.is_expired or _family(token) not in _ON_GATEWAY:
        raise ApiError(401, {"code": 401, "message": "Unauthorized"})
    if _family(token) != "api" and scope not in token.scopes:
        raise ApiError(401, {"code": 401, "message": "Unauthorized; scope does not match"})
    return token.account.name


def _family(token: Token) -> str:
    return "api" if token.kind.startswith("api") else token.kind


def _data_center(token: Token | None) -> str:
    if token is None or token.is_expired or not token.kind.startswith("personal"):
        headers = {
            "WWW-Authenticate": 'OAuth realm="Jira"',
            "X-AUSERNAME": "anonymous",
            "X-Seraph-LoginReason": "AUTHENTICATED_FAILED",
        }
        text = "You are not authenticated. Authentication required to perform this operation."
        raise ApiError(401, text, headers)
    return token.account.name


def renewed(call: Call) -> Any:
    """Answer POST oauth/token: a refresh token gives a new pair, once."""
    asked = _form(call)
    organisation = call.organisation
    refresh = organisation.accounts.token(str(asked.get("refresh_token", "")))
    if asked.get("grant_type") != "refresh_token":
        raise _refused(400, "unsupported_grant_type", "Only refresh_token is supported here.")
    if refresh is None or refresh.kind != "refresh" or refresh.is_expired:
        raise _refused(403, "invalid_grant", "Unknown or invalid refresh token.")
    client = ("client_id", "client_secret")
    if any(asked.get(name) != refresh.extra[name] for name in client):
        raise _refused(401, "access_denied", "Unauthorized")
    organisation.accounts.revoke(refresh.value)
    access = grant(organisation, refresh.account.name, refresh.extra)
    return {
        "access_token": access.value,
        "refresh_token": access.extra["refresh_token"],
        "expires_in": max(1, round(organisation.options.access_token_seconds)),
        "token_type": "Bearer",
        "scope": " ".join(sorted(access.scopes)),
    }


def _refused(status: int, error: str, description: str) -> ApiError:
    return ApiError(status, {"error": error, "error_description": description})


def _form(call: Call) -> dict[str, Any]:
    """Return the request's members, given as JSON or as a form."""
    try:
        return msgspec.json.decode(call.exchange.body, type=dict[str, Any])
    except msgspec.DecodeError:
        from urllib.parse import parse_qsl

        return dict(parse_qsl(call.exchange.body.decode("latin-1")))


def accessible_resources(call: Call) -> Any:
    """Answer GET oauth/token/accessible-resources: the sites that a token is for."""
    token = call.exchange.token
    if token is None or token.kind != "oauth" or token.is_expired:
        raise ApiError(401, {"code": 401, "message": "Unauthorized"})
    return [
        {
            "id": cloud_id(call.organisation),
            "name": call.organisation.slug,
            "url": call.base,
            "scopes": sorted(token.scopes),
            "avatarUrl": "",
        }
    ]
