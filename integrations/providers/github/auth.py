"""Signing in to GitHub: with a token, or as an installation of a GitHub App."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import jwt
import msgspec

from common.errors import PermanentError, RecordError, TransientError, UsageError
from common.http import Answer
from common.times import parse_time
from integrations.contract import Access, AuthMethod, CredentialField, OpenSite, renewal_due
from integrations.providers.github.addresses import rest_path
from integrations.providers.github.settings import GitHubSettings

TOKEN: Final = AuthMethod(
    slug="token",
    label="Personal access token",
    fields=(
        CredentialField(
            name="token", label="Token", help="classic (scope repo) or fine-grained (read)"
        ),
        CredentialField(
            name="user",
            label="Login",
            is_secret=False,
            is_required=False,
            help="not needed: the token says whose it is",
        ),
    ),
    user_field="user",
)
APP: Final = AuthMethod(
    slug="app",
    label="GitHub App",
    fields=(
        CredentialField(name="app_id", label="App ID", is_secret=False),
        CredentialField(name="installation_id", label="Installation ID", is_secret=False),
        CredentialField(
            name="private_key", label="Private key", is_long=True, help="the .pem file's text"
        ),
        CredentialField(
            name="token", label="Installation token", is_required=False, help="renewed by itself"
        ),
        CredentialField(
            name="expires_at",
            label="Token expires at",
            is_secret=False,
            is_required=False,
            help="renewed by itself",
        ),
    ),
    user_field="app_id",
    token_field="private_key",  # noqa: S106
    help="app settings → Install App: the installation's ID is the last part of its address",
)
METHODS: Final = (TOKEN, APP)

_GITHUB: Final = ("github.com", "www.github.com", "api.github.com")
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RENEWED_BEFORE_END: Final = timedelta(minutes=5)
_CLOCK_SKEW: Final = timedelta(seconds=60)
_LIFE_OF_PROOF: Final = timedelta(minutes=9)


class _Token(msgspec.Struct):
    token: str
    expires_at: str


def api_url(base_url: str) -> str:
    """Return the address that paths are joined to: of github.com its API, of a server its root."""
    parts = urlsplit(base_url.strip().rstrip("/"))
    host = (parts.hostname or "").lower()
    if parts.scheme not in ("http", "https") or not host:
        raise UsageError(f"{base_url!r} is no address like https://github.example.com")
    if host in _GITHUB:
        return "https://api.github.com"
    if host.endswith(".ghe.com"):
        return f"https://api.{host.removeprefix('api.')}"
    path = parts.path
    for ending in ("/api/v3", "/api/graphql", "/api"):
        path = path.removesuffix(ending)
    return f"{parts.scheme}://{parts.netloc}{path}"


def access(
    base_url: str, settings: GitHubSettings, method: str, credentials: Mapping[str, str]
) -> Access:
    """Return where and how to send requests; an app without a token has to be renewed first."""
    token = credentials.get("token", "").strip()
    if method == TOKEN.slug:
        if not token:
            raise UsageError("a token is needed: github.com → Settings → Developer settings")
        return Access(
            api_url=api_url(base_url),
            headers=_headers(settings, token),
            owner=f"token {token}",
            expiry_header="github-authentication-token-expiration",
        )
    if method != APP.slug:
        raise UsageError(f"GitHub has no way to sign in named {method!r}: take token or app")
    for name in ("app_id", "installation_id"):
        if not credentials.get(name, "").strip().isalnum():
            raise UsageError(f"{name} is needed: a number, as the app's settings show it")
    if not token:
        _proof(credentials)
    return Access(
        api_url=api_url(base_url),
        headers=_headers(settings, token),
        owner=f"installation {credentials['installation_id'].strip()}",
        renew_at=_renew_at(credentials),
    )


def renew(
    base_url: str,
    settings: GitHubSettings,
    method: str,
    credentials: Mapping[str, str],
    open_site: OpenSite,
) -> dict[str, str]:
    """Return the credentials of an app with a token for the next hour."""
    if method != APP.slug:
        raise PermanentError("a token of GitHub cannot be renewed: enter a new one")
    url = api_url(base_url)
    installation = credentials["installation_id"].strip()
    path = rest_path(url, f"/app/installations/{installation}/access_tokens")
    answer = open_site(url, _headers(settings, _proof(credentials))).post(path, {})
    if answer.status != 201:
        raise _refused(answer, path)
    try:
        given = msgspec.json.decode(answer.body, type=_Token)
    except msgspec.MsgspecError:
        raise TransientError(f"POST {path}: the answer holds no token") from None
    return {**credentials, **_kept(given, answer.fetched_at)}


def _kept(given: _Token, at: datetime) -> dict[str, str]:
    """Return what is kept of a new token; without an end that can be read it is renewed soon."""
    kept = {"token": given.token, "expires_at": given.expires_at}
    try:
        expires_at = parse_time(given.expires_at, "expires_at")
    except RecordError:
        return kept
    return {**kept, "renew_at": renewal_due(at, expires_at, _RENEWED_BEFORE_END).isoformat()}


def _headers(settings: GitHubSettings, token: str) -> dict[str, str]:
    headers = {
        "accept": "application/vnd.github+json",
        "x-github-api-version": settings.api_version,
    }
    return {**headers, "authorization": f"Bearer {token}"} if token else headers


def _renew_at(credentials: Mapping[str, str]) -> datetime:
    if not credentials.get("token"):
        return _LONG_AGO
    try:
        if text := credentials.get("renew_at", ""):
            return parse_time(text, "renew_at")
        return parse_time(credentials.get("expires_at", ""), "expires_at") - _RENEWED_BEFORE_END
    except RecordError:
        return _LONG_AGO


def _proof(credentials: Mapping[str, str]) -> str:
    """Return a signed statement that we are the app; raise UsageError if the key is none."""
    key = credentials.get("private_key", "").replace("\\n", "\n").strip()
    now = datetime.now(UTC)
    claims = {
        "iat": now - _CLOCK_SKEW,
        "exp": now + _LIFE_OF_PROOF,
        "iss": credentials["app_id"].strip(),
    }
    try:
        return jwt.encode(claims, key, algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise UsageError(
            "private_key is no RSA key: enter the text of the .pem file that the app's settings "
            "gave, with its BEGIN and END lines"
        ) from None


def _refused(answer: Answer, path: str) -> Exception:
    """Return the error of a token that was not given."""
    request = f"POST {path} → {answer.status}"
    match answer.status:
        case 401:
            return PermanentError(
                f"sign in: {request}: the private key is not the app's (app_id), it was deleted, "
                "or this machine's clock is wrong; make a new key in the app's settings"
            )
        case 403:
            return PermanentError(
                f"sign in: {request}: the installation is suspended or may not do this; "
                "ask an owner of the organisation to unsuspend it"
            )
        case 404:
            return PermanentError(
                f"sign in: {request}: the app has no such installation; look up installation_id, "
                "or install the app again"
            )
        case _:
            return TransientError(f"sign in: {request}")
