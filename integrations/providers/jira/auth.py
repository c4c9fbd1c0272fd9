"""Signing in to Jira: what credentials it takes, and what becomes of them."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import msgspec

from common.errors import RecordError, TransientError, UsageError
from common.times import parse_time
from integrations.contract import Access, AuthMethod, CredentialField, OpenSite, renewal_due

from .client import read
from .refusals import SIGN_IN, RefusedError, refusal, said
from .settings import JiraSettings

_AT_ONCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLY: Final = timedelta(minutes=1)
_USER: Final = CredentialField(name="user", label="E-mail or user name", is_secret=False)
_TOKEN: Final = CredentialField(name="token", label="API token")
_CLOUD_ID: Final = CredentialField(
    name="cloud_id",
    label="Cloud id",
    is_secret=False,
    is_required=False,
    help="Found by itself at the site if it is left empty.",
)

BASIC: Final = AuthMethod(
    slug="basic",
    label="User and API token",
    fields=(_USER, _TOKEN),
    user_field="user",
    help="A token without scopes; on Data Center the password.",
)
SCOPED: Final = AuthMethod(
    slug="scoped",
    label="User and API token with scopes",
    fields=(_USER, _TOKEN, _CLOUD_ID),
    user_field="user",
    help="Works at Atlassian's gateway only. Needs read:jira-work and read:jira-user.",
)
BEARER: Final = AuthMethod(
    slug="bearer",
    label="Personal access token (Data Center)",
    fields=(CredentialField(name="token", label="Personal access token"),),
)
OAUTH: Final = AuthMethod(
    slug="oauth",
    label="OAuth 2.0 app",
    fields=(
        CredentialField(name="client_id", label="Client id", is_secret=False),
        CredentialField(name="client_secret", label="Client secret"),
        CredentialField(name="refresh_token", label="Refresh token"),
        CredentialField(name="access_token", label="Access token", is_required=False),
        CredentialField(
            name="expires_at",
            label="Access token expires at",
            is_secret=False,
            is_required=False,
            help="ISO 8601. Without it the token is renewed at once.",
        ),
        _CLOUD_ID,
    ),
    user_field="client_id",
    token_field="refresh_token",  # noqa: S106
    help="Each refresh token is used once: give it to this connection alone.",
    is_used_up=True,
)
METHODS: Final = (BASIC, SCOPED, BEARER, OAUTH)


class _Tenant(msgspec.Struct, rename="camel"):
    cloud_id: str


class _Tokens(msgspec.Struct):
    access_token: str
    expires_in: float = 3600.0
    refresh_token: str = ""


_TENANT: Final = msgspec.json.Decoder(_Tenant)
_TOKENS: Final = msgspec.json.Decoder(_Tokens)


def access(
    base_url: str, settings: JiraSettings, method: str, credentials: Mapping[str, str]
) -> Access:
    """Return where and how to send requests; raise UsageError that says what is wrong.

    What goes by the gateway is due to be renewed at once while its cloud id is not known.
    """
    base_url = base_url.rstrip("/")
    if not base_url:
        raise UsageError("the base URL is missing, such as https://acme.atlassian.net")
    if method in (SCOPED.slug, OAUTH.slug) and not settings.is_cloud:
        raise UsageError(f"the method {method!r} is of Jira Cloud; the setting flavour says not")
    if method == BASIC.slug:
        return Access(
            api_url=base_url, headers=_basic(credentials), owner=_value(credentials, "user")
        )
    if method == BEARER.slug:
        token = _value(credentials, "token")
        return Access(api_url=base_url, headers={"Authorization": f"Bearer {token}"}, owner=token)
    cloud_id = credentials.get("cloud_id", "").strip()
    api_url = f"{settings.gateway_url.rstrip('/')}/ex/jira/{cloud_id}"
    if method == SCOPED.slug:
        return Access(
            api_url=api_url,
            headers=_basic(credentials),
            owner=_value(credentials, "user"),
            renew_at=None if cloud_id else _AT_ONCE,
        )
    if method == OAUTH.slug:
        token, renew_at = credentials.get("access_token", ""), _renew_at(credentials)
        return Access(
            api_url=api_url,
            headers={"Authorization": f"Bearer {token}"},
            owner=_value(credentials, "client_id"),
            renew_at=renew_at if token and cloud_id else _AT_ONCE,
        )
    names = ", ".join(each.slug for each in METHODS)
    raise UsageError(f"there is no method {method!r}; there are: {names}")


def renew(
    base_url: str,
    settings: JiraSettings,
    method: str,
    credentials: Mapping[str, str],
    open_site: OpenSite,
) -> dict[str, str]:
    """Return the credentials with a new access token and the cloud id, as far as needed.

    The new refresh token is in the result: the one before it is dead. Raises PermanentError if
    somebody has to sign in anew.
    """
    renewed = dict(credentials)
    if method in (SCOPED.slug, OAUTH.slug) and not renewed.get("cloud_id", "").strip():
        renewed["cloud_id"] = _cloud_id(base_url, open_site)
    if method == OAUTH.slug:
        is_due = _renew_at(renewed) <= datetime.now(UTC)
        if is_due or not renewed.get("access_token"):
            renewed.update(_new_tokens(settings, renewed, open_site))
    return renewed


def _cloud_id(base_url: str, open_site: OpenSite) -> str:
    step = "find the cloud id"
    answer = open_site(base_url.rstrip("/"), {}).get("_edge/tenant_info")
    if not 200 <= answer.status < 300:
        raise refusal(step, answer)
    return read(step, answer, _TENANT).cloud_id


def _new_tokens(
    settings: JiraSettings, credentials: Mapping[str, str], open_site: OpenSite
) -> dict[str, str]:
    step, address = "renew the access token", urlsplit(settings.token_url)
    payload = {"grant_type": "refresh_token"} | {
        name: _value(credentials, name) for name in ("client_id", "client_secret", "refresh_token")
    }
    site = open_site(f"{address.scheme}://{address.netloc}", {})
    answer = site.post(address.path, payload)
    if answer.status == 429:
        raise TransientError(f"{step}: too many requests", 60.0)
    if answer.status in (400, 401, 403):
        detail = f"answered {answer.status}: {said(answer) or 'the refresh token is not accepted'}"
        remedy = "a refresh token works once and not for ever: sign in anew and connect again"
        raise RefusedError(step, answer, detail, remedy)
    if not 200 <= answer.status < 300:
        raise refusal(step, answer)
    tokens = read(step, answer, _TOKENS)
    if not tokens.access_token:
        raise RefusedError(step, answer, "gave no access token", SIGN_IN)
    expires_at = answer.fetched_at + timedelta(seconds=max(tokens.expires_in, 0.0))
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token or credentials["refresh_token"],
        "expires_at": expires_at.isoformat(),
        "renew_at": renewal_due(answer.fetched_at, expires_at, _EARLY).isoformat(),
    }


def _basic(credentials: Mapping[str, str]) -> dict[str, str]:
    pair = f"{_value(credentials, 'user')}:{_value(credentials, 'token')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def _value(credentials: Mapping[str, str], name: str) -> str:
    value = credentials.get(name, "").strip()
    if not value:
        raise UsageError(f"the credentials have no {name}")
    return value


def _renew_at(credentials: Mapping[str, str]) -> datetime:
    """Return from when the access token is to be renewed; a person may have given its end."""
    try:
        if text := credentials.get("renew_at", ""):
            return parse_time(text, "renew_at")
        if text := credentials.get("expires_at", "").strip():
            return parse_time(text, "expires_at") - _EARLY
        return _AT_ONCE
    except RecordError as error:
        raise UsageError(f"expires_at of the credentials is no instant: {error.detail}") from None
