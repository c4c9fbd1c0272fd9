"""The REST API: pages, links, single entities, versions, and what it refuses."""

from collections.abc import Callable

import pytest

from sandbox.github.rest import delivery
from tests.sandbox.github.conftest import Client

REPOSITORY = "/repos/acme/storefront"


def test_paging_by_links_gives_every_pull_request_once(client: Client) -> None:
    pulls = list(client.all(f"{REPOSITORY}/pulls?state=all&per_page=7"))
    truth = [r for r in client.ledger("pull_requests") if r["repository"] == "acme/storefront"]
    assert sorted(pull["number"] for pull in pulls) == [row["number"] for row in truth]


def test_links_name_the_repository_by_id_below_the_base_path(client: Client) -> None:
    answer = client.get(f"{REPOSITORY}/pulls?state=all&per_page=10&page=2")
    identity = client.get(REPOSITORY).json()["id"]
    base = f"http://testserver/github/api/v3/repositories/{identity}/pulls?"
    assert {name: link["url"] for name, link in answer.links.items()} == {
        "prev": f"{base}state=all&per_page=10&page=1",
        "next": f"{base}state=all&per_page=10&page=3",
        "last": f"{base}state=all&per_page=10&page=5",
        "first": f"{base}state=all&per_page=10&page=1",
    }


def test_a_page_has_at_most_100_entities_and_usually_30(client: Client) -> None:
    assert len(client.get(f"{REPOSITORY}/issues/comments").json()) == 30
    assert len(client.get(f"{REPOSITORY}/actions/runs?per_page=500").json()["workflow_runs"]) == 50


def test_newest_first_by_update_is_in_that_order(client: Client) -> None:
    path = f"{REPOSITORY}/pulls?state=all&sort=updated&direction=desc"
    updated = [pull["updated_at"] for pull in client.all(path)]
    assert updated == sorted(updated, reverse=True)


def test_a_list_lacks_what_only_the_single_pull_request_says(client: Client) -> None:
    details = {"additions", "deletions", "changed_files", "commits", "merged", "mergeable"}
    listed = client.get(f"{REPOSITORY}/pulls?state=all").json()[0]
    single = client.get(f"{REPOSITORY}/pulls/{listed['number']}").json()
    assert not details & set(listed)
    assert details <= set(single)


def test_the_latest_version_removes_members(client: Client) -> None:
    path = f"{REPOSITORY}/pulls/1"
    old = client.get(path, x_github_api_version="2022-11-28").json()
    new = client.get(path, x_github_api_version="2026-03-10").json()
    assert set(old) - set(new) == {"merge_commit_sha", "assignee"}
    assert "rate" not in client.get("/rate_limit", x_github_api_version="2026-03-10").json()


def test_an_unknown_version_is_refused(client: Client) -> None:
    assert client.get("/user", x_github_api_version="2020-01-01").status_code == 400


