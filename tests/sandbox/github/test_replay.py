"""A recording is served as it was recorded, in both APIs."""

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from sandbox.generate.demo import RECORDINGS
from sandbox.github.sources import RecordedSource
from sandbox.organisation import Organisation
from sandbox.replay import Recording
from sandbox.server import build_app
from tests.sandbox.github.conftest import Client

ACME = RECORDINGS / "acme"


def client_of(directory: Path) -> Client:
    organisation = Organisation(Recording(directory))
    http = TestClient(build_app(organisation), follow_redirects=False)
    return Client(organisation, http, "classic")


def lines(directory: Path, name: str) -> list[dict[str, Any]]:
    path = directory / "github" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write(directory: Path, **files: list[dict[str, Any]]) -> Path:
    (directory / "github").mkdir(parents=True, exist_ok=True)
    for name, entities in files.items():
        text = "".join(json.dumps(entity) + "\n" for entity in entities)
        (directory / "github" / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return directory


@pytest.fixture
def replayed() -> Client:
    return client_of(ACME)


def test_the_ledger_has_every_recorded_line(replayed: Client) -> None:
    for table, names in {
        "repositories": ["repositories"],
        "pull_requests": ["pulls"],
        "pull_request_commits": ["pull_commits"],
        "reviews": ["reviews"],
        "comments": ["issue_comments", "review_comments"],
        "deployments": ["deployments"],
        "workflow_runs": [],
    }.items():
        assert len(replayed.ledger(table)) == sum(len(lines(ACME, name)) for name in names)


def test_recorded_values_are_kept(replayed: Client) -> None:
    recorded = {
        each["number"]: each for each in lines(ACME, "pulls") if "storefront" in each["url"]
    }
    for pull in replayed.all("/repos/acme/storefront/pulls?state=all&per_page=100"):
        of = recorded.pop(pull["number"])
        for name in ("id", "title", "body", "merge_commit_sha", "updated_at", "draft"):
            assert pull[name] == of[name]
        assert pull["head"]["sha"] == of["head"]["sha"]
    assert not recorded


def test_sizes_that_were_not_recorded_are_null(replayed: Client) -> None:
    text = (
        '{repository(owner:"acme",name:"storefront"){pullRequest(number:1){additions merged '
        "mergeCommit{oid} potentialMergeCommit{oid}}}}"
    )
    pull = replayed.data(text)["repository"]["pullRequest"]
    assert pull["additions"] is None
    assert pull["mergeCommit"] and pull["potentialMergeCommit"] is None


def test_a_recorded_account_keeps_its_login(replayed: Client) -> None:
    text = (
        '{repository(owner:"acme",name:"storefront"){deployments(first:1){nodes{'
        "creator{login __typename}}}}}"
    )
    (node,) = replayed.data(text)["repository"]["deployments"]["nodes"]
    assert node["creator"] == {"login": "build-robot[bot]", "__typename": "Bot"}


def test_of_two_copies_the_newer_is_served(tmp_path: Path) -> None:
    pull = lines(ACME, "pulls")[0]
    older = {**pull, "title": "older", "updated_at": "2020-01-01T00:00:00Z"}
    source = RecordedSource(Recording(write(tmp_path, pulls=[pull, older])))
    (repository,) = source.repositories()
    assert source.record(repository["id"], pull["number"]).pull["title"] == pull["title"]


def test_a_repository_that_was_not_listed_is_known_from_its_pull_requests(tmp_path: Path) -> None:
    pull = lines(ACME, "pulls")[0]
    client = client_of(write(tmp_path, pulls=[pull]))
    assert client.get("/repos/acme/storefront").json()["id"] == pull["base"]["repo"]["id"]
    assert len(client.get("/repos/acme/storefront/pulls?state=all").json()) == 1


def test_comments_hang_below_the_pull_request_that_their_address_names(tmp_path: Path) -> None:
    comment = lines(ACME, "review_comments")[0]
    address = comment["pull_request_url"]
    pull = next(each for each in lines(ACME, "pulls") if each["url"] == address)
    client = client_of(write(tmp_path, pulls=[pull], review_comments=[comment]))
    text = (
        f'{{repository(owner:"acme",name:"storefront"){{pullRequest(number:{pull["number"]}){{'
        "reviewThreads(first:9){nodes{comments(first:9){nodes{fullDatabaseId "
        "pullRequestReview{databaseId}}}}}}}}"
    )
    (thread,) = client.data(text)["repository"]["pullRequest"]["reviewThreads"]["nodes"]
    (node,) = thread["comments"]["nodes"]
    assert node["fullDatabaseId"] == str(comment["id"])
    assert node["pullRequestReview"]["databaseId"] == comment["pull_request_review_id"]


def test_a_recording_can_be_changed_too(replayed: Client) -> None:
    replayed.mutate(op="edit", repository="acme/storefront", number=1, title="Changed")
    replayed.mutate(op="push", repository="acme/storefront", number=1)
    replayed.mutate(op="deployment_status", repository="acme/storefront", state="failure")
    assert replayed.get("/repos/acme/storefront/pulls/1").json()["title"] == "Changed"


def test_each_recording_is_served_whole(recording: Path) -> None:
    client = client_of(recording)
    names = {"pull_requests": "pulls", "reviews": "reviews", "pull_request_commits": "pull_commits"}
    for table, name in names.items():
        distinct = {json.dumps(line, sort_keys=True) for line in lines(recording, name)}
        assert len(client.ledger(table)) == len(distinct)
    names_of = [each["full_name"] for each in client.ledger("repositories")]
    pulls = [p for name in names_of for p in client.all(f"/repos/{name}/pulls?state=all")]
    assert len(pulls) == len(client.ledger("pull_requests"))
