"""What differs after a census: what is missing is fetched, what is extra is looked into.

An item that the index does not show and that is there is an index that is late: no verdict.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from integrations.contract import DELETED, MOVED, NOT_VISIBLE, Ask, Difference, Fetched, Gone, Page

from . import jql, lost
from .client import Client, quoted, read
from .fields import asked_fields
from .found import found_on
from .issue_walk import STREAM, histories
from .metadata import custom_fields
from .places import Extra, Lost, Missing, ask_at
from .settings import JiraSettings

_IDS_AT_ONCE: Final = 100
SINGLES_AT_ONCE: Final = 20


class Project(msgspec.Struct):
    """The project that an item is in."""

    id: str | int
    key: str = ""


class _Fields(msgspec.Struct):
    project: Project


class Item(msgspec.Struct):
    """An item and where it is."""

    id: str | int
    fields: _Fields


class Items(msgspec.Struct):
    """Some items."""

    issues: list[Item]


_ITEM: Final = msgspec.json.Decoder(Item)
ITEMS: Final = msgspec.json.Decoder(Items)


def asks_of(difference: Difference) -> list[Ask]:
    """Return the asks that fetch what is missing and look into what is extra."""
    if difference.table != "work_items":
        return []
    part = difference.part
    missing = [ask_at(Missing(ids), STREAM, part) for ids in chunks(difference.missing)]
    return missing + [ask_at(Extra(ids), STREAM, part) for ids in chunks(difference.extra)]


def fetch_missing(place: Missing, part: str, client: Client) -> Fetched:
    """Fetch items by their ids, like those of a walk; those that vanished are left out."""
    step = "fetch missing items"
    fields = asked_fields(custom_fields(client)[1])
    if client.settings.is_cloud:
        payload: dict[str, Any] = {"issueIdsOrKeys": place.ids, "fields": fields}
        answer = client.post(step, "issue/bulkfetch", payload | {"expand": ["changelog"]})
        following = histories(found_on(step, answer).cut_short, part)
        return Fetched(pages=[Page(stream=STREAM, answer=answer)], following=following)
    payload = by_ids(place.ids, fields) | {"expand": ["changelog"]}
    answer = client.post(step, "search", payload, accepting=(400,))
    if answer.status != 400:
        return Fetched(pages=[Page(stream=STREAM, answer=answer)])
    if len(place.ids) == 1:
        return Fetched(notes=[f"Item {place.ids[0]} vanished while it was fetched"])
    halves = chunks(place.ids, (len(place.ids) + 1) // 2)
    return Fetched(following=[ask_at(Missing(half), STREAM, part) for half in halves])


def fetch_extra(place: Extra, part: str, client: Client) -> Fetched:
    """Look for items together; what is not found is asked for by itself."""
    items = found_together(place.ids, client)
    there = {str(item.id) for item in items}
    fetched = _moved(items, part, client.settings)
    absent = [each for each in place.ids if each not in there]
    for ids in chunks(absent, SINGLES_AT_ONCE):
        fetched.following.append(ask_at(Lost(ids), STREAM, part))
    return fetched


def found_together(ids: list[str], client: Client) -> list[Item]:
    """Return the items that are there; none if Data Center refuses to name one that is not."""
    step = "look into items that were not found"
    if client.settings.is_cloud:
        payload: dict[str, Any] = {"issueIdsOrKeys": ids, "fields": ["project"]}
        return read(step, client.post(step, "issue/bulkfetch", payload), ITEMS).issues
    answer = client.post(step, "search", by_ids(ids, ["project"]), accepting=(400,))
    return [] if answer.status == 400 else read(step, answer, ITEMS).issues


def fetch_lost(place: Lost, part: str, client: Client) -> Fetched:
    """Ask for each item by itself: deleted, not to be seen, moved, or there after all.

    Of a project that can no longer be seen itself, its items' absence says nothing.
    """
    step, items, gone = "look into a lost item", list[Item](), dict[str, list[str]]()
    for each in place.ids:
        path = f"issue/{quoted(each)}"
        answer = client.get(step, path, {"fields": "project"}, accepting=(403, 404))
        if answer.status < 300:
            items.append(read(step, answer, _ITEM))
        else:
            reason = DELETED if answer.status == 404 else NOT_VISIBLE
            gone.setdefault(reason, []).append(each)
    if DELETED in gone and not lost.is_there(part, client):
        return Fetched(notes=[lost.note_of([part], [])])
    fetched = _moved(items, part, client.settings)
    fetched.gone += [gone_of(reason, part, ids) for reason, ids in gone.items()]
    return fetched


def _moved(items: Sequence[Item], part: str, settings: JiraSettings) -> Fetched:
    """Fetch what moved to a project that is loaded, too; what moved out of these is gone.

    What is still in its project was not in the index yet.
    """
    covered: dict[str, list[str]] = {}
    left: list[str] = []
    for item in items:
        project = item.fields.project
        if str(project.id) == part:
            continue
        if is_covered(project, settings):
            covered.setdefault(str(project.id), []).append(str(item.id))
        else:
            left.append(str(item.id))
    asks = [ask_at(Missing(ids), STREAM, project) for project, ids in covered.items()]
    return Fetched(following=asks, gone=[gone_of(MOVED, part, left)] if left else [])


def is_covered(project: Project, settings: JiraSettings) -> bool:
    """Tell whether the settings select the items of a project."""
    names = {name.upper() for name in settings.project_names}
    return not names or str(project.id) in names or project.key.upper() in names


def gone_of(reason: str, part: str, ids: list[str]) -> Gone:
    """Return what says that items are gone."""
    return Gone(table="work_items", reason=reason, ids=ids, part=part)


def by_ids(ids: Sequence[str], fields: list[str]) -> dict[str, Any]:
    """Return a search of Data Center that is to pass over ids that are not there any more.

    Not every release does: it may refuse the whole query for one.
    """
    query = {"jql": jql.with_ids(ids), "maxResults": len(ids), "startAt": 0}
    return query | {"fields": fields, "validateQuery": False}


def chunks(ids: Sequence[str], size: int = _IDS_AT_ONCE) -> list[list[str]]:
    """Return the ids in lists that are asked for together."""
    return [list(ids[n : n + size]) for n in range(0, len(ids), size)]
