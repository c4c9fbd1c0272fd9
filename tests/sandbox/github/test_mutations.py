"""Changes show in both APIs, in the order of updates, and in the truth."""

from typing import Any

import pytest

from tests.sandbox.github.conftest import Client
from tests.sandbox.github.test_graphql import PULLS, STOREFRONT

REPOSITORY = "/repos/acme/storefront"


def newest(client: Client, count: int = 1) -> list[int]:
    page = client.data(PULLS, first=count, after=None, **STOREFRONT)["repository"]["pullRequests"]
    return [node["number"] for node in page["nodes"]]


def row_of(client: Client, number: int) -> dict[str, Any]:
    return next(
        row
        for row in client.ledger("pull_requests")
        if (row["repository"], row["number"]) == ("acme/storefront", number)
    )


def test_an_edit_comes_first_and_is_told_alike_everywhere(client: Client) -> None:
    client.mutate(op="edit", repository="acme/storefront", number=3, title="T", labels=["a", "b"])
    assert newest(client) == [3]
    pull = client.get(f"{REPOSITORY}/pulls/3").json()
    row = row_of(client, 3)
    assert (pull["title"], [each["name"] for each in pull["labels"]]) == ("T", ["a", "b"])
    assert (row["title"], row["labels"], row["updated_at"]) == ("T", ["a", "b"], pull["updated_at"])
    assert pull["updated_at"] == client.organisation.github.now


def test_many_can_be_touched_in_one_second(client: Client) -> None:
    done = client.mutate(op="touch", repository="acme/storefront", count=20, same_second=True)
    moments = {row_of(client, number)["updated_at"] for number in done["numbers"]}
    assert len(done["numbers"]) == 20
    assert len(moments) == 1
    assert set(newest(client, 20)) == set(done["numbers"])


def test_a_force_push_replaces_all_commits(client: Client) -> None:
    before = {each["sha"] for each in client.get(f"{REPOSITORY}/pulls/1/commits").json()}
    client.mutate(op="force_push", repository="acme/storefront", number=1, commits=2)
    after = [each["sha"] for each in client.get(f"{REPOSITORY}/pulls/1/commits").json()]
    assert len(after) == 2 and not before & set(after)
    assert client.get(f"{REPOSITORY}/pulls/1").json()["head"]["sha"] == after[-1]
    truth = [
        row["sha"]
        for row in client.ledger("pull_request_commits")
        if (row["repository"], row["pull_request_number"]) == ("acme/storefront", 1)
    ]
    assert truth == after


def test_a_push_adds_to_the_commits(client: Client) -> None:
    before = [each["sha"] for each in client.get(f"{REPOSITORY}/pulls/1/commits").json()]
    client.mutate(op="push", repository="acme/storefront", number=1, commits=3)
    after = client.get(f"{REPOSITORY}/pulls/1/commits").json()
    assert [each["sha"] for each in after[: len(before)]] == before
    assert len(after) == len(before) + 3
    assert after[-3]["parents"][0]["sha"] == before[-1]


def test_a_push_starts_a_workflow_run(client: Client) -> None:
    runs = f"{REPOSITORY}/actions/runs"
    before = client.get(runs).json()["total_count"]
    client.mutate(op="push", repository="acme/storefront", number=1)
    found = client.get(runs).json()
    head = client.get(f"{REPOSITORY}/pulls/1").json()["head"]["sha"]
    assert (found["total_count"], found["workflow_runs"][0]["head_sha"]) == (before + 1, head)


def test_counts_in_the_ledger_follow_every_change(client: Client) -> None:
    for operation in (
        {"op": "open", "count": 3},
        {"op": "push", "number": 1, "commits": 4},
        {"op": "review", "number": 2, "line": 1},
        {"op": "delete_comment", "number": 2, "kind": "review"},
        {"op": "deploy"},
    ):
        client.mutate(repository="acme/storefront", **operation)
        counts = client.http.get("/ledger").json()["tables"]
        for table in ("pull_requests", "pull_request_commits", "reviews", "comments"):
            assert counts[table] == len(client.ledger(table))
        for table in ("repositories", "deployments", "workflow_runs"):
            assert counts[table] == len(client.ledger(table))


def test_reviews_and_comments_are_found_where_they_belong(client: Client) -> None:
    common = {"repository": "acme/storefront", "number": 1}
    client.mutate(op="review", line=7, state="changes_requested", **common)
    client.mutate(op="comment", body="hello", ghost=True, **common)
    review = client.get(f"{REPOSITORY}/pulls/1/reviews").json()[-1]
    comment = client.get(f"{REPOSITORY}/pulls/1/comments").json()[-1]
    assert (review["state"], comment["line"]) == ("CHANGES_REQUESTED", 7)
    assert comment["pull_request_review_id"] == review["id"]
    path = f"{REPOSITORY}/issues/comments?sort=updated&direction=desc"
    listed = client.get(path).json()[0]
    assert (listed["body"], listed["user"]) == ("hello", None)
    kinds = {row["kind"] for row in client.ledger("comments") if int(row["source_id"]) > 9e9}
    assert kinds == {"issue", "review"}


