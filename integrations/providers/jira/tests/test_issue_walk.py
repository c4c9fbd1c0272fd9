"""Walks of issues by token: which are asked for, in which order, and how far the marks move."""

import json
from datetime import timedelta
from typing import Any

import pytest

from common.errors import PermanentError, RecordError, TransientError
from integrations.contract import WorkItemDraft

from ..connector import connector
from ..settings import JiraSettings
from .fake_jira import FakeJira, Item
from .fake_site import NOW, FakeLive, FakeSite, Reply, Request, do, run
from .samples import drafts

MINUTE = 60_000
T = 1_760_000_000_000
NOW_MS = int(NOW.timestamp() * 1000)


def items(count: int, project: str = "10", first: int = 1) -> list[Item]:
    return [
        Item(n, T + n * MINUTE, project, T - (count - n) * 1000)
        for n in range(first, first + count)
    ]


def live(jira: FakeJira, **members: Any) -> FakeLive:
    settings = members.pop("settings", {})
    return FakeLive(FakeSite(jira), JiraSettings(**{"page_size": 3} | settings), **members)


def site_of(made: FakeLive) -> FakeSite:
    assert isinstance(made.site, FakeSite)
    return made.site


def test_a_first_run_loads_everything_once() -> None:
    jira = FakeJira(items(10) + items(4, "20", 101), {"10": "P10", "20": "P20", "30": "P30"})
    done = run(connector.begin(live(jira)), live(jira))
    assert sorted(done.ids(), key=int) == [str(n) for n in (*range(1, 11), *range(101, 105))]
    assert done.ids("projects") == ["10", "20", "30"]
    assert (done.ids("issue_types"), done.ids("statuses")) == (["1"], ["3"])


def test_a_first_run_marks_each_project_with_the_newest_update_there_was() -> None:
    jira = FakeJira(items(5) + items(2, "20", 101), {"10": "P10", "20": "P20"})
    done = run(connector.begin(live(jira)), live(jira))
    assert done.mark_of("10") == done.mark_of("20") == T + 102 * MINUTE


def test_only_the_marks_of_whole_walks_say_that_they_are_the_first() -> None:
    jira = FakeJira(items(3) + items(2, "20", 101), {"10": "P10", "20": "P20"})
    made = live(jira, marks={"10": T})
    done = run(connector.begin(made), made)
    assert {mark.part: mark.value.get("is_first", False) for mark in done.marks} == {
        "10": False,
        "20": True,
    }


def test_a_site_without_items_is_marked_with_the_time_at_the_source() -> None:
    jira = FakeJira([])
    assert run(connector.begin(live(jira)), live(jira)).mark_of("10") == NOW_MS


def test_no_mark_is_later_than_the_time_at_the_source() -> None:
    jira = FakeJira([Item(1, NOW_MS + 10**12)])
    assert run(connector.begin(live(jira)), live(jira)).mark_of("10") == NOW_MS
    again = live(jira, marks={"10": NOW_MS - MINUTE})
    assert run(connector.begin(again), again).mark_of("10") == NOW_MS


def test_the_fields_that_are_read_and_every_custom_field_are_asked_for_by_name() -> None:
    made = live(FakeJira(items(2)))
    run(connector.begin(made), made)
    (payload,) = [p for p in site_of(made).asked("POST search/jql") if "expand" in p]
    wanted = {"summary", "status", "created", "updated", "sprint", "closedSprints", "epic"}
    assert wanted <= set(payload["fields"])
    assert {"customfield_10", "customfield_11", "customfield_20"} <= set(payload["fields"])
    assert "customfield_12" not in payload["fields"]
    assert payload["expand"] == "changelog"


