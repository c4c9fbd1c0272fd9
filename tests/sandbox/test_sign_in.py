"""Signing in to Jira: which credential is good where, and tokens that are renewed."""

import time
from typing import Any

import pytest

from sandbox.generate.world import World
from sandbox.options import Options
from tests.sandbox.jira_client import Client


def _gateway(jira: Client, path: str = "/rest/api/3/myself") -> str:
    site = jira.get("/jira/_edge/tenant_info").json()["cloudId"]
    return f"/jira/ex/jira/{site}{path}"


@pytest.mark.parametrize(
    ("kind", "on_site", "on_gateway"),
    [
        ("api", 200, 200),
        ("scoped", 401, 200),
        ("oauth", 401, 200),
        ("api_expired", 401, 401),
        ("scoped_narrow", 401, 200),
    ],
)
def test_each_credential_is_good_where_the_real_one_is(
    jira: Client, kind: str, on_site: int, on_gateway: int
) -> None:
    jira.sign_in(kind)
    assert jira.get("/myself").status_code == on_site
    assert jira.get(_gateway(jira)).status_code == on_gateway


def test_a_missing_scope_is_named(jira: Client) -> None:
    jira.sign_in("scoped_narrow")
    answer = jira.get(_gateway(jira, "/rest/api/3/project"))
    assert (answer.status_code, answer.json()["message"]) == (
        401,
        "Unauthorized; scope does not match",
    )


def test_nobody_is_refused_but_for_what_is_public(jira: Client) -> None:
    jira.sign_out()
    for path in ("/myself", "/project", "/issue/SHOP-1", "/jira/rest/agile/1.0/board"):
        answer = jira.get(path)
        assert answer.status_code == 401
        assert "must be authenticated" in answer.json()["errorMessages"][0]
    assert jira.get("/serverInfo").status_code == 200
    assert jira.get("/jira/_edge/tenant_info").status_code == 200


def test_a_token_needs_its_own_user(jira: Client) -> None:
    token = next(jira.organisation.accounts.tokens("jira", "api", "full"))
    jira.http.auth = ("somebody@example.com", token.value)
    assert jira.get("/myself").status_code == 401


def test_the_restricted_account_does_not_see_a_project(jira: Client) -> None:
    whole = {row["key"] for row in jira.rows("work_items")}
    jira.sign_in(account="restricted")
    keys = [project["key"] for project in jira.get("/project").json()]
    assert keys == ["SHOP", "PAY"]
    assert set(jira.keys("created >= 0")) == {key for key in whole if not key.startswith("OPS")}
    assert jira.get("/issue/OPS-1").status_code == 404
    assert jira.get("/statuses/search").status_code == 403


def _renew(jira: Client, **body: Any) -> Any:
    return jira.post("/jira/oauth/token", grant_type="refresh_token", **body)


@pytest.fixture
def client(jira: Client) -> dict[str, str]:
    """What an OAuth client has at the start."""
    accounts = jira.http.get("/control/accounts").json()["jira"]
    mine = next(a for a in accounts if a["kind"] == "oauth" and a["account"] == "full")
    return {name: mine[name] for name in ("client_id", "client_secret", "refresh_token")}


def test_a_refresh_token_works_once(jira: Client, client: dict[str, str]) -> None:
    first = _renew(jira, **client)
    assert first.status_code == 200
    again = _renew(jira, **client)
    assert (again.status_code, again.json()["error"]) == (403, "invalid_grant")
    fresh = first.json()
    jira.bear(fresh["access_token"])
    assert jira.get(_gateway(jira)).status_code == 200
    sites = jira.get("/jira/oauth/token/accessible-resources").json()
    assert [site["id"] for site in sites] == [jira.get("/jira/_edge/tenant_info").json()["cloudId"]]
    second = _renew(jira, **{**client, "refresh_token": fresh["refresh_token"]})
    assert second.json()["access_token"] != fresh["access_token"]


def test_another_client_cannot_use_it(jira: Client, client: dict[str, str]) -> None:
    answer = _renew(jira, **{**client, "client_secret": "wrong"})
    assert answer.status_code == 401
    assert _renew(jira, **client).status_code == 200


def test_an_access_token_lives_as_long_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(access_token_seconds=60)
    jira = Client(World(items=10, shape="v3"), options)
    jira.sign_in("oauth")
    assert jira.get(_gateway(jira)).status_code == 200
    later = time.time() + 61
    monkeypatch.setattr("sandbox.accounts.time.time", lambda: later)
    assert jira.get(_gateway(jira)).status_code == 401


def test_control_lets_tokens_expire(jira: Client) -> None:
    assert jira.control("expire", system="jira", account="full", kind="api") == 1
    assert jira.get("/myself").status_code == 401


def test_another_seed_has_other_tokens() -> None:
    def values(seed: int) -> set[str]:
        accounts = Client(World(items=10, seed=seed, shape="v3")).organisation.accounts
        return {token.value for token in accounts.tokens("jira")}

    assert values(1) == values(1)
    assert values(1).isdisjoint(values(2))