def test_a_new_pull_request_can_be_merged(client: Client) -> None:
    done = client.mutate(op="open", repository="acme/storefront", title="New", branch="b")
    (number,) = done["numbers"]
    assert newest(client) == [number]
    assert client.get(f"{REPOSITORY}/pulls").json()[0]["number"] == number
    client.mutate(op="merge", repository="acme/storefront", number=number)
    assert client.get(f"{REPOSITORY}/pulls").json()[0]["number"] != number
    row = row_of(client, number)
    assert (row["state"], row["merged_at"]) == ("merged", client.organisation.github.now)


def test_a_closed_one_can_be_opened_again_and_a_merged_one_not(client: Client) -> None:
    number = client.get(f"{REPOSITORY}/pulls").json()[0]["number"]
    client.mutate(op="close", repository="acme/storefront", number=number)
    assert row_of(client, number)["state"] == "closed"
    client.mutate(op="reopen", repository="acme/storefront", number=number)
    assert row_of(client, number)["state"] == "open"
    client.mutate(op="merge", repository="acme/storefront", number=number)
    refused = {"do": [{"op": "github.reopen", "repository": "acme/storefront", "number": number}]}
    assert client.http.post("/control/mutate", json=refused).status_code == 400


def test_a_new_status_changes_the_state_of_a_deployment(client: Client) -> None:
    done = client.mutate(op="deployment_status", repository="acme/storefront", state="inactive")
    path = f"{REPOSITORY}/deployments/{done['id']}/statuses"
    states = [each["state"] for each in client.get(path).json()]
    assert states[0] == "inactive" and states[-1] == "in_progress"
    rows = {row["source_id"]: row["state"] for row in client.ledger("deployments")}
    assert rows[str(done["id"])] == "inactive"
    text = (
        '{repository(owner:"acme",name:"storefront"){deployments(first:1,orderBy:'
        "{field:CREATED_AT,direction:DESC}){nodes{databaseId state latestStatus{state}}}}}"
    )
    (node,) = client.data(text)["repository"]["deployments"]["nodes"]
    assert node == {
        "databaseId": done["id"],
        "state": "INACTIVE",
        "latestStatus": {"state": "INACTIVE"},
    }


def test_a_new_deployment_is_listed_first(client: Client) -> None:
    done = client.mutate(op="deploy", repository="acme/storefront", environment="staging")
    listed = client.get(f"{REPOSITORY}/deployments").json()
    assert (listed[0]["id"], listed[0]["environment"]) == (done["id"], "staging")


def test_a_renamed_repository_has_its_new_name_in_all_rows(client: Client) -> None:
    client.mutate(op="rename", repository="acme/storefront", name="shop")
    for table in ("pull_requests", "reviews", "comments", "deployments", "workflow_runs"):
        assert {row["repository"] for row in client.ledger(table)} == {
            "acme/shop",
            "acme/payments-api",
        }
    old = client.data('{repository(owner:"acme",name:"storefront"){nameWithOwner}}')
    assert old["repository"]["nameWithOwner"] == "acme/shop"
    text = '{repository(owner:"acme",name:"storefront",followRenames:false){id}}'
    assert client.query(text)["errors"][0]["type"] == "NOT_FOUND"


def test_hiding_a_repository_takes_it_from_one_account(client: Client) -> None:
    client.mutate(op="hide", repository="acme/storefront", account="full")
    assert client.get(REPOSITORY).status_code == 404
    gone = client.http.get("/ledger/gone").json()["repositories"]
    assert [row["reason"] for row in gone] == ["not_visible"]
    client.mutate(op="show", repository="acme/storefront", account="full")
    assert client.get(REPOSITORY).status_code == 200


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "github.edit", "repository": "acme/none"},
        {"op": "github.edit", "number": 99_999},
        {"op": "github.rerun", "id": 1},
        {"op": "github.hide", "account": "nobody"},
        {"op": "github.rename", "repository": "acme/storefront", "name": "payments-api"},
        {"op": "github.nothing"},
    ],
)
def test_a_change_that_cannot_be_made_is_refused(client: Client, operation: dict[str, Any]) -> None:
    answer = client.http.post("/control/mutate", json={"do": [operation]})
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_change_between_two_pages_moves_rows(client: Client) -> None:
    script = {
        "after_request": {"path": "/pulls\\?", "nth": 1},
        "do": [{"op": "github.touch", "repository": "acme/storefront", "count": 1}],
    }
    client.http.post("/control/script", json=script)
    path = f"{REPOSITORY}/pulls?state=all&sort=updated&direction=desc&per_page=10"
    numbers = [pull["number"] for pull in client.all(path)]
    assert len(numbers) == 50 and len(set(numbers)) == 49
