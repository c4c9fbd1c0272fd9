"""Signing in with a token, or as an installation whose tokens are renewed every hour."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from common.errors import PermanentError, TransientError, UsageError
from integrations.contract import auth_method
from integrations.providers.github.connector import connector
from integrations.providers.github.settings import GitHubSettings
from integrations.providers.github.tests.hub import FakeSite, Request, Sent

SETTINGS = GitHubSettings()
URL = "https://github.com"


@pytest.fixture(scope="module")
def app() -> dict[str, str]:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return {"app_id": "77", "installation_id": "88", "private_key": pem.decode()}


class Opened:
    """Opens a fake site, and keeps the headers that it was opened with."""

    def __init__(self, sent: Sent) -> None:
        self.sent = sent
        self.headers: Mapping[str, str] = {}
        self.site = FakeSite(self._answer)

    def _answer(self, request: Request) -> Sent:
        return self.sent

    def __call__(self, url: str, headers: Mapping[str, str]) -> FakeSite:
        self.site.api_url, self.headers = url, headers
        return self.site


@pytest.mark.parametrize(
    ("base_url", "api_url"),
    [
        ("https://github.com", "https://api.github.com"),
        ("https://www.github.com/", "https://api.github.com"),
        ("https://api.github.com", "https://api.github.com"),
        ("https://acme.ghe.com", "https://api.acme.ghe.com"),
        ("https://api.acme.ghe.com/", "https://api.acme.ghe.com"),
        ("https://git.example.com", "https://git.example.com"),
        ("https://git.example.com/api/v3/", "https://git.example.com"),
        ("https://git.example.com/api/graphql", "https://git.example.com"),
        ("http://127.0.0.1:8100/github", "http://127.0.0.1:8100/github"),
        ("http://127.0.0.1:8100/github/api/v3", "http://127.0.0.1:8100/github"),
    ],
)
def test_the_address_of_the_api_follows_from_that_of_the_site(base_url: str, api_url: str) -> None:
    assert connector.access(base_url, SETTINGS, "token", {"token": "t"}).api_url == api_url


@pytest.mark.parametrize("base_url", ["", "github.com", "ftp://github.com", "https://"])
def test_what_is_no_address_is_refused(base_url: str) -> None:
    with pytest.raises(UsageError, match="no address"):
        connector.access(base_url, SETTINGS, "token", {"token": "t"})


def test_a_token_is_sent_with_the_version_of_the_api() -> None:
    settings = GitHubSettings(api_version="2026-03-10")
    access = connector.access(URL, settings, "token", {"token": " ghp_x ", "user": "alice"})
    assert access.headers["authorization"] == "Bearer ghp_x"
    assert access.headers["x-github-api-version"] == "2026-03-10"
    assert (access.renew_at, "ghp_x" in access.owner) == (None, True)


@pytest.mark.parametrize("credentials", [{}, {"token": ""}, {"token": "  "}])
def test_a_missing_token_is_said(credentials: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="token is needed"):
        connector.access(URL, SETTINGS, "token", credentials)


def test_an_unknown_way_to_sign_in_is_said() -> None:
    with pytest.raises(UsageError, match="take token or app"):
        connector.access(URL, SETTINGS, "password", {"token": "x"})


def test_the_ways_to_sign_in_name_what_they_take() -> None:
    for method in connector.auth_methods:
        names = {field.name for field in method.fields}
        assert {method.user_field, method.token_field} <= names
    assert [f.name for f in auth_method(connector, "token").fields if f.is_required] == ["token"]


def test_an_app_without_a_token_has_to_be_renewed_first(app: dict[str, str]) -> None:
    access = connector.access(URL, SETTINGS, "app", app)
    assert access.renew_at is not None
    assert access.renew_at < datetime(2000, 1, 1, tzinfo=UTC)
    assert "authorization" not in access.headers
    assert access.owner == "installation 88"


@pytest.mark.parametrize("written", [lambda key: key, lambda key: key.replace("\n", "\\n")])
def test_an_app_proves_itself_and_gets_a_token_for_an_hour(
    app: dict[str, str], written: Any
) -> None:
    given = {"token": "ghs_new", "expires_at": "2024-06-01T13:00:00Z"}
    opened = Opened(Sent(given, 201))
    credentials = {**app, "private_key": written(app["private_key"])}
    renewed = connector.renew(URL, SETTINGS, "app", credentials, opened)
    [request] = opened.site.requests
    assert (request.method, request.path) == ("POST", "/app/installations/88/access_tokens")
    proof = opened.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(proof, options={"verify_signature": False})
    assert claims["iss"] == "77"
    assert claims["exp"] - claims["iat"] <= 600
    access = connector.access(URL, SETTINGS, "app", renewed)
    assert access.headers["authorization"] == "Bearer ghs_new"
    assert access.renew_at == datetime(2024, 6, 1, 12, 55, tzinfo=UTC)
    assert renewed == {**credentials, **given, "renew_at": "2024-06-01T12:55:00+00:00"}


def test_a_token_of_seconds_is_renewed_at_half_of_its_life(app: dict[str, str]) -> None:
    opened = Opened(Sent({"token": "t", "expires_at": "2024-06-01T12:00:08Z"}, 201))
    renewed = connector.renew(URL, SETTINGS, "app", app, opened)
    access = connector.access(URL, SETTINGS, "app", renewed)
    assert access.renew_at == datetime(2024, 6, 1, 12, 0, 4, tzinfo=UTC)


def test_a_server_of_ones_own_renews_below_its_address(app: dict[str, str]) -> None:
    opened = Opened(Sent({"token": "t", "expires_at": "2024-06-01T13:00:00Z"}, 201))
    connector.renew("https://git.example.com", SETTINGS, "app", app, opened)
    assert opened.site.requests[0].path == "/api/v3/app/installations/88/access_tokens"


def test_an_end_that_cannot_be_read_means_to_renew(app: dict[str, str]) -> None:
    credentials = {**app, "token": "t", "expires_at": "soon"}
    renew_at = connector.access(URL, SETTINGS, "app", credentials).renew_at
    assert renew_at is not None
    assert renew_at.year == 1970


@pytest.mark.parametrize(
    ("sent", "error", "said"),
    [
        (Sent({}, 401), PermanentError, "private key is not the app's"),
        (Sent({}, 403), PermanentError, "suspended"),
        (Sent({}, 404), PermanentError, "no such installation"),
        (Sent({}, 502), TransientError, "502"),
        (Sent(b"", 201), TransientError, "no token"),
        (Sent({"token": 7}, 201), TransientError, "no token"),
    ],
)
def test_a_token_that_is_not_given_says_why(
    app: dict[str, str], sent: Sent, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        connector.renew(URL, SETTINGS, "app", app, Opened(sent))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"private_key": "no key"}, "no RSA key"),
        ({"app_id": ""}, "app_id is needed"),
        ({"installation_id": "1/../2"}, "installation_id is needed"),
    ],
)
def test_a_wrong_value_of_an_app_is_named(
    app: dict[str, str], wrong: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        connector.access(URL, SETTINGS, "app", {**app, **wrong})
    assert "no key" not in str(raised.value)


def test_a_personal_token_cannot_be_renewed() -> None:
    with pytest.raises(PermanentError, match="enter a new one"):
        connector.renew(URL, SETTINGS, "token", {"token": "x"}, Opened(Sent()))
