"""The whole histories of items, which the search gives only the newest part of."""

from typing import Any, Final

import msgspec

from integrations.contract import Fetched, Page

from . import tokens
from .client import Client, read_page
from .places import Histories, ask_at
from .refusals import refusal, said

STEP: Final = "fetch histories"
STREAM: Final = "changelogs"
_HISTORIES_A_PAGE: Final = 1000
_MAX_RENEWALS: Final = 3


class _Page(msgspec.Struct, rename="camel"):
    issue_change_logs: list[msgspec.Raw]
    next_page_token: str | None = None


_PAGE: Final = msgspec.json.Decoder(_Page)


def fetch(place: Histories, part: str, client: Client) -> Fetched:
    """Fetch a page of the histories of items; the history of one item may go on in the next."""
    payload: dict[str, Any] = {"issueIdsOrKeys": place.ids, "maxResults": _HISTORIES_A_PAGE}
    if place.token:
        payload["nextPageToken"] = place.token
    answer = client.post(STEP, "changelog/bulkfetch", payload, accepting=(400, 404))
    if answer.status >= 400:
        if place.token and place.renewed < _MAX_RENEWALS:
            anew = Histories(place.ids, page=place.page + 1, renewed=place.renewed + 1)
            note = f"Jira no longer knows a page token ({said(answer)}): begun anew"
            return Fetched(following=[ask_at(anew, STREAM, part)], notes=[note])
        return _in_halves(place, part, refusal(STEP, answer))
    page, _ = read_page(STEP, answer, _PAGE, "issueChangeLogs")
    token = page.next_page_token
    fetched = Fetched(pages=[Page(stream=STREAM, answer=answer)])
    if token:
        known = tokens.remembered(STEP, answer, place.tokens, token, place.page)
        following = Histories(place.ids, token, known, place.page + 1, place.renewed)
        fetched.following.append(ask_at(following, STREAM, part))
    return fetched


def _in_halves(place: Histories, part: str, error: Exception) -> Fetched:
    """Ask for fewer items, so that one that Jira refuses costs only itself."""
    if len(place.ids) == 1:
        note = f"The whole history of item {place.ids[0]} is not to be had: {error}"
        return Fetched(notes=[note])
    middle = len(place.ids) // 2
    halves = (place.ids[:middle], place.ids[middle:])
    return Fetched(following=[ask_at(Histories(half), STREAM, part) for half in halves])
