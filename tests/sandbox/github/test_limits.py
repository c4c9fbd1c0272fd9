"""Limits as GitHub has them, and what requests are counted as."""

from typing import Any

import pytest

from tests.sandbox.github.conftest import GRAPHQL, Client
from tests.sandbox.github.test_graphql import PULLS, STOREFRONT


@pytest.mark.parametrize("status", [403, 429])
def test_the_primary_limit_refuses_with_nothing_remaining(client: Client, status: int) -> None:
    client.set_limits({"kind": "github-primary", "limit": 2, "status": status})
    assert client.get("/user").headers["x-ratelimit-remaining"] == "1"
    last = client.get("/user")
    assert (last.status_code, last.headers["x-ratelimit-remaining"]) == (200, "0")
    refused = client.get("/user")
    assert (refused.status_code, refused.headers["x-ratelimit-remaining"]) == (status, "0")
    assert int(refused.headers["x-ratelimit-reset"]) > 0
    assert "retry-after" not in refused.headers


@pytest.mark.parametrize(
    ("kind", "says"), [("github-secondary", True), ("github-secondary-bare", False)]
)
def test_the_secondary_limit_may_say_when_to_come_back(
    client: Client, kind: str, says: bool
) -> None:
    client.set_limits({"kind": kind, "limit": 1, "window_seconds": 60, "status": 403})
    client.get("/user")
    refused = client.get("/user")
    assert refused.status_code == 403
    assert ("retry-after" in refused.headers) is says
    assert "secondary rate limit" in refused.json()["message"]


def test_graphql_can_refuse_with_200(client: Client) -> None:
    client.set_limits({"kind": "github-primary", "limit": 1, "status": 200})
    client.data("{viewer{login}}")
    body = client.query("{viewer{login}}")
    assert body["errors"][0]["type"] == "RATE_LIMITED"


def test_the_limits_can_be_asked_for_free(client: Client) -> None:
    client.get("/user")
    for _ in range(2):
        core = client.get("/rate_limit").json()["resources"]["core"]
        assert (core["used"], core["remaining"]) == (1, 4_999)


def test_a_server_of_ones_own_has_no_limits(client: Client) -> None:
    client.set_options(github_enterprise=True)
    assert "installed_version" in client.get("/meta").json()
    assert client.get("/rate_limit").status_code == 404
    assert "x-ratelimit-remaining" not in client.get("/user").headers
    client.set_limits({"kind": "github-primary", "limit": 1})
    assert client.get("/user").headers["x-ratelimit-remaining"] == "0"


def kinds(client: Client) -> dict[str, int]:
    counts: dict[str, Any] = client.http.get("/ledger/requests").json()["kinds"]
    found: dict[str, int] = counts.get("github", {})
    return found


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PULLS, "pulls"),
        (PULLS.replace("title body", "updatedAt").replace("title", ""), "census"),
        ('{node(id:"x"){... on PullRequest{commits(first:1){totalCount}}}}', "nested"),
        ('{nodes(ids:["x"]){id}}', "check"),
        (
            '{repository(owner:"acme",name:"storefront"){deployments(first:1){totalCount}}}',
            "deployments",
        ),
        ('{organization(login:"acme"){repositories(first:1){totalCount}}}', "metadata"),
        ("{viewer{login}}", "other"),
    ],
)
def test_queries_are_counted_by_what_they_ask(client: Client, text: str, kind: str) -> None:
    variables = {**STOREFRONT, "first": 1}
    client.http.post(
        GRAPHQL, json={"query": text, "variables": variables}, headers=client.headers()
    )
    assert kinds(client) == {kind: 1}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/repos/acme/storefront/pulls?state=all", "pulls"),
        ("/repos/acme/storefront/pulls/1", "check"),
        ("/repos/acme/storefront/pulls/1/reviews", "nested"),
        ("/repos/acme/storefront/pulls/comments", "nested"),
        ("/repos/acme/storefront/deployments", "deployments"),
        ("/repos/acme/storefront/actions/runs", "runs"),
        ("/repos/acme/storefront", "metadata"),
        ("/orgs/acme/repos", "metadata"),
        ("/rate_limit", "other"),
    ],
)
def test_paths_are_counted_by_what_they_name(client: Client, path: str, kind: str) -> None:
    client.get(path)
    assert kinds(client) == {kind: 1}
