"""Signing in: where requests go, with what, and how what expires is renewed."""

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.errors import PermanentError, TransientError, UsageError

from ..connector import connector
from ..settings import JiraSettings
from .fake_site import NOW, FakeSite, Reply, Request

SITE = "https://acme.atlassian.net"
OAUTH = {"client_id": "app", "client_secret": "hush", "refresh_token": "r1"}


def opened(answer: Any) -> tuple[list[FakeSite], Any]:
    sites: list[FakeSite] = []

    def open_site(address: str, headers: Any) -> FakeSite:
        sites.append(FakeSite(answer, address))
        return sites[-1]

    return sites, open_site


def renewed(
    method: str, credentials: dict[str, str], answer: Any
) -> tuple[dict[str, str], list[tuple[str, Request]]]:
    sites, open_site = opened(answer)
    found = connector.renew(SITE, JiraSettings(), method, credentials, open_site)
    return found, [(site.api_url, request) for site in sites for request in site.requests]


def test_a_token_is_sent_with_its_user_to_the_site() -> None:
    access = connector.access(f"{SITE}/", JiraSettings(), "basic", {"user": "a@b.c", "token": "t"})
    assert access.api_url == SITE
    assert b64decode(access.headers["Authorization"].removeprefix("Basic ")) == b"a@b.c:t"
    assert (access.owner, access.renew_at) == ("a@b.c", None)


def test_a_personal_token_is_sent_by_itself() -> None:
    settings = JiraSettings(flavour="datacenter")
    access = connector.access("https://jira.acme.org/jira", settings, "bearer", {"token": "t"})
    assert access.headers == {"Authorization": "Bearer t"}
    assert access.api_url == "https://jira.acme.org/jira"


def test_a_scoped_token_goes_to_the_gateway_once_the_cloud_id_is_found() -> None:
    credentials = {"user": "a@b.c", "token": "t"}
    before = connector.access(SITE, JiraSettings(), "scoped", credentials)
    assert before.renew_at is not None
    assert before.renew_at < datetime.now(UTC)
    found, requests = renewed("scoped", credentials, lambda _: Reply({"cloudId": "c-1"}))
    assert [(url, request.path) for url, request in requests] == [(SITE, "_edge/tenant_info")]
    access = connector.access(SITE, JiraSettings(), "scoped", found)
    assert (access.api_url, access.renew_at) == ("https://api.atlassian.com/ex/jira/c-1", None)


def test_oauth_renews_its_token_a_minute_before_it_expires() -> None:
    expires_at = NOW + timedelta(hours=1)
    credentials = OAUTH | {
        "access_token": "a1",
        "cloud_id": "c",
        "expires_at": expires_at.isoformat(),
    }
    access = connector.access(SITE, JiraSettings(), "oauth", credentials)
    assert access.headers == {"Authorization": "Bearer a1"}
    assert access.renew_at == expires_at - timedelta(minutes=1)
    assert access.owner == "app"


@pytest.mark.parametrize("missing", ["access_token", "expires_at", "cloud_id"])
def test_oauth_that_lacks_something_is_renewed_first(missing: str) -> None:
    credentials = OAUTH | {
        "access_token": "a1",
        "cloud_id": "c",
        "expires_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }
    del credentials[missing]
    renew_at = connector.access(SITE, JiraSettings(), "oauth", credentials).renew_at
    assert renew_at is not None
    assert renew_at < datetime.now(UTC)


def test_a_refresh_gives_the_next_refresh_token_and_the_new_expiry() -> None:
    tokens = {"access_token": "a2", "refresh_token": "r2", "expires_in": 3600}
    found, requests = renewed("oauth", OAUTH | {"cloud_id": "c"}, lambda _: Reply(tokens))
    assert (found["access_token"], found["refresh_token"]) == ("a2", "r2")
    assert found["expires_at"] == (NOW + timedelta(hours=1)).isoformat()
    ((url, request),) = requests
    assert (url, request.path) == ("https://auth.atlassian.com", "/oauth/token")
    assert request.params == OAUTH | {"grant_type": "refresh_token"}


def test_a_token_of_seconds_is_renewed_at_half_of_its_life() -> None:
    tokens = {"access_token": "a2", "refresh_token": "r2", "expires_in": 8}
    found, _ = renewed("oauth", OAUTH | {"cloud_id": "c"}, lambda _: Reply(tokens))
    access = connector.access(SITE, JiraSettings(), "oauth", found)
    assert access.renew_at == NOW + timedelta(seconds=4)


def test_a_token_that_is_still_good_is_not_refreshed() -> None:
    expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    credentials = OAUTH | {"access_token": "a1", "expires_at": expires_at, "cloud_id": "c"}
    found, requests = renewed("oauth", credentials, lambda _: Reply({}, 500))
    assert (found, requests) == (credentials, [])


def test_a_used_refresh_token_asks_to_sign_in_anew() -> None:
    reply = Reply({"error": "invalid_grant", "error_description": "reused"}, 400)
    with pytest.raises(
        PermanentError, match=r"answered 400: invalid_grant; reused; .*sign in anew"
    ):
        renewed("oauth", OAUTH | {"cloud_id": "c"}, lambda _: reply)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refresh_that_fails_for_a_while_is_tried_again(status: int) -> None:
    with pytest.raises(TransientError):
        renewed("oauth", OAUTH | {"cloud_id": "c"}, lambda _: Reply({}, status))


@pytest.mark.parametrize(
    ("method", "credentials", "told"),
    [
        ("basic", {"user": "a@b.c"}, "no token"),
        ("basic", {"user": " ", "token": "t"}, "no user"),
        ("magic", {}, "no method 'magic'; there are: basic, scoped, bearer, oauth"),
        ("oauth", OAUTH | {"expires_at": "tomorrow"}, "expires_at"),
    ],
)
def test_credentials_that_cannot_do_are_refused(
    method: str, credentials: dict[str, str], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        connector.access(SITE, JiraSettings(), method, credentials)


def test_a_base_url_is_needed() -> None:
    with pytest.raises(UsageError, match="base URL"):
        connector.access("", JiraSettings(), "basic", {"user": "a", "token": "t"})


def test_methods_of_cloud_are_refused_for_data_center() -> None:
    with pytest.raises(UsageError, match="flavour"):
        connector.access(SITE, JiraSettings(flavour="datacenter"), "oauth", OAUTH)