def test_what_changed_in_all_projects_is_one_query_from_their_marks_less_the_lookback() -> None:
    jira = FakeJira(items(9) + items(3, "20", 101), {"10": "P10", "20": "P20"})
    made = live(
        jira,
        marks={"10": T + 9 * MINUTE, "20": T + 103 * MINUTE},
        settings={"lookback_minutes": 2, "page_size": 100},
    )
    done = run(connector.begin(made), made)
    (payload,) = site_of(made).asked("POST search/jql")
    assert payload["jql"] == (
        f"((project = 10 AND updated >= {T + 7 * MINUTE}) OR "
        f"(project = 20 AND updated >= {T + 101 * MINUTE})) ORDER BY updated ASC, key ASC"
    )
    assert sorted(done.ids(), key=int) == ["7", "8", "9", "101", "102", "103"]
    assert not site_of(made).asked("POST search/approximate-count")


def test_the_marks_of_a_run_are_the_greatest_update_it_saw() -> None:
    jira = FakeJira(items(9))
    made = live(jira, marks={"10": T + 4 * MINUTE})
    assert run(connector.begin(made), made).mark_of("10") == T + 9 * MINUTE


def test_a_mark_never_goes_back() -> None:
    jira = FakeJira(items(3))
    made = live(jira, marks={"10": T + 5 * MINUTE})
    assert run(connector.begin(made), made).mark_of("10") == T + 5 * MINUTE


def test_marks_that_differ_meet_at_the_later_one() -> None:
    jira = FakeJira(items(1), {"10": "P10", "20": "P20"})
    made = live(jira, marks={"10": T + 5 * MINUTE, "20": T + 8 * MINUTE})
    done = run(connector.begin(made), made)
    assert done.mark_of("10") == done.mark_of("20") == T + 8 * MINUTE


def test_a_project_that_is_added_is_walked_whole_beside_the_changes_of_the_others() -> None:
    jira = FakeJira(items(3) + items(3, "20", 101), {"10": "P10", "20": "P20"})
    made = live(jira, marks={"10": T + 3 * MINUTE}, settings={"lookback_minutes": 0})
    done = run(connector.begin(made), made)
    assert sorted(done.ids(), key=int) == ["3", "101", "102", "103"]


def test_a_full_run_walks_every_project_whole_whatever_its_mark() -> None:
    jira = FakeJira(items(5))
    made = live(jira, marks={"10": T + 5 * MINUTE}, mode="full")
    assert len(run(connector.begin(made), made).ids()) == 5


def test_a_backfill_loads_its_window_of_updates_and_leaves_the_marks_alone() -> None:
    jira = FakeJira([Item(1, NOW_MS - 3 * MINUTE), Item(2, NOW_MS - 2 * MINUTE), Item(3, NOW_MS)])
    made = live(jira, mode="backfill", since=NOW - timedelta(minutes=3), until=NOW)
    done = run(connector.begin(made), made)
    assert done.ids() == ["1", "2"]
    assert done.marks == []


def test_the_filter_of_the_settings_stands_in_parentheses() -> None:
    jira = FakeJira(items(3))
    jira.hooks.append(lambda r: Reply({"issues": []}) if r.name == "POST search/jql" else None)
    made = live(jira, marks={"10": T}, settings={"jql": "labels = a OR labels = b"})
    run(connector.begin(made), made)
    assert (
        "AND (labels = a OR labels = b) ORDER BY"
        in site_of(made).asked("POST search/jql")[0]["jql"]
    )


def test_an_item_that_is_edited_while_it_is_walked_comes_again() -> None:
    jira = FakeJira(items(6))

    def edit(request: Request) -> None:
        if request.params.get("nextPageToken"):
            jira.items[0].updated = T + 100 * MINUTE

    jira.hooks.append(edit)
    done = run(connector.begin(live(jira)), live(jira))
    assert done.ids() == ["1", "2", "3", "4", "5", "6", "1"]


def only_pages(*bodies: dict[str, Any]) -> FakeJira:
    """Return a Jira whose search for items gives these pages in turn."""
    jira, left = FakeJira([]), list(bodies)
    jira.hooks.append(lambda r: Reply(left.pop(0)) if r.params.get("expand") else None)
    return jira


def page(*numbers: int, token: str = "", **members: Any) -> dict[str, Any]:
    jira = FakeJira()
    found = [jira._entity(Item(n, T + n * MINUTE), ["changelog"]) for n in numbers]
    return {"issues": found} | ({"nextPageToken": token} if token else {}) | members


