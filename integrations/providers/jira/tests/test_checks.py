"""The test of a connection: each step says what was found, the first that fails what to do."""

from typing import Any

import pytest

from common.errors import TransientError
from integrations.contract import Check

from ..connector import connector
from ..settings import JiraSettings
from .fake_jira import FakeJira
from .fake_site import FakeLive, FakeSite, Reply, Request

STEPS = ["reach the site", "sign in", "see projects", "search issues", "see boards"]


def checked(jira: Any, **settings: Any) -> list[Check]:
    return list(connector.check(FakeLive(FakeSite(jira), JiraSettings(**settings))))


def refusing(name: str, reply: Reply) -> FakeJira:
    return FakeJira(hooks=[lambda r: reply if r.name == name else None])


def test_a_connection_that_works_says_what_was_found() -> None:
    found = checked(FakeJira())
    assert [check.step for check in found] == STEPS
    assert all(check.is_ok for check in found)
    assert [check.request for check in found][:2] == [
        "GET /rest/api/3/serverInfo",
        "GET /rest/api/3/myself",
    ]
    assert found[1].detail == "signed in as Ann, time zone Asia/Tokyo"


@pytest.mark.parametrize(
    ("name", "reply", "failed", "remedy"),
    [
        ("GET serverInfo", Reply({"deploymentType": "Server"}), "reach the site", "datacenter"),
        ("GET serverInfo", Reply(b"<html>", media_type="text/html"), "reach the site", "base URL"),
        ("GET myself", Reply({}, 401), "sign in", "token"),
        ("GET project/search", Reply({"values": []}), "see projects", "Browse projects"),
        ("GET project/search", Reply({}, 403), "see projects", "permission"),
        ("POST search/jql", Reply({"errorMessages": ["x"]}, 400), "search issues", "`jql`"),
    ],
)
def test_the_first_step_that_fails_is_the_last_and_says_what_to_do(
    name: str, reply: Reply, failed: str, remedy: str
) -> None:
    found = checked(refusing(name, reply))
    assert [check.is_ok for check in found] == [True] * STEPS.index(failed) + [False]
    assert found[-1].step == failed
    assert remedy in found[-1].remedy
    assert found[-1].request.endswith(name.partition(" ")[2])


def test_what_is_open_to_everybody_may_be_answered_to_nobody() -> None:
    info = Reply({"deploymentType": "Server"}, 200, {"x-ausername": "anonymous"})
    found = checked(refusing("GET serverInfo", info), flavour="datacenter")
    assert [check.is_ok for check in found] == [True] * 5


def test_an_unknown_project_is_named_with_its_setting() -> None:
    last = checked(FakeJira(), projects="P10,NOPE")[-1]
    assert (last.is_ok, last.request) == (False, "GET /rest/api/3/project/NOPE")
    assert "NOPE" in last.detail
    assert "`projects`" in last.remedy


def test_a_host_that_cannot_be_reached_fails_the_first_step() -> None:
    def unreachable(request: Request) -> Reply:
        raise TransientError("GET https://acme: no such host; check the base URL")

    (only,) = checked(unreachable)
    assert (only.step, only.is_ok) == ("reach the site", False)
    assert "no such host" in only.detail


def test_a_site_without_boards_is_in_order_and_says_so() -> None:
    last = checked(refusing("GET rest/agile/1.0/board", Reply({}, 404)))[-1]
    assert (last.step, last.is_ok) == ("see boards", True)
    assert "no sprints are loaded" in last.detail
