"""Workflow runs are read by windows of time that are small enough to be given whole."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from common.errors import PermanentError
from integrations.providers.github.tests.hub import API, FakeLive, Hub, Request, Run, Sent, ms, run

BORN = datetime(2020, 1, 1, tzinfo=UTC)


class Actions:
    """Runs that are served as GitHub does: filtered, newest first, a thousand at most."""

    def __init__(self, *created: str) -> None:
        self.hub = Hub("acme/ants")
        self.created = sorted(created, reverse=True)
        self.hub.before = self._answer
        self.refused: Callable[[Request], Sent | None] = lambda request: None
        self.windows: list[str] = []

    def _answer(self, request: Request) -> Sent | None:
        if "/actions/" not in request.path:
            return None
        if early := self.refused(request):
            return early
        window = request.params["created"]
        since, _, until = window.removeprefix(">=").partition("..")
        found = [at for at in self.created if since <= at <= (until or "9")]
        page = int(request.params.get("page", "1"))
        if page == 1:
            self.windows.append(window)
        rows = [{"id": 1, "created_at": at} for at in found[:1000][page * 100 - 100 : page * 100]]
        link = f'<{API}{request.path}?created={quote(window)}&page={page + 1}>; rel="next"'
        is_more = len(found[:1000]) > page * 100
        headers = {"link": link} if is_more else {}
        return Sent({"total_count": len(found), "workflow_runs": rows}, headers=headers)


def walk(actions: Actions, marks: Any = None, **more: Any) -> Run:
    live = FakeLive(actions.hub, marks, repositories="acme/*", workflow_runs=True, **more)
    return run(live)


def times(done: Run) -> list[str]:
    return [
        row["created_at"]
        for page in done.pages
        if page.stream == "workflow_runs" and page.is_data
        for row in json.loads(page.answer.body)["workflow_runs"]
    ]


def at(minutes: int) -> str:
    return (BORN + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_first_walk_begins_with_the_repository_and_gives_the_newest_as_its_mark() -> None:
    actions = Actions(*[at(n) for n in range(250)])
    done = walk(actions)
    assert sorted(times(done)) == [at(n) for n in range(250)]
    assert actions.windows == [">=2020-01-01T00:00:00Z"]
    assert done.marks["workflow_runs", "1"] == {"created": ms(at(249))}


def test_the_last_days_are_read_again_for_what_was_run_again() -> None:
    actions = Actions("2024-05-01T00:00:00Z")
    marks = {("workflow_runs", "1"): {"created": ms("2024-05-01T00:00:00Z")}}
    done = walk(actions, marks, runs_days=30)
    assert actions.windows == [">=2024-04-01T00:00:00Z"]
    assert done.marks["workflow_runs", "1"] == {"created": ms("2024-05-01T00:00:00Z")}


def test_more_than_a_thousand_runs_are_read_in_smaller_windows() -> None:
    actions = Actions(*[at(n * 7) for n in range(2500)])
    done = walk(actions)
    assert sorted(times(done)) == [at(n * 7) for n in range(2500)]
    assert done.marks["workflow_runs", "1"] == {"created": ms(at(2499 * 7))}
    assert len(actions.windows) > 3


def test_a_minute_with_more_than_a_thousand_runs_is_read_as_far_as_it_goes() -> None:
    actions = Actions(*[at(0)] * 1001)
    done = walk(actions)
    assert len(times(done)) == 1000
    assert any("1001 workflow runs in the minute" in note for note in done.notes)


def test_runs_from_before_the_start_date_are_left_out() -> None:
    actions = Actions()
    walk(actions, start_date="2024-02-01")
    assert actions.windows == [">=2024-02-01T00:00:00Z"]


def test_a_backfill_reads_its_window_and_leaves_the_mark() -> None:
    actions = Actions(at(5), at(50))
    done = walk(actions, mode="backfill", since=BORN, until=BORN + timedelta(minutes=10))
    assert actions.windows == [f"{at(0)}..{at(10)}"]
    assert times(done) == [at(5)]
    assert done.marks == {}


@pytest.mark.parametrize("status", [404, 410])
def test_a_repository_without_actions_is_noted(status: int) -> None:
    actions = Actions()
    actions.refused = lambda request: Sent({"message": "no"}, status)
    assert "repository 1 has no workflow runs: Actions is off" in walk(actions).notes


def test_missing_rights_are_said() -> None:
    actions = Actions()
    actions.refused = lambda request: Sent({"message": "Must have actions scope"}, 403)
    with pytest.raises(PermanentError, match=r"actions/runs.*actions of these repositories"):
        walk(actions)


def test_a_next_page_that_is_the_same_is_noticed() -> None:
    actions = Actions()
    link = f'<{API}/repositories/1/actions/runs?page=2>; rel="next"'
    actions.refused = lambda request: Sent(
        {"total_count": 9, "workflow_runs": []}, headers={"link": link}
    )
    with pytest.raises(PermanentError, match="same page again"):
        walk(actions)
