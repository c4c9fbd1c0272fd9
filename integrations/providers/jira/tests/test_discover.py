"""What a site has to choose from is given page by page, and no further than it is taken."""

from itertools import islice
from typing import Any

import pytest

from common.errors import LostPlaceError, PermanentError
from integrations.contract import Found

from ..connector import connector
from ..places import Boards, ask_at
from ..settings import JiraSettings
from .fake_jira import FakeJira
from .fake_site import FakeLive, FakeSite, Reply, Request


def live_of(jira: Any, **settings: Any) -> FakeLive:
    return FakeLive(FakeSite(jira), JiraSettings(**settings))


def found(jira: Any, slug: str, search: str = "", **settings: Any) -> list[Found]:
    return list(connector.discover(live_of(jira, **settings), slug, search))


def endless(request: Request) -> Reply:
    """A list of projects without an end."""
    start = int(request.params["startAt"])
    rows = [{"key": f"P{start + n}", "name": f"Project {start + n}"} for n in range(50)]
    return Reply({"values": rows, "isLast": False})


def test_projects_come_from_all_pages() -> None:
    jira = FakeJira(projects={str(n): f"P{n}" for n in range(5)})
    assert [each.value for each in found(jira, "projects")] == ["P0", "P1", "P2", "P3", "P4"]


def test_a_project_says_its_name_and_type_and_whether_it_is_archived() -> None:
    row = {"key": "WEB", "name": "Web shop", "projectTypeKey": "service_desk", "archived": True}
    (only,) = found(lambda _: Reply({"values": [row], "isLast": True}), "projects")
    assert only == Found(value="WEB", name="Web shop", detail="Service desk", marks=("archived",))


def test_the_site_searches_its_projects_itself() -> None:
    live = live_of(lambda _: Reply({"values": [], "isLast": True}))
    list(connector.discover(live, "projects", "web"))
    (request,) = live.site.requests  # type: ignore[attr-defined]
    assert request.params["query"] == "web"


def test_data_center_gives_its_projects_at_once() -> None:
    rows = [{"key": "A", "name": "Ants"}, {"key": "B"}]
    given = found(lambda _: Reply(rows), "projects", flavour="datacenter")
    assert [(each.value, each.name) for each in given] == [("A", "Ants"), ("B", "")]


def test_no_more_is_asked_than_is_taken() -> None:
    live = live_of(endless)
    assert len(list(islice(connector.discover(live, "projects", ""), 60))) == 60
    assert len(live.site.requests) == 2  # type: ignore[attr-defined]


def test_a_list_without_an_end_is_given_up() -> None:
    with pytest.raises(LostPlaceError):
        found(endless, "projects")


def test_boards_say_where_they_are() -> None:
    row = {"id": 7, "name": "Web board", "type": "scrum", "location": {"projectKey": "WEB"}}
    (only,) = found(lambda _: Reply({"values": [row], "isLast": True}), "boards")
    assert (only.value, only.name, only.detail) == ("7", "Web board", "WEB")


def test_of_the_fields_only_custom_ones_are_to_choose_from() -> None:
    rows = [
        {"id": "summary", "name": "Summary"},
        {
            "id": "customfield_7",
            "name": "Points",
            "schema": {"type": "number", "custom": "a:float"},
        },
        {"id": "customfield_8", "name": "Plain"},
    ]
    given = found(lambda _: Reply(rows), "custom_fields")
    assert [(each.value, each.name, each.detail) for each in given] == [
        ("customfield_7", "Points", "float"),
        ("customfield_8", "Plain", ""),
    ]


def test_a_refusal_says_what_to_do() -> None:
    with pytest.raises(PermanentError, match="list projects"):
        found(lambda _: Reply({"errorMessages": ["no"]}, 403), "projects")


def test_only_the_boards_that_are_chosen_are_walked() -> None:
    rows = [{"id": n, "type": "scrum"} for n in (1, 2, 3)]
    live = live_of(lambda _: Reply({"values": rows, "isLast": True}), boards="3, 1")
    fetched = connector.fetch(ask_at(Boards([]), "sprints"), live)
    assert [ask.part for ask in fetched.following] == ["board 1", "board 3"]
