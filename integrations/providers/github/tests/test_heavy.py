"""Queries that are too much for GitHub are asked again smaller, and nothing is lost by it."""

from collections.abc import Callable
from typing import Any

import pytest

from common.errors import PermanentError, TransientError
from integrations.contract import PullRequestDraft
from integrations.providers.github import queries
from integrations.providers.github.tests.hub import Hub, Request, Sent, connection, run
from integrations.providers.github.tests.test_pull_walk import (
    NESTED,
    hub_with,
    live_of,
    mark,
    minute,
    numbers,
    sizes,
)

HEAVY = [
    Sent(b"<html>Bad gateway</html>", 502, media_type="text/html"),
    Sent({"message": "timeout"}, 504),
    Sent({"data": None}),
    Sent({"data": {"node": None}}),
    Sent({"data": None, "errors": [{"message": "Something went wrong while executing"}]}),
    Sent({"errors": [{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "too many"}]}),
    Sent({"errors": [{"type": "MAX_NODE_LIMIT_EXCEEDED", "message": "too many"}]}),
]


def refuse_above(hub: Hub, most: int, sent: Sent) -> None:
    """Let the hub refuse pages of more pull requests than it can."""

    def refuse(request: Request) -> Sent | None:
        if "pullRequests" not in request.query:
            return None
        ids = request.variables.get("ids", ["one"])
        return sent if request.variables["first"] * len(ids) > most else None

    hub.before = refuse


@pytest.mark.parametrize("sent", HEAVY)
def test_a_page_that_is_too_much_is_halved_and_the_walk_goes_on_from_there(sent: Sent) -> None:
    hub = hub_with(120)
    refuse_above(hub, 20, sent)
    live = live_of(hub)
    done = run(live)
    assert set(numbers(done)) == set(range(1, 121))
    assert sizes(live)[:4] == [50, 25, 12, 12]
    assert done.marks == mark(minute(120))
    assert any("too much" in note for note in done.notes)


def test_a_size_that_was_halved_grows_back_slowly() -> None:
    hub = hub_with(400)
    failures = [Sent({"data": None})] * 2
    hub.before = lambda request: (
        failures.pop() if failures and "pullRequests" in request.query else None
    )
    live = live_of(hub)
    run(live)
    assert sizes(live)[:12] == [50, 25, 12, 12, 12, 12, 15, 15, 15, 15, 18, 18]


def test_the_smallest_page_that_is_too_much_is_tried_again_later() -> None:
    hub = hub_with(3)
    refuse_above(hub, 0, HEAVY[0])
    live = live_of(hub)
    with pytest.raises(TransientError, match="smallest page"):
        run(live)
    assert sizes(live) == [50, 25, 12, 6, 3, 1]


def test_several_repositories_that_are_too_much_are_asked_by_halves() -> None:
    hub = hub_with(3, *[f"acme/r{n}" for n in range(1, 5)])
    refuse_above(hub, 30, HEAVY[1])
    marks = {("pulls", str(n)): {"updated": 0} for n in range(1, 5)}
    live = live_of(hub, marks)
    done = run(live)
    assert set(numbers(done)) == {1, 2, 3}
    assert len(done.marks) == 4
    asked = [r.variables.get("ids") or r.variables["id"] for r in live.fake.requests if r.query]
    assert asked[:3] == [["R_1", "R_2", "R_3", "R_4"], ["R_1", "R_2"], ["R_3", "R_4"]]


@pytest.mark.parametrize("name", NESTED)
def test_a_nested_page_that_is_too_much_is_halved(name: str) -> None:
    stream, node = NESTED[name]
    hub = hub_with(1)
    hub.pulls["R_1"][0][name] = connection([node], "first")
    asked: list[int] = []

    def more(request: Request) -> Sent | None:
        if request.query != queries.NESTED[name]:
            return None
        asked.append(request.variables["first"])
        if len(asked) == 1:
            return HEAVY[2]
        whole = {"number": 1, "repository": {"nameWithOwner": "acme/ants"}}
        return Sent({"data": {"node": {**whole, name: connection([node])}}})

    hub.before = more
    done = run(live_of(hub))
    assert asked == [100, 50]
    assert len([page for page in done.pages if page.stream == stream]) == 1