def test_an_unchanged_answer_is_304_and_costs_nothing(client: Client) -> None:
    first = client.get(f"{REPOSITORY}/pulls")
    again = client.get(f"{REPOSITORY}/pulls", if_none_match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["x-ratelimit-remaining"] == first.headers["x-ratelimit-remaining"]
    client.mutate(op="touch", repository="acme/storefront", number=open_number(client))
    changed = client.get(f"{REPOSITORY}/pulls", if_none_match=first.headers["etag"])
    assert changed.status_code == 200


def open_number(client: Client) -> int:
    number: int = client.get(f"{REPOSITORY}/pulls").json()[0]["number"]
    return number


def test_comments_since_are_those_updated_since(client: Client) -> None:
    rows = [r for r in client.ledger("comments") if r["repository"] == "acme/storefront"]
    for kind, path in (("issue", "issues/comments"), ("review", "pulls/comments")):
        moments = sorted(row["created_at"] for row in rows if row["kind"] == kind)
        since = moments[len(moments) // 2]
        found = list(client.all(f"{REPOSITORY}/{path}?sort=updated&since={since}"))
        assert len(found) == sum(moment >= since for moment in moments)


def test_deployments_come_newest_first_and_their_state_is_asked_for_apart(client: Client) -> None:
    deployments = list(client.all(f"{REPOSITORY}/deployments?per_page=5"))
    truth = {row["source_id"]: row["state"] for row in client.ledger("deployments")}
    moments = [each["created_at"] for each in deployments]
    assert moments == sorted(moments, reverse=True)
    for each in deployments[:5]:
        path = each["statuses_url"].partition("/api/v3")[2]
        assert "state" not in each
        assert client.get(path).json()[0]["state"] == truth[str(each["id"])]


def test_runs_are_chosen_by_creation_and_filtered_ones_end_at_a_limit(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = client.get(f"{REPOSITORY}/actions/runs?per_page=100").json()
    at = runs["workflow_runs"][10]["created_at"]
    some = client.get(f"{REPOSITORY}/actions/runs?per_page=100&created=>={at}").json()
    assert some["total_count"] == sum(run["created_at"] >= at for run in runs["workflow_runs"])
    assert client.get(f"{REPOSITORY}/actions/runs?created=nonsense").status_code == 422
    monkeypatch.setattr(delivery, "MOST_FILTERED_RUNS", 5)
    capped = client.get(f"{REPOSITORY}/actions/runs?created=>={at}&per_page=4&page=2").json()
    assert len(capped["workflow_runs"]) == 1 and capped["total_count"] == some["total_count"]


def test_a_rerun_keeps_its_id_and_creation(client: Client) -> None:
    done = client.mutate(op="rerun", repository="acme/storefront", conclusion="failure")
    run = client.get(f"{REPOSITORY}/actions/runs/{done['id']}").json()
    assert (run["run_attempt"], run["conclusion"]) == (done["attempt"], "failure")
    assert run["created_at"] < run["updated_at"] == client.organisation.github.now


def test_issues_beyond_the_page_limit_are_found_by_cursor_alone(client: Client) -> None:
    client.set_options(github_issue_pages=2)
    path = f"{REPOSITORY}/issues?state=all&per_page=10"
    refused = client.get(f"{path}&page=3")
    assert refused.status_code == 422
    assert "cursor based pagination" in refused.json()["message"]
    found = list(client.all(path))
    assert len({issue["number"] for issue in found}) == len(found) == 50
    assert all("pull_request" in issue for issue in found)
    assert "after=" in client.get(path).links["next"]["url"]


def test_a_renamed_repository_moves_to_its_id(client: Client) -> None:
    before = client.get(REPOSITORY).json()
    client.mutate(op="rename", repository="acme/storefront", name="shop")
    moved = client.get(f"{REPOSITORY}/pulls?state=all")
    target = f"http://testserver/github/api/v3/repositories/{before['id']}/pulls?state=all"
    assert (moved.status_code, moved.headers["location"]) == (301, target)
    pull = client.get(target).json()[0]
    assert pull["base"]["repo"]["full_name"] == "acme/shop"
    assert "/repos/acme/shop/pulls/" in pull["url"]
    written = client.http.patch(f"/github/api/v3{REPOSITORY}", headers=client.headers())
    assert written.status_code == 307


@pytest.mark.parametrize(
    ("flags", "path", "status"),
    [
        ({"empty": True}, "/commits", 409),
        ({"issues_disabled": True}, "/issues", 410),
        ({"blocked": True}, "", 451),
        ({}, "/pulls/4999", 404),
    ],
)
def test_what_cannot_be_given_has_its_status(
    client: Client, flags: dict[str, bool], path: str, status: int
) -> None:
    client.mutate(op="set", repository="acme/storefront", **flags)
    assert client.get(REPOSITORY + path).status_code == status


def test_a_deleted_repository_is_not_found_and_noted(client: Client) -> None:
    identity = client.get(REPOSITORY).json()["id"]
    client.mutate(op="delete", repository="acme/storefront")
    assert client.get(REPOSITORY).status_code == 404
    gone = client.http.get("/ledger/gone").json()["repositories"]
    assert [(row["source_id"], row["reason"]) for row in gone] == [(str(identity), "deleted")]
    assert {row["repository"] for row in client.ledger("reviews")} == {"acme/payments-api"}


def test_a_pull_request_lists_250_of_its_251_commits(client: Client) -> None:
    client.mutate(op="force_push", repository="acme/storefront", number=1, commits=251)
    listed = list(client.all(f"{REPOSITORY}/pulls/1/commits?per_page=100"))
    assert len(listed) == 250
    pull = client.get(f"{REPOSITORY}/pulls/1").json()
    assert pull["commits"] == 251
    every = list(client.all(f"{REPOSITORY}/commits?sha={pull['head']['sha']}&per_page=100"))
    assert [each["sha"] for each in every[::-1]][:250] == [each["sha"] for each in listed]
    assert len(every) == 251


def test_vanished_authors_are_null(client: Client) -> None:
    pulls = list(client.all(f"{REPOSITORY}/pulls?state=all"))
    truth = {r["source_id"] for r in client.ledger("pull_requests") if r["author_login"] is None}
    ghosts = {str(pull["id"]) for pull in pulls if pull["user"] is None}
    assert ghosts and ghosts <= truth


def test_a_search_stops_at_1000_results(client: Client) -> None:
    assert client.get("/search/repositories?q=org:acme").json()["total_count"] == 2
    assert client.get("/search/repositories?q=org:acme&per_page=100&page=11").status_code == 422
    assert client.get("/search/repositories?q=stars:>1").status_code == 422


def test_owners_link_by_their_id(client: Client) -> None:
    answer = client.get("/orgs/acme/repos?per_page=1")
    assert "/api/v3/organizations/8000000/repos?" in answer.links["next"]["url"]
    assert len(list(client.all("/orgs/acme/repos?per_page=1"))) == 2
    assert len(list(client.all("/users/acme/repos?per_page=1"))) == 2


def test_who_is_not_known_gets_401(as_kind: Callable[[str], Client]) -> None:
    expired = as_kind("expired")
    assert expired.get("/user").json()["message"] == "Bad credentials"
    answer = expired.http.post("/github/api/graphql", json={"query": "{viewer{login}}"})
    assert answer.status_code == 401


def test_a_restricted_token_lacks_a_repository(as_kind: Callable[[str], Client]) -> None:
    restricted = as_kind("restricted")
    assert len(restricted.get("/user/repos").json()) == 1
    assert restricted.get(REPOSITORY).status_code == 200
    assert restricted.get("/repos/acme/payments-api").status_code == 404


def test_a_token_of_one_owner_sees_only_theirs(as_kind: Callable[[str], Client]) -> None:
    granular = as_kind("fine_grained")
    granular.mutate(op="rename", repository="acme/payments-api", owner="other")
    assert [each["full_name"] for each in granular.get("/user/repos").json()] == ["acme/storefront"]
    assert len(as_kind("classic").get("/user/repos").json()) == 2


def test_a_missing_permission_is_a_plain_403(as_kind: Callable[[str], Client]) -> None:
    answer = as_kind("few_permissions").get(f"{REPOSITORY}/actions/runs")
    assert answer.status_code == 403
    assert answer.headers["x-accepted-github-permissions"] == "actions=read"
    assert int(answer.headers["x-ratelimit-remaining"]) > 0


def test_a_token_without_scopes_sees_no_private_repository(
    as_kind: Callable[[str], Client],
) -> None:
    bare = as_kind("unscoped")
    answer = bare.get(REPOSITORY)
    assert (answer.status_code, answer.headers["x-oauth-scopes"]) == (404, "")
