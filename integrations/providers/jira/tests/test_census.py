"""The census and what follows: deleted, moved, not to be seen, late in the index, missing."""

from typing import Any

import pytest

from common.errors import PermanentError, UnreadableError
from integrations.contract import DELETED, MOVED, NOT_VISIBLE, Difference, Gone

from ..connector import connector
from ..settings import JiraSettings
from .fake_jira import FakeJira, Item
from .fake_site import Done, FakeLive, FakeSite, Reply, Request, run

T = 1_760_000_000_000


def live_of(jira: FakeJira, loaded: list[str] | None = None, **settings: Any) -> FakeLive:
    known = {"projects": loaded or []}
    return FakeLive(FakeSite(jira), JiraSettings(**settings), loaded=known)


def census(live: FakeLive) -> Done:
    return run(connector.census(live), live)


def reconciled(live: FakeLive, missing: tuple[str, ...] = (), extra: tuple[str, ...] = ()) -> Done:
    found = Difference(table="work_items", part="10", missing=list(missing), extra=list(extra))
    return run(connector.reconcile(found, live), live)


@pytest.mark.parametrize("flavour", ["cloud", "datacenter"])
def test_the_ids_of_each_project_are_counted_page_by_page(
    flavour: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.providers.jira.census._IDS_A_PAGE", 2)
    monkeypatch.setattr("integrations.providers.jira.census._IDS_A_PAGE_OF_ROWS", 2)
    jira = FakeJira([Item(n, T) for n in range(1, 6)], {"10": "P10", "20": "P20", "30": "P30"})
    done = census(live_of(jira, flavour=flavour))
    of_ten = [seen for seen in done.seen if seen.part == "10"]
    assert [seen.ids for seen in of_ten] == [["1", "2"], ["3", "4"], ["5"]]
    assert [seen.is_last for seen in of_ten] == [False, False, True]
    assert {seen.part for seen in done.seen if seen.is_last} == {"10", "20", "30"}
    assert {seen.table for seen in done.seen} == {"work_items"}
    assert done.pages == []


def test_what_changed_while_a_project_was_first_walked_comes_with_the_census() -> None:
    jira = FakeJira([Item(1, T), Item(2, T + 10**6), Item(3, T, "20")], {"10": "P10", "20": "P20"})
    live = live_of(jira, lookback_minutes=0)
    live.marks, live.just_walked = {"10": T + 1}, True
    done = census(live)
    assert done.ids() == ["2"]
    assert not {ask.stream for ask in done.asks} & {"sprints", "statuses"}
    assert [mark.value for mark in done.marks] == [{"updated": T + 10**6}]
    live.just_walked = False
    assert census(live).ids() == []


def test_the_census_asks_for_nothing_but_ids_by_the_filter_of_the_walks() -> None:
    live = live_of(FakeJira([]), jql="labels = a")
    site = live.site
    assert isinstance(site, FakeSite)
    jira: Any = site.reply_to
    jira.hooks.append(lambda r: Reply({"issues": []}) if r.name == "POST search/jql" else None)
    census(live)
    (payload,) = site.asked("POST search/jql")
    assert payload["fields"] == ["id"]
    assert payload["jql"] == "project = 10 AND (labels = a) ORDER BY key ASC"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply({"errorMessages": ["token"]}, 400), PermanentError),
        (Reply(b'{"issues": [{"id": "3"}'), UnreadableError),
        (Reply({"issues": [{"key": "without id"}]}), UnreadableError),
    ],
)
def test_a_census_that_breaks_off_is_none(
    reply: Reply, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.providers.jira.census._IDS_A_PAGE", 2)
    jira = FakeJira([Item(n, T) for n in range(1, 6)])
    jira.hooks.append(lambda r: reply if r.params.get("nextPageToken") else None)
    with pytest.raises(error):
        census(live_of(jira))


def test_a_project_that_vanished_meanwhile_has_no_census() -> None:
    jira = FakeJira([Item(1, T)], {"10": "P10", "20": "P20"})

    def vanish(request: Request) -> None:
        if request.name == "POST search/jql":
            jira.projects.pop("10", None)

    jira.hooks.append(vanish)
    done = census(live_of(jira))
    assert [seen.part for seen in done.seen] == ["20"]
    assert done.gone == []


def test_a_loaded_project_that_is_not_listed_takes_its_items_along() -> None:
    done = census(live_of(FakeJira([]), loaded=["10", "99"]))
    assert done.gone == [
        Gone(table="projects", reason=NOT_VISIBLE, ids=["99"]),
        Gone(table="work_items", reason=NOT_VISIBLE, part="99"),
    ]


def test_a_project_that_was_archived_is_not_visible() -> None:
    jira = FakeJira([Item(1, T)], archived={"10"})
    done = census(live_of(jira, loaded=["10"]))
    assert {(gone.table, gone.reason) for gone in done.gone} == {
        ("projects", NOT_VISIBLE),
        ("work_items", NOT_VISIBLE),
    }


def test_a_project_in_the_trash_is_deleted() -> None:
    jira = FakeJira([])

    def trash(request: Request) -> Reply | None:
        is_trash = request.params.get("status") == "deleted"
        return Reply({"values": [{"id": "99"}]}) if is_trash else None

    jira.hooks.append(trash)
    assert {gone.reason for gone in census(live_of(jira, loaded=["99"])).gone} == {DELETED}


def test_a_project_that_is_not_chosen_any_more_but_there_is_left_alone() -> None:
    jira = FakeJira([], {"10": "P10", "99": "P99"})
    assert census(live_of(jira, loaded=["10", "99"], projects="P10")).gone == []


def test_no_project_is_lost_to_somebody_who_is_signed_out() -> None:
    jira = FakeJira([], {})
    jira.hooks.append(lambda r: Reply({}, 401) if r.name == "GET myself" else None)
    with pytest.raises(PermanentError, match="sign in: GET /rest/api/3/myself answered 401"):
        census(live_of(jira, loaded=["10"]))


def test_an_item_that_is_nowhere_is_deleted() -> None:
    jira = FakeJira([Item(1, T)])
    done = reconciled(live_of(jira), extra=("1", "2"))
    assert done.gone == [Gone(table="work_items", reason=DELETED, ids=["2"], part="10")]


def test_an_item_that_may_not_be_seen_is_not_visible() -> None:
    jira = FakeJira([])
    jira.hooks.append(lambda r: Reply({}, 403) if r.name == "GET issue/2" else None)
    done = reconciled(live_of(jira), extra=("2",))
    assert done.gone == [Gone(table="work_items", reason=NOT_VISIBLE, ids=["2"], part="10")]


def test_an_item_that_the_index_does_not_show_yet_is_left_alone() -> None:
    jira = FakeJira([Item(1, T, is_indexed=False)])
    assert reconciled(live_of(jira), extra=("1",)).gone == []


def test_an_item_that_moved_to_a_loaded_project_is_fetched_there() -> None:
    jira = FakeJira([Item(1, T, "20")], {"10": "P10", "20": "P20"})
    done = reconciled(live_of(jira), extra=("1",))
    assert done.gone == []
    assert done.ids() == ["1"]
    assert done.asks[-1].part == "20"


def test_an_item_that_moved_to_another_project_is_moved() -> None:
    jira = FakeJira([Item(1, T, "20")], {"10": "P10", "20": "P20"})
    done = reconciled(live_of(jira, projects="P10"), extra=("1",))
    assert done.gone == [Gone(table="work_items", reason=MOVED, ids=["1"], part="10")]
    assert done.ids() == []


def test_items_of_a_project_that_is_lost_itself_are_not_called_deleted() -> None:
    done = reconciled(live_of(FakeJira([], {"20": "P20"})), extra=("1",))
    assert done.gone == []
    assert any("project 10" in note for note in done.notes)


def test_what_is_missing_is_fetched_with_its_fields_and_its_whole_history() -> None:
    jira = FakeJira([Item(n, T, histories=3) for n in range(1, 251)], embedded=1)
    live = live_of(jira)
    done = reconciled(live, missing=tuple(str(n) for n in range(1, 252)))
    assert set(done.ids()) == {str(n) for n in range(1, 251)}
    assert set(done.ids("changelogs")) == set(done.ids())
    assert isinstance(live.site, FakeSite)
    asked = live.site.asked("POST issue/bulkfetch")
    assert [len(payload["issueIdsOrKeys"]) for payload in asked] == [100, 100, 51]
    assert "customfield_20" in asked[0]["fields"]


def test_data_center_is_asked_by_search() -> None:
    jira = FakeJira([Item(1, T), Item(2, T, is_indexed=True)])
    live = live_of(jira, flavour="datacenter")
    done = reconciled(live, missing=("1",), extra=("2", "3"))
    assert done.ids() == ["1"]
    assert [gone.ids for gone in done.gone] == [["3"]]


def test_data_center_that_refuses_unknown_ids_costs_only_those() -> None:
    jira = FakeJira([Item(n, T) for n in range(1, 9) if n != 5])

    def refuse(request: Request) -> Reply | None:
        is_named = request.name == "POST search" and "5" in request.params["jql"]
        return (
            Reply({"errorMessages": ["A value with ID '5' does not exist."]}, 400)
            if is_named
            else None
        )

    jira.hooks.append(refuse)
    every = tuple(str(n) for n in range(1, 9))
    live = live_of(jira, flavour="datacenter")
    assert set(reconciled(live, missing=every).ids()) == set(every) - {"5"}
    assert [gone.ids for gone in reconciled(live, extra=every).gone] == [["5"]]


def test_nothing_follows_from_the_difference_of_another_table() -> None:
    found = Difference(table="projects", part="", missing=["1"], extra=["2"])
    assert connector.reconcile(found, live_of(FakeJira([]))) == []
