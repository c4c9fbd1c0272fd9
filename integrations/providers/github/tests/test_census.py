"""The census goes by complete lists alone, and says why a repository is gone."""

from collections.abc import Sequence
from typing import Any

import pytest

from common.errors import PermanentError, TransientError
from integrations.contract import Difference
from integrations.providers.github.connector import connector
from integrations.providers.github.tests.hub import FakeLive, Hub, Run, Sent, run

WALKS = ("pulls", "deployments", "workflow_runs")


def census(hub: Hub, repositories: str, **more: Any) -> Run:
    live = FakeLive(hub, repositories=repositories, **more)
    return run(live, connector.census(live))


def reconcile(hub: Hub, extra: Sequence[str], loaded: Sequence[str]) -> Run:
    live = FakeLive(hub, repositories="acme/*", loaded=loaded)
    difference = Difference(table="repositories", part="", missing=[], extra=list(extra))
    return run(live, connector.reconcile(difference, live))


def test_a_census_reads_every_source_and_is_complete_with_the_last() -> None:
    done = census(Hub("acme/ants", "octo/tools", "acme/bees"), "acme/*,octo/tools*")
    assert [(seen.ids, seen.is_last) for seen in done.seen] == [(["1", "3"], False), (["2"], True)]
    assert not any(page.is_data for page in done.pages)


def test_a_repository_outside_of_the_patterns_was_not_seen() -> None:
    [seen] = census(Hub("acme/ants", "acme/bees"), "acme/b*").seen
    assert seen.ids == ["2"]


def test_a_repository_named_whole_that_is_gone_makes_the_census_shorter_not_wrong() -> None:
    [seen] = census(Hub(), "acme/none").seen
    assert (seen.ids, seen.is_last) == ([], True)


def test_an_owner_who_is_gone_ends_the_census_without_a_verdict() -> None:
    hub = Hub("acme/ants")
    with pytest.raises(PermanentError):
        census(hub, "acme/*,nobody/*")


@pytest.mark.parametrize("body", [b"", b"[{", b'[{"id": "x"}]', b'{"id": 1}'])
def test_a_census_never_goes_by_what_it_cannot_read(body: bytes) -> None:
    hub = Hub("acme/ants")
    hub.before = lambda request: Sent(body)
    with pytest.raises(TransientError):
        census(hub, "acme/*")


def test_a_missing_repository_is_fetched_and_walked() -> None:
    hub = Hub("acme/ants")
    hub.before = lambda request: (
        Sent(hub.repositories[0]) if request.path == "/repositories/1" else None
    )
    live = FakeLive(hub, repositories="acme/*")
    difference = Difference(table="repositories", part="", missing=["1"], extra=[])
    done = run(live, connector.reconcile(difference, live))
    assert [page.stream for page in done.pages] == ["repositories", "pulls"]
    assert ("pulls", "1") in done.marks


@pytest.mark.parametrize(
    ("status", "loaded", "reason"),
    [
        (404, ["1", "2"], "deleted"),
        (404, ["1"], "not_visible"),
        (451, ["1", "2"], "not_visible"),
        (403, ["1", "2"], "not_visible"),
    ],
)
def test_a_repository_that_is_gone_goes_with_its_pull_requests(
    status: int, loaded: list[str], reason: str
) -> None:
    hub = Hub()
    hub.before = lambda request: Sent({"message": "no"}, status)
    done = reconcile(hub, ["1"], loaded)
    rows, pulls = done.gone
    assert (rows.table, rows.ids, rows.reason) == ("repositories", ["1"], reason)
    assert (pulls.table, pulls.part, pulls.ids, pulls.reason) == (
        "pull_requests",
        "1",
        None,
        reason,
    )
    assert done.marks == {(stream, "1"): {} for stream in WALKS}


def test_a_repository_that_went_to_another_owner_has_moved() -> None:
    hub = Hub()
    hub.before = lambda request: Sent({"id": 1, "node_id": "R_1", "full_name": "octo/ants"})
    assert {gone.reason for gone in reconcile(hub, ["1"], ["1", "2"]).gone} == {"moved"}


def test_a_repository_that_is_there_although_not_listed_stays() -> None:
    hub = Hub()
    hub.before = lambda request: Sent({"id": 1, "node_id": "R_1", "full_name": "acme/ants"})
    done = reconcile(hub, ["1"], ["1", "2"])
    assert done.gone == []
    assert done.notes == ["repository acme/ants is there although not listed"]


def test_a_verdict_waits_until_github_can_give_one() -> None:
    hub = Hub()
    hub.before = lambda request: Sent({}, 502)
    with pytest.raises(TransientError):
        reconcile(hub, ["1"], ["1", "2"])


def test_an_emptied_mark_is_none() -> None:
    hub = Hub("acme/ants")
    live = FakeLive(hub, {("pulls", "1"): {}}, repositories="acme/*")
    run(live)
    assert "id" in live.fake.requests[-1].variables, "it is walked whole, not with others"
