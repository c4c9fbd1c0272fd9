"""Walks of issues in the order of their last update; what is cut short is made whole.

Cloud gives pages by token, Data Center by row. The same walk may stop anywhere and go on in
another process; it begins its query anew, from the updates it has reached, when Jira no longer
knows a token, or when rows shifted while they were read.
"""

from typing import Any, Final

import msgspec

from common.http import Answer
from integrations.contract import Ask, Fetched, Mark, Page

from . import jql, lost, tokens
from .client import Client
from .fields import asked_fields
from .found import FoundPage, found_on
from .places import Histories, Walk, ask_at
from .refusals import EndlessError, RefusedError, said
from .times import source_now

STEP: Final = "search issues"
STREAM: Final = "issues"
_IDS_OF_HISTORIES: Final = 100
_MAX_RENEWALS: Final = 20


def fetch(place: Walk, part: str, client: Client) -> Fetched:
    """Fetch a page of a walk; what follows is the next page, and histories that were cut short."""
    try:
        if client.settings.is_cloud:
            return _fetch_by_token(place, part, client)
        return _fetch_by_row(place, part, client)
    except RefusedError as refused:
        left = lost.survivors(refused, place.projects, client)
        projects = {project: place.projects[project] for project in left}
        walk = msgspec.structs.replace(_anew(place), projects=projects)
        asks = [ask_at(walk, STREAM, part)] if left else []
        return Fetched(following=asks, notes=[lost.note_of(place.projects, left)])


def _fetch_by_token(place: Walk, part: str, client: Client) -> Fetched:
    payload = _payload(place, client) | {"expand": "changelog"}
    if place.token:
        payload["nextPageToken"] = place.token
    accepting = (400,) if place.token else ()
    answer = client.post(STEP, "search/jql", payload, accepting=accepting)
    if answer.status == 400:
        note = f"Jira no longer knows a page token ({said(answer)}): the search is begun anew"
        return Fetched(following=[_renewed(place, part, answer)], notes=[note])
    found = found_on(STEP, answer)
    place = _with(place, found)
    following = histories(found.cut_short, part)
    if not found.token:
        return _ended(place, answer, following)
    known = tokens.remembered(STEP, answer, place.tokens, found.token, place.page)
    walk = msgspec.structs.replace(place, token=found.token, tokens=known, page=place.page + 1)
    return _page(answer, [ask_at(walk, STREAM, part), *following])


def _fetch_by_row(place: Walk, part: str, client: Client) -> Fetched:
    """Fetch rows from the last one that was seen on; if it is another now, rows have shifted."""
    start = max(place.start - 1, 0)
    payload = _payload(place, client) | {"startAt": start, "expand": ["changelog"]}
    answer = client.post(STEP, "search", payload)
    found = found_on(STEP, answer)
    if place.last and found.ids[:1] != [place.last]:
        note = f"Rows shifted at row {place.start:,}: the search is begun anew"
        fetched = _page(answer, [_renewed(place, part, answer)])
        fetched.notes.append(note)
        return fetched
    place = _with(place, found)
    end = start + found.size
    has_new = end > place.start and bool(found.ids)
    if (not has_new) if found.total is None else end >= found.total:
        return _ended(place, answer, [])
    if not has_new:
        detail = f"gives no row after row {end:,}"
        raise RefusedError(STEP, answer, detail, "run it again; if it stays so, reindex Jira")
    if place.page >= tokens.MAX_PAGES:
        raise EndlessError(
            STEP, answer, f"gives more than {tokens.MAX_PAGES:,} pages", "run it again"
        )
    walk = msgspec.structs.replace(place, start=end, last=found.ids[-1], page=place.page + 1)
    return _page(answer, [ask_at(walk, STREAM, part)])


def _payload(place: Walk, client: Client) -> dict[str, Any]:
    """Return what both flavours are asked; it is the same until the query is begun anew."""
    query = jql.items_in(place, place.projects, client.settings)
    return {
        "jql": f"{query} {jql.BY_UPDATE}",
        "maxResults": client.settings.page_size,
        "fields": asked_fields(place.fields),
    }


def _with(place: Walk, found: FoundPage) -> Walk:
    """Return the place with what a page showed.

    An index that is late sorts an item by an older update than the item has: how far the walk
    has come is told by the least update of a page, and not by the greatest.
    """
    return msgspec.structs.replace(
        place,
        seen=_later(place.seen, found.newest),
        reached=_later(place.reached, found.oldest),
    )


def _later(first: int | None, second: int | None) -> int | None:
    return max((each for each in (first, second) if each is not None), default=None)


def _page(answer: Answer, following: list[Ask]) -> Fetched:
    return Fetched(pages=[Page(stream=STREAM, answer=answer)], following=following)


def _ended(place: Walk, answer: Answer, following: list[Ask]) -> Fetched:
    fetched = _page(answer, following)
    fetched.marks = _marks(place, source_now(answer))
    return fetched


def _marks(place: Walk, now: int) -> list[Mark]:
    """Return the marks at the end of a walk. now: at the source; no mark is later.

    A walk of all gives the mark it began with, and says so; one of changes the greatest update it
    saw. Neither goes back.
    """
    mark = place.mark
    if mark is None:
        return []
    value: dict[str, Any] = {"updated": mark, "is_first": True}
    if place.is_of_changes:
        value = {"updated": max(mark, min(place.seen or 0, now))}
    return [Mark(stream=STREAM, part=each, value=value) for each in place.projects]


def _renewed(place: Walk, part: str, answer: Answer) -> Ask:
    """Return the ask that begins the query anew; raise if that does not get on any more."""
    if place.renewed >= _MAX_RENEWALS:
        detail = "shifts its rows whenever they are read"
        if answer.status == 400:
            detail = f"refuses the page tokens that it gives: {said(answer)}"
        raise EndlessError(STEP, answer, detail, "run it again at a quieter time")
    return ask_at(_anew(place), STREAM, part)


def _anew(place: Walk) -> Walk:
    """Return the walk with a new query, from what it has reached on."""
    since = _later(place.since, place.reached)
    return Walk(
        projects=place.projects,
        fields=place.fields,
        low=place.low,
        high=place.high,
        since=since,
        until=place.until,
        mark=place.mark,
        is_of_changes=place.is_of_changes,
        seen=place.seen,
        page=place.page + 1,
        renewed=place.renewed + 1 if since == place.since else 0,
    )


def histories(ids: list[str], part: str) -> list[Ask]:
    """Return the asks for the whole histories of issues."""
    size = _IDS_OF_HISTORIES
    chunks = [ids[n : n + size] for n in range(0, len(ids), size)]
    return [ask_at(Histories(chunk), "changelogs", part) for chunk in chunks]