def torn(hub: Hub, lose: Callable[[Request], bool]) -> Callable[[Request], Sent | None]:
    """Answer with a null in place of the first pull request where `lose` says so."""

    def answer(request: Request) -> Sent | None:
        if "pullRequests" not in request.query or not lose(request):
            return None
        hub.before = lambda request: None
        whole: Any = hub(request).body
        hub.before = answer
        node = whole["data"].get("node") or whole["data"]["nodes"][0]
        node["pullRequests"]["nodes"][0] = None
        error = {"message": "Something went wrong", "path": ["node", "pullRequests", "nodes", 0]}
        return Sent({**whole, "errors": [error]})

    return answer


def test_an_answer_in_part_is_kept_and_what_failed_is_asked_again_smaller() -> None:
    hub = hub_with(10)
    hub.before = torn(hub, lambda request: request.variables["first"] > 4)
    live = live_of(hub, page_size=8)
    done = run(live)
    assert set(numbers(done)) == set(range(1, 11))
    assert sizes(live)[:3] == [8, 4, 4]
    assert next(page.is_data for page in done.pages if page.stream == "pulls") is False
    assert any("Something went wrong" in note for note in done.notes)


def test_a_pull_request_that_always_fails_costs_only_itself() -> None:
    hub = hub_with(4)
    hub.before = torn(hub, lambda request: (request.variables["after"] or "").startswith(minute(4)))
    live = live_of(hub, page_size=1)
    done = run(live)
    found = [page for page in done.pages if page.stream == "pulls" and page.is_data]
    assert b"null" in found[1].answer.body
    hub.before = lambda request: None
    assert set(numbers(run(live_of(hub, page_size=1)))) == {1, 2, 3, 4}


def test_a_repository_of_several_that_lost_something_goes_alone() -> None:
    hub = hub_with(3, "acme/ants", "acme/bees")
    hub.pulls["R_2"] = hub.pulls["R_1"][:1]
    hub.before = torn(hub, lambda request: "ids" in request.variables)
    marks = mark(minute(2)) | {("pulls", "2"): {"updated": 0}}
    done = run(live_of(hub, marks, lookback_minutes=0))
    assert set(numbers(done)) == {1, 2, 3}
    assert len(done.marks) == 2


def test_a_connection_of_a_pull_request_that_failed_is_read_from_its_beginning() -> None:
    hub = hub_with(1)
    hub.pulls["R_1"][0]["commits"] = None

    def more(request: Request) -> Sent | None:
        if request.query != queries.NESTED["commits"]:
            return None
        assert request.variables["after"] is None
        whole = {"number": 1, "repository": {"nameWithOwner": "acme/ants"}}
        return Sent({"data": {"node": {**whole, "commits": connection([NESTED["commits"][1]])}}})

    hub.before = more
    done = run(live_of(hub))
    assert done.values("pulls", PullRequestDraft, "number") == [1]
    assert [page.stream for page in done.pages].count("pull_commits") == 1


@pytest.mark.parametrize("type_", ["FORBIDDEN", "INSUFFICIENT_SCOPES"])
def test_what_the_credential_may_not_read_is_said(type_: str) -> None:
    hub = hub_with(1)
    hub.before = lambda request: (
        Sent({"data": {"node": None}, "errors": [{"type": type_, "message": "not yours"}]})
        if request.query
        else None
    )
    with pytest.raises(PermanentError, match=r"not yours.*scope repo"):
        run(live_of(hub))


def test_an_older_server_is_asked_for_the_ids_that_it_knows() -> None:
    hub = hub_with(3)

    def old(request: Request) -> Sent | None:
        if "fullDatabaseId" not in request.query:
            return None
        message = "Field 'fullDatabaseId' doesn't exist on type 'PullRequest'"
        return Sent({"errors": [{"message": message}]})

    hub.before = old
    live = live_of(hub)
    assert set(numbers(run(live))) == {1, 2, 3}
    asked = [r.query for r in live.fake.requests if r.query]
    assert ["fullDatabaseId" in query for query in asked] == [True, False]
