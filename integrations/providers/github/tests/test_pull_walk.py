"""Pull requests are walked newest first, and the mark moves only at the end of a walk."""

from datetime import UTC, datetime
from typing import Any

import pytest

from common.errors import PermanentError, TransientError
from integrations.contract import CommitDraft, PullRequestDraft
from integrations.providers.github import queries
from integrations.providers.github.tests.hub import (
    FakeLive,
    Hub,
    Request,
    Run,
    Sent,
    connection,
    ms,
    pull,
    run,
)


def hub_with(count: int, *names: str) -> Hub:
    """Return a hub whose first repository has so many pull requests, one updated each minute."""
    hub = Hub(*(names or ("acme/ants",)))
    hub.pulls["R_1"] = [pull(n, minute(n)) for n in range(1, count + 1)]
    return hub


def minute(number: int) -> str:
    return f"2024-05-{1 + number // 1440:02}T{number // 60 % 24:02}:{number % 60:02}:00Z"


def live_of(hub: Hub, marks: Any = None, **more: Any) -> FakeLive:
    return FakeLive(hub, marks, **{"repositories": "acme/*", **more})


def mark(text: str) -> dict[tuple[str, str], dict[str, int]]:
    return {("pulls", "1"): {"updated": ms(text)}}


def numbers(done: Run) -> list[int]:
    return done.values("pulls", PullRequestDraft, "number")


def sizes(live: FakeLive) -> list[int]:
    """Return the sizes of the pages of pull requests that were asked for."""
    return [r.variables["first"] for r in live.fake.requests if "pullRequests" in r.query]


def test_a_first_walk_reads_every_page_and_then_gives_the_newest_as_its_mark() -> None:
    live = live_of(hub_with(120))
    done = run(live)
    assert sorted(set(numbers(done))) == list(range(1, 121))
    assert sizes(live) == [50, 50, 50, 10]
    assert done.marks == mark(minute(120))


def test_no_mark_is_given_before_the_end_of_the_walk() -> None:
    hub = hub_with(120)
    live = live_of(hub)
    hub.before = lambda request: Sent({"message": "down"}, 503) if len(sizes(live)) == 3 else None
    with pytest.raises(TransientError, match="503"):
        run(live)
    assert live.fake.requests[-1].variables["after"]


def test_a_row_that_moves_to_the_top_while_paging_is_read_there() -> None:
    hub = hub_with(120)

    def edit_the_oldest(request: Request) -> None:
        if len(sizes(live)) == 2:
            hub.pulls["R_1"][0] |= {"updatedAt": "2024-05-31T00:00:00Z", "title": "Edited"}

    hub.before = edit_the_oldest
    live = live_of(hub)
    done = run(live)
    assert done.values("pulls", PullRequestDraft, "title").count("Edited") == 1
    assert set(numbers(done)) == set(range(1, 121))
    assert done.marks == mark(minute(120)), "what moved meanwhile is read by the next run, too"


def test_more_rows_than_a_page_that_moved_meanwhile_are_all_read() -> None:
    hub = hub_with(120)

    def edit_sixty(request: Request) -> None:
        if len(sizes(live)) == 2:
            for row in hub.pulls["R_1"][:60]:
                row |= {"updatedAt": f"2024-05-31T00:00:{row['number'] % 60:02}Z"}

    hub.before = edit_sixty
    live = live_of(hub)
    assert set(numbers(run(live))) == set(range(1, 121))


def test_a_walk_of_one_page_does_not_look_again() -> None:
    live = live_of(hub_with(3))
    assert run(live).marks == mark(minute(3))
    assert sizes(live) == [50]


def test_a_repository_without_pull_requests_is_covered() -> None:
    done = run(live_of(hub_with(0)))
    assert done.marks == {("pulls", "1"): {"updated": 0}}


def test_several_covered_repositories_are_asked_in_one_request() -> None:
    names = [f"acme/r{n}" for n in range(1, 11)]
    hub = hub_with(30, *names)
    marks = {("pulls", str(n)): {"updated": ms(minute(30))} for n in range(1, 11)}
    live = live_of(hub, marks, lookback_minutes=5)
    done = run(live)
    assert sizes(live) == [10]
    assert done.marks[("pulls", "1")] == {"updated": ms(minute(30))}
    assert len(done.marks) == 10


def test_an_incremental_walk_reads_to_its_mark_and_the_lookback_behind_it() -> None:
    live = live_of(hub_with(60), mark(minute(40)), lookback_minutes=10, page_size=15)
    done = run(live)
    assert set(numbers(done)) >= set(range(30, 61))
    assert min(numbers(done)) > 15
    assert done.marks == mark(minute(60))


