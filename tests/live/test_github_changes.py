"""What people do on GitHub while its pages are read: afterwards the tables equal the ledger."""

from collections.abc import Iterator
from typing import Any

import pytest

from integrations.models import Integration
from jobs.models import JobRun
from sandbox.generate.world import World
from sandbox.options import Options
from tests.live.comparing import differences, tombstones
from tests.live.running import sync, told
from tests.live.served import Served, served
from tests.path.working import exported

pytestmark = pytest.mark.django_db(transaction=True)

GRAPHQL = "/github/api/graphql"
Operations = list[dict[str, Any]]
EDITED: Operations = [{"op": "github.edit", "count": 8}]
PUSHED: Operations = [{"op": "github.push", "count": 4, "commits": 3}]
FORCED: Operations = [{"op": "github.force_push", "count": 4, "commits": 2}]
REVIEWED: Operations = [
    {"op": "github.review", "count": 4, "line": 7, "user": "ann"},
    {"op": "github.review", "count": 2, "state": "changes_requested", "ghost": True},
]
COMMENTED: Operations = [{"op": "github.comment", "count": 5, "ghost": True}]
UNSAID: Operations = [
    {"op": "github.comment", "number": 1},
    {"op": "github.delete_comment", "number": 1},
]
MERGED: Operations = [
    {"op": "github.open", "count": 3},
    {"op": "github.merge", "count": 3},
    {"op": "github.close", "number": 2},
]
OPENED: Operations = [{"op": "github.open", "count": 7}]
AT_ONCE: Operations = [{"op": "github.touch", "count": 15, "same_second": True}]
RUN: Operations = [
    {"op": "github.rerun", "conclusion": "failure"},
    {"op": "github.deploy"},
    {"op": "github.deployment_status", "state": "inactive"},
]
CHANGES = {
    "edited": EDITED,
    "pushed": PUSHED,
    "pushed by force": FORCED,
    "reviewed": REVIEWED,
    "commented": COMMENTED,
    "a comment deleted": UNSAID,
    "merged and closed": MERGED,
    "opened": OPENED,
    "touched in one second": AT_ONCE,
    "run again and deployed": RUN,
    "all of it": [*OPENED, *EDITED, *PUSHED, *REVIEWED, *COMMENTED, *MERGED, *FORCED, *RUN],
}
ALL = "all of it"
WHATS = [pytest.param(what, marks=() if what == ALL else pytest.mark.thorough) for what in CHANGES]


@pytest.fixture
def source() -> Iterator[Served]:
    """An organisation of 40 pull requests in two repositories."""
    with served(World(items=120, seed=5, lean=True)) as found:
        yield found


def connected(source: Served, **settings: Any) -> Integration:
    """Connect with pages so small that there are many."""
    return source.connect("github", settings={"page_size": 5, **settings})


def complete(run: JobRun) -> JobRun:
    """Fail unless a run is completed without anything set aside."""
    assert run.state == JobRun.State.COMPLETED, told(run)
    return run


def pulls_differ(source: Served) -> list[str]:
    """Return what differs in pull requests: what they run and deploy may have been read before."""
    return [
        each
        for each in differences(source, providers="github")
        if not each.startswith(("workflow_runs", "deployments", "repositories"))
    ]


@pytest.mark.parametrize("what", WHATS)
def test_what_changes_while_repositories_are_walked_for_the_first_time_is_loaded(
    source: Served, what: str
) -> None:
    integration = connected(source)
    source.between_pages(GRAPHQL, 4, *CHANGES[what])
    complete(sync(integration))
    assert source.cues_left() == 0
    assert pulls_differ(source) == []
    complete(sync(integration))
    assert differences(source, providers="github") == []


@pytest.mark.parametrize("what", WHATS)
def test_what_changes_while_changes_are_walked_is_loaded(source: Served, what: str) -> None:
    integration = connected(source)
    complete(sync(integration))
    source.mutate({"op": "github.edit", "count": 18})
    source.between_pages(GRAPHQL, 2, *CHANGES[what])
    complete(sync(integration))
    assert source.cues_left() == 0
    assert pulls_differ(source) == []
    complete(sync(integration))
    assert differences(source, providers="github") == []


def test_what_does_not_fit_into_a_page_of_pull_requests_is_read_to_its_end(
    source: Served,
) -> None:
    integration = connected(source)
    complete(sync(integration))
    (opened,) = source.mutate({"op": "github.open", "count": 2})
    first, second = opened["numbers"]
    reviews = [
        {"op": "github.review", "number": first, "line": turn, "user": f"person{turn}"}
        for turn in range(1, 126)
    ]
    comments = [
        {"op": "github.comment", "number": second, "body": f"{turn}"} for turn in range(125)
    ]
    source.mutate({"op": "github.push", "number": second, "commits": 260}, *reviews, *comments)
    source.forget_requests()
    complete(sync(integration))
    assert differences(source, providers="github") == []
    assert source.requests()["kinds"]["github"]["nested"] >= 6
    commits = [row for row in exported("commits") if row["pull_request_number"] == second]
    assert len(commits) == 261


@pytest.mark.parametrize(
    "how", ["502", *(pytest.param(how, marks=pytest.mark.thorough) for how in ("504", "no_data"))]
)
def test_pages_that_are_too_heavy_are_halved(how: Any) -> None:
    options = Options(graphql_node_limit=3_000, graphql_heavy=how)
    with served(World(items=120, seed=5, lean=True), options) as source:
        integration = source.connect("github")
        run = complete(sync(integration))
        assert "is too much" in told(run)
        assert differences(source, providers="github") == []


@pytest.mark.parametrize("between", ["pages", "runs"])
@pytest.mark.parametrize("change", [{"name": "quite-another"}, {"owner": "umbrella"}], ids=str)
def test_a_repository_is_followed_by_its_id_under_its_new_name(
    source: Served, between: str, change: dict[str, str]
) -> None:
    names = [row["full_name"] for row in source.rows("repositories")]
    source.mutate({"op": "github.rename", "repository": names[-1], "owner": "umbrella"})
    patterns = f"{source.ready['github']['settings']['repositories']},umbrella/*"
    rename = {"op": "github.rename", "repository": names[0], **change}
    if between == "pages":
        source.between_pages(GRAPHQL, 4, rename)
    integration = connected(source, repositories=patterns)
    complete(sync(integration))
    assert source.cues_left() == 0
    if between == "runs":
        source.mutate(rename)
    source.mutate(*EDITED)
    complete(sync(integration))
    assert differences(source, providers="github") == []
    assert tombstones("repositories") == tombstones("pull_requests") == {}
