"""The repositories that a credential sees are given page by page, and no further than taken."""

from itertools import islice
from typing import Any

import pytest

from common.errors import PermanentError, UnreadableError
from integrations.contract import Found
from integrations.providers.github.connector import connector
from integrations.providers.github.tests.hub import API, FakeLive, Request, Sent

NO_USER = Sent({"message": "Resource not accessible by integration"}, 403)


def row(name: str, **more: Any) -> dict[str, Any]:
    return {"full_name": name, **more}


def pages(request: Request) -> Sent:
    """A list without an end, one repository a page."""
    number = int(request.params.get("page", "1"))
    link = f'<{API}/user/repos?page={number + 1}>; rel="next"'
    return Sent([row(f"acme/r{number}")], headers={"link": link})


def found(handler: Any) -> list[Found]:
    return list(connector.discover(FakeLive(handler), "repositories", ""))


def test_a_repository_says_what_tells_it_from_others() -> None:
    rows = [
        row(
            "acme/ants",
            description="Small",
            private=True,
            archived=True,
            fork=True,
            pushed_at="2024-05-01T10:00:00Z",
        ),
        row("acme/bees", pushed_at=None),
    ]
    assert found(lambda _: Sent(rows)) == [
        Found(
            value="acme/ants",
            name="Small",
            detail="pushed 2024-05-01",
            marks=("private", "archived", "fork"),
        ),
        Found(value="acme/bees", detail="never pushed to"),
    ]


def test_no_more_is_asked_than_is_taken() -> None:
    live = FakeLive(pages)
    taken = list(islice(connector.discover(live, "repositories", ""), 3))
    assert [each.value for each in taken] == ["acme/r1", "acme/r2", "acme/r3"]
    assert len(live.fake.requests) == 3


def test_an_app_is_asked_for_what_it_is_installed_on() -> None:
    def handler(request: Request) -> Sent:
        if request.path == "/user/repos":
            return NO_USER
        assert request.path == "/installation/repositories"
        return Sent({"total_count": 1, "repositories": [row("acme/ants")]})

    assert [each.value for each in found(handler)] == ["acme/ants"]


def test_a_refusal_says_what_to_do() -> None:
    with pytest.raises(PermanentError, match="the token is wrong"):
        found(lambda _: Sent({"message": "Bad credentials"}, 401))


def test_what_is_no_list_is_told() -> None:
    with pytest.raises(UnreadableError):
        found(lambda _: Sent({"repositories": 7}))