def test_an_empty_page_with_a_token_is_not_the_end() -> None:
    jira = only_pages(page(1, token="a"), page(token="b"), page(2))
    assert run(connector.begin(live(jira)), live(jira)).ids() == ["1", "2"]


@pytest.mark.parametrize("is_last", [True, False])
def test_the_end_is_where_no_token_is_whatever_is_last_says(is_last: bool) -> None:
    jira = only_pages(page(1, token="a", isLast=is_last), page(2, isLast=is_last))
    assert run(connector.begin(live(jira)), live(jira)).ids() == ["1", "2"]


@pytest.mark.parametrize("tokens", ["aa", "aba", "abca", "abcdefghijabcdefghij" * 3])
def test_tokens_that_go_in_a_circle_are_an_error(tokens: str) -> None:
    pages = [page(n + 1, token=token) for n, token in enumerate(tokens)]
    jira = only_pages(*pages)
    with pytest.raises(
        PermanentError, match=r"search issues: POST /rest/api/3/search/jql .*circle"
    ):
        run(connector.begin(live(jira)), live(jira))


def test_a_token_that_expired_costs_nothing_but_a_page_again() -> None:
    jira = FakeJira(items(9))
    expired: list[str] = []

    def expire(request: Request) -> None:
        token = request.params.get("nextPageToken")
        if token == "token-2" and not expired:
            expired.append(jira.tokens.pop(token) and token)

    jira.hooks.append(expire)
    made = live(jira)
    done = run(connector.begin(made), made)
    assert expired
    assert set(done.ids()) == {str(n) for n in range(1, 10)}
    assert len(done.ids()) <= 12
    assert done.mark_of("10") == T + 9 * MINUTE
    assert f"updated >= {T + 4 * MINUTE}" in site_of(made).asked("POST search/jql")[-1]["jql"]
    assert any("page token is invalid" in note for note in done.notes)


def test_tokens_that_all_expire_on_items_of_one_instant_end_in_an_error() -> None:
    jira = FakeJira([Item(n, T) for n in range(9)])
    jira.hooks.append(lambda r: jira.tokens.clear())
    with pytest.raises(PermanentError, match="page token is invalid"):
        run(connector.begin(live(jira)), live(jira))


def test_a_late_index_does_not_let_a_new_search_pass_items_over() -> None:
    """An item shows its new update where its old one puts it."""
    jira = only_pages(page(1, 99, token="a"))
    made = live(jira)
    asks = connector.begin(made)
    while (ask := asks.pop(0)).place["step"] != "split":
        asks += do(ask, made).following
    (following,) = do(ask, made).following
    jira.hooks = [lambda r: Reply({"errorMessages": ["expired"]}, 400)]
    (anew,) = do(following, made).following
    assert anew.place["since"] == T + MINUTE


def test_histories_that_are_cut_short_are_fetched_whole() -> None:
    jira = FakeJira([Item(1, T, histories=5), Item(2, T, histories=2)], embedded=2)
    done = run(connector.begin(live(jira)), live(jira))
    assert done.ids("changelogs") == ["1", "1", "1"]
    assert {ask.part for ask in done.asks if ask.stream == "changelogs"} == {"10"}


def test_histories_that_jira_refuses_cost_only_the_item_they_are_of() -> None:
    jira = FakeJira([Item(n, T, histories=3) for n in range(1, 6)], embedded=1)

    def refuse(request: Request) -> Reply | None:
        is_bad = "3" in request.params.get("issueIdsOrKeys", [])
        return Reply({"errorMessages": ["no such issue"]}, 400) if is_bad else None

    jira.hooks.append(refuse)
    done = run(connector.begin(live(jira)), live(jira))
    assert set(done.ids("changelogs")) == {"1", "2", "4", "5"}
    assert any("history of item 3" in note for note in done.notes)