def test_a_repository_with_more_changes_goes_on_alone_and_no_further_than_its_mark() -> None:
    hub = hub_with(300, "acme/ants", "acme/bees")
    live = live_of(hub, mark(minute(150)) | {("pulls", "2"): {"updated": 0}})
    done = run(live)
    assert set(numbers(done)) >= set(range(140, 301))
    assert min(numbers(done)) > 90
    assert [r.variables.get("ids") for r in live.fake.requests if r.query][:2] == [
        ["R_1", "R_2"],
        None,
    ]
    assert done.marks[("pulls", "1")] == {"updated": ms(minute(300))}


def test_a_full_run_forgets_the_mark_and_sets_it() -> None:
    live = live_of(hub_with(120), mark(minute(100)), mode="full")
    done = run(live)
    assert set(numbers(done)) == set(range(1, 121))
    assert done.marks == mark(minute(120))


def test_a_mark_never_goes_back() -> None:
    hub = hub_with(3)
    assert run(live_of(hub, mark("2024-05-20T00:00:00Z"))).marks == mark("2024-05-20T00:00:00Z")


def test_a_mark_is_never_later_than_now() -> None:
    hub = hub_with(3)
    hub.pulls["R_1"].append(pull(9, "2099-01-01T00:00:00Z"))
    done = run(live_of(hub))
    assert 9 in numbers(done)
    assert done.marks == mark("2024-06-01T12:00:00Z")


def test_pull_requests_that_were_not_updated_since_the_start_date_are_left_out() -> None:
    hub = hub_with(10)
    for number in (11, 12, 13):
        hub.pulls["R_1"].append(pull(number, f"2024-05-2{number - 10}T00:00:00Z"))
    live = live_of(hub, start_date="2024-05-20")
    done = run(live)
    assert numbers(done) == [13, 12, 11]
    assert sizes(live) == [50, 3]
    assert done.marks == mark("2024-05-23T00:00:00Z")


def test_old_pull_requests_are_left_out_when_repositories_are_asked_together() -> None:
    hub = hub_with(5, "acme/ants", "acme/bees")
    hub.pulls["R_1"].append(pull(6, "2024-05-21T00:00:00Z"))
    marks = mark("2024-05-20T00:00:00Z") | {("pulls", "2"): {"updated": 0}}
    done = run(live_of(hub, marks, start_date="2024-05-20"))
    assert numbers(done) == [6]
    assert done.marks[("pulls", "1")] == {"updated": ms("2024-05-21T00:00:00Z")}


def test_a_backfill_passes_the_newer_by_reads_its_window_and_leaves_the_mark() -> None:
    hub = hub_with(400)
    live = live_of(
        hub,
        mark(minute(400)),
        mode="backfill",
        since=datetime.fromisoformat(minute(50)),
        until=datetime.fromisoformat(minute(100)).replace(tzinfo=UTC),
    )
    done = run(live)
    assert set(range(50, 100)) <= set(numbers(done))
    assert max(numbers(done)) <= 200
    assert [r.query for r in live.fake.requests if r.query].count(queries.NEWEST) == 4
    assert done.marks == {}


def test_a_resumed_walk_is_not_begun_again() -> None:
    hub = hub_with(3, "acme/ants", "acme/bees")
    done = run(live_of(hub, resumed=[("pulls", "1")]))
    assert [ask.part for ask in done.asks if ask.stream == "pulls"] == ["2"]


def test_a_repository_that_is_gone_is_passed_on_as_a_note() -> None:
    hub = hub_with(3)
    hub.before = lambda request: (
        Sent({"data": {"node": None}, "errors": [{"type": "NOT_FOUND", "message": "no node"}]})
        if request.query
        else None
    )
    done = run(live_of(hub))
    assert "repository 1 is not there any more" in done.notes
    assert done.marks == {}


@pytest.mark.parametrize("length", [1, 2, 3, 7])
def test_pages_that_go_in_a_circle_are_noticed(length: int) -> None:
    hub = hub_with(1)
    asked: list[int] = []

    def circle(request: Request) -> Sent | None:
        if not request.query:
            return None
        asked.append(1)
        rows = connection([pull(1, minute(1))], f"cursor {len(asked) % length}")
        node = {"id": "R_1", "databaseId": 1, "nameWithOwner": "acme/ants", "pullRequests": rows}
        return Sent({"data": {"node": node}})

    hub.before = circle
    with pytest.raises(PermanentError, match=r"same page again|no place to go on"):
        run(live_of(hub))
    assert len(asked) <= 4 * length + 4


def refuse_cursors(hub: Hub, times: int) -> None:
    """Let the hub refuse the next cursors it is asked with."""
    left = [times]

    def refuse(request: Request) -> Sent | None:
        if not request.query or request.variables.get("after") is None or not left[0]:
            return None
        left[0] -= 1
        error = {"type": "INVALID_CURSOR_ARGUMENTS", "message": "no valid cursor"}
        return Sent({"data": {"node": None}, "errors": [error]})

    hub.before = refuse


