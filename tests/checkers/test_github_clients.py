"""GitHub clients that nobody here wrote read the sandbox's GitHub."""

import json
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.checkers.conftest import HERE, Start, read_by

pytestmark = pytest.mark.checkers

Truth = dict[str, dict[str, list[Any]]]
_LISTS = (
    *("pulls", "commits", "reviews", "review_comments", "issue_comments"),
    *("deployments", "runs"),
)


def _rows(ready: dict[str, Any], table: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{ready['ledger']}/rows/{table}") as answer:
        return [json.loads(line) for line in answer]


def _truth(ready: dict[str, Any]) -> Truth:
    """Return what is in each repository, by the names that the scripts use."""
    truth: Truth = defaultdict(lambda: defaultdict(list))
    for table in ("reviews", "deployments", "pull_requests", "workflow_runs"):
        for row in _rows(ready, table):
            name = {"pull_requests": "pulls", "workflow_runs": "runs"}.get(table, table)
            truth[row["repository"]][name].append(int(row["source_id"]))
    for row in _rows(ready, "deployments"):
        truth[row["repository"]]["states"].append((int(row["source_id"]), row["state"]))
    for row in _rows(ready, "comments"):
        truth[row["repository"]][f"{row['kind']}_comments"].append(int(row["source_id"]))
    for row in _rows(ready, "pull_request_commits"):
        truth[row["repository"]]["commits"].append([row["pull_request_number"], row["sha"]])
    return truth


def _agrees(truth: Truth, read: dict[str, dict[str, Any]]) -> None:
    assert set(read) == set(truth)
    for repository, found in read.items():
        for name in _LISTS:
            expected = truth[repository][name]
            assert sorted(found[name]) == sorted(expected), (repository, name)
        assert len(found["issues"]) == len(found["pulls"])
        assert found["detail"][0] > 0
        stated = dict(zip(found["deployments"], found["statuses"], strict=True))
        assert stated == dict(truth[repository]["states"])


def test_pygithub_reads_everything_to_the_end(sandbox: Start, client_python: Path) -> None:
    """The client follows links, and what it reads is what there is."""
    ready = sandbox("--items", "120", "--seed", "3")
    names = {row["full_name"] for row in _rows(ready, "repositories")}
    truth = _truth(ready)
    found = read_by(client_python, HERE / "check_pygithub.py", json.dumps(ready))
    assert set(found["repositories"]) == set(found["searched"]) == names
    _agrees(truth, found["read"])
    for read in found["read"].values():
        assert read["workflows"] == ["CI"]
        assert read["merged"] > 0
    assert found["app"] == "loader"
    assert set(found["installed"]) == names
    assert found["by_installation"] == "acme/storefront"
    assert found["renamed"] == f"{found['before']}-2"
    assert found["refused"] == {
        "missing": [404, "UnknownObjectException"],
        "unsigned": [401, "BadCredentialsException"],
        "primary 403": [403, "limit"],
        # It takes only 403 for a limit.
        "primary 429": [429, "GithubException"],
        "secondary 403": [403, "limit"],
    }


@pytest.mark.parametrize("version", ["2022-11-28", "2026-03-10"])
def test_githubkit_parses_every_answer_into_its_models(
    sandbox: Start, client_python: Path, version: str
) -> None:
    """Every entity is complete and of the types that the description of the API has."""
    ready = sandbox("--items", "120", "--seed", "3")
    script = HERE / "check_githubkit.py"
    found = read_by(client_python, script, json.dumps(ready), version)
    _agrees(_truth(ready), {f"acme/{name}": read for name, read in found["read"].items()})
    for read in found["read"].values():
        assert sorted(read["listed_review_comments"]) == sorted(read["review_comments"])
        assert read["has_merge_commit_sha"] is (version == "2022-11-28")
    assert (found["first_page"], found["mine"], found["found"]) == (1, 2, 2)
    assert sorted(found["installed"]) == ["acme/payments-api", "acme/storefront"]
    assert found["viewer"] == found["login"]
    assert found["refused"] == {
        "missing": [404, "failed"],
        "unsigned": [401, "failed"],
        "query": [200, "Could not resolve to an Organization with the login of 'none'."],
        "primary 403": [403, "primary"],
        "primary 429": [429, "primary"],
        "secondary 403": [403, "secondary"],
    }
