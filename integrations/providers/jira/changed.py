"""Fetches single items as they are now, which webhooks were about.

What the settings do not select is not loaded, whatever a webhook said of it; what is not there is
looked into by itself, as after a census.
"""

from collections.abc import Sequence
from typing import Any, Final

from common.http import Answer
from integrations.contract import MOVED, Ask, Fetched, Page

from . import jql
from .client import Client, read
from .fields import asked_fields
from .found import found_on
from .issue_walk import STREAM, histories
from .metadata import custom_fields
from .places import Changed, Lost, ask_at
from .reconcile import (
    ITEMS,
    SINGLES_AT_ONCE,
    by_ids,
    chunks,
    found_together,
    gone_of,
    is_covered,
)

_STEP: Final = "fetch changed items"


def asks_of(ids: Sequence[str], part: str) -> list[Ask]:
    """Return the asks for items of a project."""
    return [ask_at(Changed(each), STREAM, part) for each in chunks(ids)]


def fetch(place: Changed, part: str, client: Client) -> Fetched:
    """Fetch items; if there is a JQL filter, those first that match it."""
    if client.settings.jql.strip() and not place.is_checked:
        return _checked(place, part, client)
    fields = asked_fields(custom_fields(client)[1])
    if client.settings.is_cloud:
        payload: dict[str, Any] = {"issueIdsOrKeys": place.ids, "fields": fields}
        answer = client.post(_STEP, "issue/bulkfetch", payload | {"expand": ["changelog"]})
        return _kept(place, part, client, answer)
    payload = by_ids(place.ids, fields) | {"expand": ["changelog"]}
    answer = client.post(_STEP, "search", payload, accepting=(400,))
    if answer.status != 400:
        return _kept(place, part, client, answer)
    if len(place.ids) == 1:
        return Fetched(following=[ask_at(Lost(place.ids), STREAM, part)])
    return _in_halves(place, part)


def _kept(place: Changed, part: str, client: Client, answer: Answer) -> Fetched:
    """Keep a page of which all is selected; else ask again for what is."""
    items = read(_STEP, answer, ITEMS).issues
    there = {str(item.id): is_covered(item.fields.project, client.settings) for item in items}
    left = [each for each in there if not there[each]]
    absent = [each for each in place.ids if each not in there]
    fetched = Fetched(pages=[Page(stream=STREAM, answer=answer, is_data=not left)])
    fetched.following = [ask_at(Lost(ids), STREAM, part) for ids in chunks(absent, SINGLES_AT_ONCE)]
    if not left:
        fetched.following += histories(found_on(_STEP, answer).cut_short, part)
        return fetched
    fetched.gone = [gone_of(MOVED, part, left)]
    fetched.notes = [f"Not selected: item {', '.join(left)}"]
    if kept := [each for each in there if there[each]]:
        fetched.following.append(ask_at(Changed(kept, is_checked=True), STREAM, part))
    return fetched


def _checked(place: Changed, part: str, client: Client) -> Fetched:
    """Find out which items the filter lets through; the others are looked into."""
    step, path = "match changed items", "search/jql" if client.settings.is_cloud else "search"
    query = {"jql": jql.matching(place.ids, client.settings), "maxResults": len(place.ids)}
    answer = client.post(step, path, query | {"fields": ["project"]}, accepting=(400,))
    if answer.status == 400 and len(place.ids) > 1:
        return _in_halves(place, part)
    found = [] if answer.status == 400 else read(step, answer, ITEMS).issues
    matching = [str(item.id) for item in found]
    others = [each for each in place.ids if each not in matching]
    fetched = Fetched()
    if matching:
        fetched.following.append(ask_at(Changed(matching, is_checked=True), STREAM, part))
    if others:
        _look_into(fetched, others, part, client)
    return fetched


def _look_into(fetched: Fetched, ids: list[str], part: str, client: Client) -> None:
    """Find out what became of items that do not match: those that are there stay as they are."""
    items = found_together(ids, client)
    there = {str(item.id): is_covered(item.fields.project, client.settings) for item in items}
    if left := [each for each in there if not there[each]]:
        fetched.gone.append(gone_of(MOVED, part, left))
    absent = [each for each in ids if each not in there]
    fetched.following += [
        ask_at(Lost(each), STREAM, part) for each in chunks(absent, SINGLES_AT_ONCE)
    ]
    if there:
        fetched.notes.append(f"Not selected: item {', '.join(there)}")


def _in_halves(place: Changed, part: str) -> Fetched:
    """Ask for fewer items, so that one that Jira refuses to name costs only itself."""
    halves = chunks(place.ids, (len(place.ids) + 1) // 2)
    asks = [ask_at(Changed(half, place.is_checked), STREAM, part) for half in halves]
    return Fetched(following=asks)
