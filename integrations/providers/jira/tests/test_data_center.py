"""Data Center: rows that shift while they are read, and totals that are no promise."""

from typing import Any

import pytest

from common.errors import PermanentError, TransientError

from ..connector import connector
from ..settings import JiraSettings
from .fake_jira import FakeJira, Item
from .fake_site import Done, FakeLive, FakeSite, Reply, Request, run

MINUTE = 60_000
T = 1_760_000_000_000


def walked(jira: FakeJira) -> tuple[Done, FakeSite]:
    site = FakeSite(jira)
    live = FakeLive(site, JiraSettings(flavour="datacenter", page_size=4))
    return run(connector.begin(live), live), site


def jira_of(count: int, *hooks: Any) -> FakeJira:
    return FakeJira([Item(n, T + n * MINUTE) for n in range(1, count + 1)], hooks=list(hooks))


def is_second_page(request: Request) -> bool:
    return bool(request.params.get("expand")) and request.params["startAt"] > 0


def test_pages_overlap_by_one_row_and_end_at_the_total() -> None:
    done, site = walked(jira_of(10))
    assert set(done.ids()) == {str(n) for n in range(1, 11)}
    starts = [p["startAt"] for p in site.asked("POST search") if p.get("expand")]
    assert starts == [0, 3, 6]
    assert done.mark_of("10") == T + 10 * MINUTE
    assert {r.path.partition("/2/")[0] for r in site.requests if "rest/api" in r.path} == {
        "rest/api"
    }


def test_rows_that_shift_up_are_noticed_and_none_is_passed_over() -> None:
    jira = jira_of(12)
    edited: list[int] = []

    def edit(request: Request) -> None:
        if is_second_page(request) and not edited:
            edited.append(1)
            jira.items[0].updated = T + 100 * MINUTE

    jira.hooks.append(edit)
    done, _ = walked(jira)
    assert set(done.ids()) == {str(n) for n in range(1, 13)}
    assert done.ids().count("1") == 2
    assert any("Rows shifted" in note for note in done.notes)


def test_a_total_that_shrinks_loses_nothing() -> None:
    jira = jira_of(9)
    removed: list[Item] = []

    def remove(request: Request) -> None:
        if is_second_page(request) and not removed:
            removed.extend(jira.items[:3])
            del jira.items[:3]

    jira.hooks.append(remove)
    done, _ = walked(jira)
    assert set(done.ids()) == {str(n) for n in range(1, 10)}


def test_rows_that_never_come_are_an_error() -> None:
    def forget(request: Request) -> Reply | None:
        return (
            Reply({"issues": [], "total": 99, "startAt": 0})
            if request.params.get("expand")
            else None
        )

    with pytest.raises(PermanentError, match="search issues: POST /rest/api/2/search gives no row"):
        walked(jira_of(3, forget))


def test_a_start_that_is_ignored_ends_in_an_error() -> None:
    def ignore(request: Request) -> None:
        if request.params.get("expand"):
            request.params["startAt"] = 0

    jira = FakeJira([Item(n, T) for n in range(9)], hooks=[ignore])
    with pytest.raises(PermanentError, match="shifts its rows whenever they are read"):
        walked(jira)


def test_histories_come_whole_with_the_items() -> None:
    jira = FakeJira([Item(1, T, histories=60)], embedded=60)
    done, site = walked(jira)
    assert done.ids("changelogs") == []
    assert not site.asked("POST changelog/bulkfetch")


@pytest.mark.parametrize("status", [400, 404])
def test_a_session_that_expired_is_asked_again(status: int) -> None:
    reply = Reply({"errorMessages": ["no"]}, status, {"x-ausername": "anonymous"})
    jira = jira_of(3, lambda r: reply if r.params.get("expand") else None)
    with pytest.raises(TransientError, match="session expired"):
        walked(jira)
