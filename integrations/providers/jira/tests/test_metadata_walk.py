"""Projects, boards and sprints: all that are visible, or those that are chosen."""

from typing import Any

import pytest

from common.errors import PermanentError

from ..connector import connector
from ..fields import asked_fields, packed
from ..settings import JiraSettings
from .fake_jira import FakeJira, Item
from .fake_site import Done, FakeLive, FakeSite, Reply, Request, run

T = 1_760_000_000_000


def walked(jira: FakeJira, loaded: list[str] | None = None, **settings: Any) -> Done:
    live = FakeLive(FakeSite(jira), JiraSettings(**settings), loaded={"projects": loaded or []})
    return run(connector.begin(live), live)


def test_chosen_projects_are_found_by_key_and_by_id_and_no_other_is_loaded() -> None:
    jira = FakeJira(
        [Item(1, T), Item(2, T, "20"), Item(3, T, "30")], {"10": "P10", "20": "P20", "30": "P30"}
    )
    done = walked(jira, projects="P10, 30,P10")
    assert done.ids("projects") == ["10", "30"]
    assert sorted(done.ids()) == ["1", "3"]


def test_many_chosen_projects_are_found_in_several_steps() -> None:
    names = {str(n): f"P{n}" for n in range(100, 150)}
    done = walked(FakeJira([], names), projects=",".join(names.values()))
    assert len(done.ids("projects")) == 50


def test_an_unknown_project_names_the_setting_and_the_request() -> None:
    told = r"find project NOPE: GET /rest/api/3/project/NOPE answered 404.*setting `projects`"
    with pytest.raises(PermanentError, match=told):
        walked(FakeJira([]), projects="P10,NOPE")


def test_a_chosen_project_that_was_loaded_and_is_gone_does_not_stop_the_others() -> None:
    done = walked(FakeJira([Item(1, T)]), loaded=["10", "99"], projects="P10,P99")
    assert done.ids() == ["1"]


def test_a_chosen_project_that_was_archived_does_not_stop_the_others() -> None:
    jira = FakeJira([Item(1, T), Item(2, T, "20")], {"10": "P10", "20": "P20"}, archived={"10"})
    done = walked(jira, projects="P10,P20")
    assert (done.ids("projects"), done.ids()) == (["20"], ["2"])


def boards(*of_projects: int | None) -> list[dict[str, Any]]:
    return [
        {"id": n, "type": "scrum"} | ({"location": {"projectId": project}} if project else {})
        for n, project in enumerate(of_projects)
    ]


def with_boards(found: list[dict[str, Any]], refusing: int | None = None) -> FakeJira:
    jira = FakeJira([], {"10": "P10", "20": "P20"})

    def agile(request: Request) -> Reply | None:
        start = int(request.params.get("startAt", 0))
        if request.path == "rest/agile/1.0/board":
            page = found[start : start + 2]
            return Reply({"values": page, "isLast": start + 2 >= len(found)})
        if request.path.startswith("rest/agile/1.0/board/"):
            board = int(request.path.split("/")[4])
            if board == refusing:
                return Reply({"errorMessages": ["The board does not support sprints"]}, 400)
            sprints = [{"id": board * 10 + n, "name": "S"} for n in range(3)]
            return Reply({"values": sprints[start : start + 2], "total": 3})
        return None

    jira.hooks.append(agile)
    return jira


def sprints_of(done: Done) -> list[int]:
    return sorted(int(each) for each in done.ids("sprints"))


def test_the_sprints_of_all_boards_are_loaded_to_the_end() -> None:
    done = walked(with_boards(boards(10, 20, None)))
    assert sprints_of(done) == [0, 1, 2, 10, 11, 12, 20, 21, 22]


def test_a_board_without_sprints_is_passed_over_with_a_note() -> None:
    done = walked(with_boards(boards(10, 20), refusing=0))
    assert sprints_of(done) == [10, 11, 12]
    assert any("board 0" in note and "does not support sprints" in note for note in done.notes)


def test_boards_of_projects_that_are_not_chosen_are_not_asked() -> None:
    done = walked(with_boards(boards(10, 20, None)), projects="P10")
    assert sprints_of(done) == [0, 1, 2, 20, 21, 22]


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_site_that_hides_its_boards_is_loaded_without_sprints(status: int) -> None:
    jira = FakeJira([Item(1, T)])
    jira.hooks.append(lambda r: Reply({}, status) if "agile" in r.path else None)
    done = walked(jira)
    assert done.ids() == ["1"]
    assert any("No sprints" in note for note in done.notes)


def test_sprints_can_be_left_out() -> None:
    done = walked(with_boards(boards(10)), sprints=False)
    assert done.ids("sprints") == []


def test_custom_fields_are_carried_as_ranges() -> None:
    ids = [
        "customfield_12",
        "summary",
        "customfield_10",
        "customfield_11",
        "customfield_7",
        "customfield_x",
        "customfield_" + "9" * 5000,
    ]
    assert packed(ids) == "7,10-12"
    assert asked_fields(packed(ids))[-4:] == [f"customfield_{n}" for n in (7, 10, 11, 12)]
    assert not [name for name in asked_fields("") if name.startswith("customfield_")]
