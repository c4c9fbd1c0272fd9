"""Boards and their sprints. A site without them, or one that hides them, is no failure."""

from typing import Any, Final

import msgspec

from common.http import Answer
from integrations.contract import Ask, Fetched, Page

from . import rows
from .client import Client, read
from .places import Boards, BoardSprints, ask_at
from .refusals import EndlessError, request_of, said
from .settings import JiraSettings
from .tokens import MAX_PAGES

STREAM: Final = "sprints"
_PAGE_SIZE: Final = 50
_NOT_THERE: Final = (400, 401, 403, 404)


class _Location(msgspec.Struct, rename="camel"):
    project_id: str | int | None = None


class _Board(msgspec.Struct):
    id: int | str
    type: str = "scrum"
    location: _Location | None = None


class _Boards(msgspec.Struct, rename="camel"):
    values: list[_Board]
    start_at: int | None = None
    is_last: bool | None = None
    total: int | None = None


class _Sprints(msgspec.Struct, rename="camel"):
    values: list[Any]
    start_at: int | None = None
    is_last: bool | None = None
    total: int | None = None


_BOARDS: Final = msgspec.json.Decoder(_Boards)
_SPRINTS: Final = msgspec.json.Decoder(_Sprints)


def fetch_boards(place: Boards, client: Client) -> Fetched:
    """Fetch a page of the boards with sprints; the sprints of each follow.

    Of a choice of projects only the boards that lie in them; others may show their items, too,
    and then the items name the sprints.
    """
    step, path = "list boards", "/rest/agile/1.0/board"
    params: dict[str, str | int] = {
        "type": "scrum",
        "startAt": place.start,
        "maxResults": _PAGE_SIZE,
    }
    answer = client.get(step, path, params, accepting=_NOT_THERE)
    if answer.status >= 400:
        return Fetched(notes=[f"No sprints: {_told(answer)}"])
    found = read(step, answer, _BOARDS)
    chosen = set(place.projects)
    asks: list[Ask] = [
        ask_at(BoardSprints(str(board.id)), STREAM, f"board {board.id}")
        for board in found.values
        if board.type == "scrum" and _is_in(board, chosen) and _is_wanted(board, client.settings)
    ]
    held = rows.digest(str(board.id) for board in found.values)
    end = _next(place, held, found, step, answer)
    if end is not None:
        asks.append(ask_at(Boards(place.projects, end, held), STREAM))
    return Fetched(pages=[Page(stream=STREAM, answer=answer, is_data=False)], following=asks)


def fetch_sprints(place: BoardSprints, part: str, client: Client) -> Fetched:
    """Fetch a page of the sprints of a board."""
    step, path = "list sprints", f"/rest/agile/1.0/board/{place.board}/sprint"
    params = {"startAt": place.start, "maxResults": _PAGE_SIZE}
    answer = client.get(step, path, params, accepting=_NOT_THERE)
    if answer.status >= 400:
        return Fetched(notes=[f"No sprints of board {place.board}: {_told(answer)}"])
    found = read(step, answer, _SPRINTS)
    held = rows.digest(map(str, found.values))
    end = _next(place, held, found, step, answer)
    following = [] if end is None else [ask_at(BoardSprints(place.board, end, held), STREAM, part)]
    return Fetched(pages=[Page(stream=STREAM, answer=answer)], following=following)


def _is_in(board: _Board, chosen: set[str]) -> bool:
    where = board.location.project_id if board.location else None
    return not chosen or where is None or str(where) in chosen


def _is_wanted(board: _Board, settings: JiraSettings) -> bool:
    return not settings.board_ids or str(board.id) in settings.board_ids


def _next(
    place: Boards | BoardSprints, held: str, page: _Boards | _Sprints, step: str, answer: Answer
) -> int | None:
    """Return the row of the next page, None at the end. held: a digest of this one."""
    rows.check(step, answer, place.start, page.start_at, held, place.before)
    end = place.start + len(page.values)
    if end >= MAX_PAGES * _PAGE_SIZE:
        raise EndlessError(step, answer, f"gives more than {end:,} rows", "run it again")
    if not page.values or page.is_last:
        return None
    return None if page.is_last is None and page.total is not None and end >= page.total else end


def _told(answer: Answer) -> str:
    return f"{request_of(answer)} answered {answer.status} {said(answer)}".rstrip()