def test_a_project_that_vanishes_between_two_steps_does_not_stop_the_others() -> None:
    jira = FakeJira(items(3) + items(3, "20", 101), {"10": "P10", "20": "P20"})

    def vanish(request: Request) -> None:
        if request.name == "GET field":
            del jira.projects["10"]

    jira.hooks.append(vanish)
    done = run(connector.begin(live(jira)), live(jira))
    assert sorted(done.ids()) == ["101", "102", "103"]
    assert done.mark_of("10") is None

    jira.projects["10"] = "P10"
    made = live(jira, marks={"10": T, "20": T})
    done = run(connector.begin(made), made)
    assert {"101", "102", "103"} <= set(done.ids())
    assert done.mark_of("10") is None


def test_a_project_that_is_archived_between_two_pages_ends_its_walk() -> None:
    jira = FakeJira(items(9))

    def archive(request: Request) -> None:
        if request.params.get("nextPageToken"):
            jira.archived.add("10")

    jira.hooks.append(archive)
    done = run(connector.begin(live(jira)), live(jira))
    assert done.ids() == ["1", "2", "3"]
    assert done.marks == []
    assert any("project 10" in note for note in done.notes)


def test_a_query_that_jira_refuses_says_why_and_names_the_settings() -> None:
    jira = FakeJira(items(3))
    told = {"errorMessages": ["Field 'colour' does not exist."]}
    jira.hooks.append(lambda r: Reply(told, 400) if r.params.get("expand") else None)
    with pytest.raises(PermanentError, match=r"'colour' does not exist.*settings.*`jql`"):
        run(connector.begin(live(jira)), live(jira))


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    jira = FakeJira(items(3))
    jira.hooks.append(
        lambda r: Reply(b'{"issues": [{"id": "1"') if r.params.get("expand") else None
    )
    with pytest.raises(TransientError, match="no JSON as expected"):
        run(connector.begin(live(jira)), live(jira))


def test_an_issue_that_cannot_be_read_does_not_stop_the_walk() -> None:
    broken = page(1)
    broken["issues"] += [7, None, {"id": [1]}, {"id": "2", "fields": {"updated": "yesterday"}}]
    jira = only_pages(broken)
    (kept,) = [
        p for p in run(connector.begin(live(jira)), live(jira)).pages if p.stream == "issues"
    ]
    assert len(json.loads(kept.answer.body)["issues"]) == 5


@pytest.mark.parametrize(
    "bad", [b"NaN", b'"\xff"', b'"no" "comma"', b"01", b"[" * 5000 + b"]" * 5000]
)
def test_an_issue_that_is_no_json_costs_only_itself(bad: bytes) -> None:
    jira = FakeJira(items(6))

    def spoil(request: Request) -> Reply | None:
        if not request.params.get("expand"):
            return None
        body = jira.search_by_token(request.params).body
        return Reply(body.replace(b'"Item 2"', bad))

    jira.hooks.append(spoil)
    done = run(connector.begin(live(jira)), live(jira))
    read, refused = [], list[int]()
    for page in done.pages:
        for record in connector.split(page.stream, page.answer.body):
            try:
                result = connector.normalize(page.stream, record, JiraSettings())
            except RecordError:
                refused.append(record.position)
                continue
            read += [draft.source_id for draft in drafts(result, WorkItemDraft)]
    assert (read, refused) == (["1", "3", "4", "5", "6"], [1])
    assert done.mark_of("10") == T + 6 * MINUTE


def test_the_others_on_a_page_with_an_issue_that_is_no_json_have_their_whole_history() -> None:
    jira = FakeJira([Item(n, T, histories=3) for n in (1, 2, 3)], embedded=1)

    def spoil(request: Request) -> Reply | None:
        if not request.params.get("expand"):
            return None
        body = jira.search_by_token(request.params).body
        return Reply(b"\xef\xbb\xbf" + body.replace(b'"Item 2"', b"NaN"))

    jira.hooks.append(spoil)
    done = run(connector.begin(live(jira)), live(jira))
    assert set(done.ids("changelogs")) == {"1", "3"}


def test_a_page_of_a_long_walk_is_carried_in_little_text() -> None:
    jira = FakeJira(items(400))
    done = run(connector.begin(live(jira)), live(jira))
    assert max(len(json.dumps(ask.place)) for ask in done.asks) < 800
