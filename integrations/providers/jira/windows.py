"""Before a whole walk: the mark it gives, and the windows of creation that it is cut into.

A window is whole minutes wide, so that it is the same whether a source compares by milliseconds
or by minutes. The first has no lower and the last no upper bound: nothing falls between.
"""

from typing import Any, Final

import msgspec

from common.http import Answer
from integrations.contract import Ask, Fetched

from . import issue_walk, jql, lost, plan
from .client import Client, read
from .places import First, Split, Walk, ask_at
from .refusals import RefusedError
from .times import ms_of, source_now


class _Times(msgspec.Struct):
    updated: Any = None
    created: Any = None


class _Timed(msgspec.Struct):
    fields: _Times = msgspec.field(default_factory=_Times)


class _TimedPage(msgspec.Struct):
    issues: list[_Timed]


class _Count(msgspec.Struct):
    count: int


class _Total(msgspec.Struct):
    total: int


_TIMED: Final = msgspec.json.Decoder(_TimedPage)
_COUNT: Final = msgspec.json.Decoder(_Count)
_TOTAL: Final = msgspec.json.Decoder(_Total)


def fetch_first(place: First, client: Client) -> Fetched:
    """Find the newest update of projects: it is their mark when they have been walked whole.

    What is updated meanwhile is newer, and so is seen by the next run.
    """
    step, where = "find the newest update", jql.in_projects(place.projects)
    try:
        answer, newest = _outermost(step, where, "updated", "DESC", client)
    except RefusedError as refused:
        left = lost.survivors(refused, place.projects, client)
        asks = [plan.first_of(left, place.fields)] if left else []
        return Fetched(following=asks, notes=[lost.note_of(place.projects, left)])
    now = source_now(answer)
    mark = now if newest is None else min(newest, now)
    whole = Split(fields=place.fields, mark=mark)
    return Fetched(following=[ask_at(whole, plan.STREAM, each) for each in place.projects])


def fetch_split(place: Split, part: str, client: Client) -> Fetched:
    """Walk a slice of a project if it is small enough, else cut it in two."""
    try:
        return _split(place, part, client)
    except RefusedError as refused:
        lost.survivors(refused, [part], client)
        return Fetched(notes=[lost.note_of([part], [])])


def _split(place: Split, part: str, client: Client) -> Fetched:
    count = _counted(place, part, client) if place.count is None else place.count
    if count is None or count <= client.settings.window_items:
        return _walk(place, part, client)
    left, right = place.left, place.right
    if left is None or right is None:
        step, where = f"find the oldest item of project {part}", _query(place, part, client)
        answer, oldest = _outermost(step, where, "created", "ASC", client)
        if oldest is None:
            return _walk(place, part, client)
        left, right = oldest // jql.MINUTE_MS, source_now(answer) // jql.MINUTE_MS + 1
    if right - left < 2:
        return _walk(place, part, client)
    middle = (left + right) // 2
    lower = msgspec.structs.replace(place, high=middle, left=left, right=middle, count=None)
    upper = msgspec.structs.replace(place, low=middle, left=middle, right=right)
    in_lower = _counted(lower, part, client)
    if in_lower is None:
        return _walk(place, part, client)
    halves = [(lower, in_lower), (upper, max(count - in_lower, 0))]
    if in_lower == 0:  # a count is about right: what it says is empty is walked with the rest
        halves = [(msgspec.structs.replace(place, left=middle, right=right), count)]
    elif in_lower >= count:
        halves = [(msgspec.structs.replace(place, left=left, right=middle), count)]
    return Fetched(following=[_ask_of(half, held, part, client) for half, held in halves])


def _ask_of(half: Split, count: int, part: str, client: Client) -> Ask:
    if count <= client.settings.window_items:
        return ask_at(_walk_of(half, part), plan.STREAM, part)
    return ask_at(msgspec.structs.replace(half, count=count), plan.STREAM, part)


def _walk_of(place: Split, part: str) -> Walk:
    return Walk(
        projects={part: None},
        fields=place.fields,
        low=place.low,
        high=place.high,
        since=place.since,
        until=place.until,
        mark=place.mark,
    )


def _walk(place: Split, part: str, client: Client) -> Fetched:
    """Fetch the first page at once: most projects have but one or a few."""
    return issue_walk.fetch(_walk_of(place, part), part, client)


def _query(place: Split, part: str, client: Client) -> str:
    return jql.items_in(place, {part: None}, client.settings)


def _counted(place: Split, part: str, client: Client) -> int | None:
    """Return about how many items there are, None if the site cannot count."""
    step, query = f"count the items of project {part}", _query(place, part, client)
    if client.settings.is_cloud:
        path = "search/approximate-count"
        answer = client.post(step, path, {"jql": query}, accepting=(404, 405, 410))
        return read(step, answer, _COUNT).count if answer.status < 300 else None
    payload = {"jql": query, "maxResults": 0, "fields": ["id"]}
    return read(step, client.post(step, "search", payload), _TOTAL).total


def _outermost(
    step: str, where: str, field: str, direction: str, client: Client
) -> tuple[Answer, int | None]:
    """Return the answer to, and the time (ms) of, the item that comes first by a time."""
    path = "search/jql" if client.settings.is_cloud else "search"
    payload = {"jql": f"{where} ORDER BY {field} {direction}", "maxResults": 1, "fields": [field]}
    answer = client.post(step, path, payload)
    found = read(step, answer, _TIMED).issues
    return answer, ms_of(getattr(found[0].fields, field)) if found else None
