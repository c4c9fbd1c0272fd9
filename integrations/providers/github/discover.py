"""Discovery: the repositories that a credential sees."""

from collections.abc import Iterator
from typing import Final

import msgspec

from common.http import Answer
from integrations.contract import Discovery, Found, Live
from integrations.providers.github.client import Client, refusal
from integrations.providers.github.replies import unreadable
from integrations.providers.github.repositories import PER_PAGE, has_no_user
from integrations.providers.github.settings import REPOSITORIES

DISCOVERIES: Final = (Discovery(slug=REPOSITORIES, label="Repositories"),)
_OWN: Final[dict[str, str | int]] = {"per_page": PER_PAGE, "sort": "full_name"}


class _Repository(msgspec.Struct):
    full_name: str
    description: str | None = None
    private: bool = False
    archived: bool = False
    fork: bool = False
    pushed_at: str | None = None


class _Listed(msgspec.Struct):
    repositories: list[_Repository]


def discover(live: Live, slug: str, search: str) -> Iterator[Found]:
    """Give the repositories of the credential; GitHub has no search that sees just these."""
    client = Client(live.site)
    answer = client.get("/user/repos", _OWN, passed=(403, 404))
    is_app = answer.status in (403, 404) and has_no_user(answer)
    if is_app:
        answer = client.get("/installation/repositories", {"per_page": PER_PAGE})
    elif answer.status != 200:
        raise refusal(answer)
    while True:
        yield from map(_found, _read(answer, is_app))
        url = client.next_url(answer)
        if url is None:
            return
        answer = client.get(url)


def _read(answer: Answer, is_app: bool) -> list[_Repository]:
    try:
        if is_app:
            return msgspec.json.decode(answer.body, type=_Listed).repositories
        return msgspec.json.decode(answer.body, type=list[_Repository])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable(answer, str(error)) from None


def _found(repository: _Repository) -> Found:
    marks = {
        "private": repository.private,
        "archived": repository.archived,
        "fork": repository.fork,
    }
    pushed = (repository.pushed_at or "")[:10]
    return Found(
        value=repository.full_name,
        name=(repository.description or "")[:200],
        detail=f"pushed {pushed}" if pushed else "never pushed to",
        marks=tuple(name for name, is_so in marks.items() if is_so),
    )