def test_a_walk_whose_cursor_is_refused_begins_anew() -> None:
    hub = hub_with(120)
    refuse_cursors(hub, 2)
    done = run(live_of(hub))
    assert set(numbers(done)) == set(range(1, 121))
    assert done.marks == mark(minute(120))
    assert len([note for note in done.notes if "begins anew" in note]) == 2


def test_a_walk_whose_every_cursor_is_refused_gives_up() -> None:
    hub = hub_with(120)
    refuse_cursors(hub, 99)
    with pytest.raises(PermanentError, match="refuses the places that it gave"):
        run(live_of(hub))


NESTED = {
    "commits": ("pull_commits", {"commit": {"oid": "a" * 40, "message": "Dig"}}),
    "reviews": ("reviews", {"fullDatabaseId": "7", "state": "APPROVED"}),
    "comments": ("issue_comments", {"fullDatabaseId": "8", "body": "Nice"}),
    "reviewThreads": (
        "review_comments",
        {"id": "T_1", "comments": connection([{"fullDatabaseId": "9", "body": "Too deep"}])},
    ),
}


@pytest.mark.parametrize("name", NESTED)
def test_what_does_not_fit_into_a_pull_request_is_read_cursor_after_cursor(name: str) -> None:
    stream, node = NESTED[name]
    hub = hub_with(1)
    hub.pulls["R_1"][0][name] = connection([node], "first")
    cursors = {"first": "second", "second": None}

    def more(request: Request) -> Sent | None:
        if request.query != queries.NESTED[name]:
            return None
        cursor = cursors[request.variables["after"]]
        whole = {"number": 1, "repository": {"nameWithOwner": "acme/ants"}}
        return Sent({"data": {"node": {**whole, name: connection([node], cursor)}}})

    hub.before = more
    done = run(live_of(hub))
    found = [page for page in done.pages if page.stream == stream]
    assert len(found) == 2
    assert {ask.part for ask in done.asks if ask.stream == stream} == {"1"}
    tables = {"pull_commits": "pull_request_commits", "reviews": "reviews"}
    drafts = [
        draft
        for draft in done.values(stream, object, "__class__")
        if draft.table == tables.get(stream, "comments")
    ]
    assert len(drafts) == 2


def test_a_nested_page_whose_cursor_is_refused_is_read_from_the_beginning() -> None:
    hub = hub_with(1)
    hub.pulls["R_1"][0]["commits"] = connection([NESTED["commits"][1]], "old")

    def more(request: Request) -> Sent | None:
        if request.query != queries.NESTED["commits"]:
            return None
        if request.variables["after"] == "old":
            return Sent({"errors": [{"message": "`old` does not appear to be a valid cursor."}]})
        whole = {"number": 1, "repository": {"nameWithOwner": "acme/ants"}}
        return Sent({"data": {"node": {**whole, "commits": connection([NESTED["commits"][1]])}}})

    hub.before = more
    assert run(live_of(hub)).values("pull_commits", CommitDraft, "sha") == ["a" * 40]


def test_a_long_thread_is_read_to_its_end_and_knows_its_pull_request() -> None:
    hub = hub_with(1)
    comment = {"fullDatabaseId": "9", "body": "Too deep"}
    thread = {"id": "T_1", "comments": connection([comment], "more")}
    hub.pulls["R_1"][0]["reviewThreads"] = connection([thread])

    def more(request: Request) -> Sent | None:
        if request.query != queries.NESTED["threadComments"]:
            return None
        assert request.variables == {"id": "T_1", "first": 100, "after": "more"}
        owner = {"number": 1, "repository": {"nameWithOwner": "acme/ants"}}
        comments = connection([{**comment, "fullDatabaseId": "10"}])
        return Sent({"data": {"node": {"pullRequest": owner, "comments": comments}}})

    hub.before = more
    done = run(live_of(hub))
    [page] = [page for page in done.pages if page.stream == "review_comments"]
    assert done.values("review_comments", object, "repository") == ["acme/ants"]
    assert done.values("review_comments", object, "kind") == ["review"]
    assert page.is_data


def test_a_pull_request_that_changes_has_its_nested_pages_read_anew() -> None:
    hub = hub_with(3)
    newest = hub.pulls["R_1"][2]
    newest["commits"] = connection([NESTED["commits"][1]], "first")

    def answer(request: Request) -> Sent | None:
        if len(sizes(live)) == 2:
            newest["updatedAt"] = "2024-05-31T00:00:00Z"
        if request.query != queries.NESTED["commits"]:
            return None
        whole = {"number": 3, "repository": {"nameWithOwner": "acme/ants"}}
        return Sent({"data": {"node": {**whole, "commits": connection([NESTED["commits"][1]])}}})

    hub.before = answer
    live = live_of(hub, page_size=1)
    done = run(live)
    assert done.values("pull_commits", CommitDraft, "pull_request_number") == [3, 3]
