"""The census: the ids of all items that are still there, and what became of lost projects.

Nothing here is a verdict on an item. A list that breaks off is no census: its last page, which
alone makes it one, does not come. One that is begun anew counts what either time showed.
"""

from typing import Any, Final

import msgspec

from common.http import Answer
from integrations.contract import DELETED, NOT_VISIBLE, Fetched, Gone, Seen

from . import jql, lost, rows, tokens
from .client import Client, quoted, read
from .metadata import PAGE_SIZE
from .places import Census, LostProjects, ask_at
from .refusals import RefusedError, said

STEP: Final = "take the census"
_IDS_A_PAGE: Final = 5000
_IDS_A_PAGE_OF_ROWS: Final = 1000
_LOST_AT_ONCE: Final = 20
_MAX_RENEWALS: Final = 3


class _Id(msgspec.Struct):
    id: str | int


class _Page(msgspec.Struct, rename="camel"):
    issues: list[_Id]
    start_at: int | None = None
    next_page_token: str | None = None
    total: int | None = None


class _TrashPage(msgspec.Struct):
    values: list[_Id]


_PAGE: Final = msgspec.json.Decoder(_Page)
_TRASH: Final = msgspec.json.Decoder(_TrashPage)


def fetch_census(place: Census, part: str, client: Client) -> Fetched:
    """Fetch a page of the ids of a project's items. part: the id of the project."""
    query = f"{jql.items_of({part: None}, client.settings)} ORDER BY key ASC"
    try:
        if client.settings.is_cloud:
            return _by_token(place, part, query, client)
        return _by_row(place, part, query, client)
    except RefusedError as refused:
        if place.token or place.start:
            raise
        lost.survivors(refused, [part], client)
        return Fetched(notes=[lost.note_of([part], [])])


def _by_token(place: Census, part: str, query: str, client: Client) -> Fetched:
    payload: dict[str, Any] = {"jql": query, "maxResults": _IDS_A_PAGE, "fields": ["id"]}
    if place.token:
        payload["nextPageToken"] = place.token
    can_renew = bool(place.token) and place.renewed < _MAX_RENEWALS
    answer = client.post(STEP, "search/jql", payload, accepting=(400,) if can_renew else ())
    if answer.status == 400:
        anew = Census(page=place.page + 1, renewed=place.renewed + 1)
        note = f"Jira no longer knows a page token ({said(answer)}): the census is begun anew"
        return Fetched(following=[ask_at(anew, "issues", part)], notes=[note])
    page = read(STEP, answer, _PAGE)
    fetched = Fetched(seen=[_seen(page, part, is_last=not page.next_page_token)])
    if token := page.next_page_token:
        known = tokens.remembered(STEP, answer, place.tokens, token, place.page)
        page_after = place.page + 1
        following = Census(token=token, tokens=known, page=page_after, renewed=place.renewed)
        fetched.following.append(ask_at(following, "issues", part))
    return fetched


def _by_row(place: Census, part: str, query: str, client: Client) -> Fetched:
    payload = {
        "jql": query,
        "maxResults": _IDS_A_PAGE_OF_ROWS,
        "startAt": place.start,
        "fields": ["id"],
    }
    answer = client.post(STEP, "search", payload)
    page = read(STEP, answer, _PAGE)
    held = rows.digest(str(issue.id) for issue in page.issues)
    rows.check(STEP, answer, place.start, page.start_at, held, place.before)
    end = place.start + len(page.issues)
    is_last = end >= _total(page, answer)
    if not page.issues and not is_last:
        detail = f"gives no row after row {end:,} of {page.total:,}"
        raise RefusedError(STEP, answer, detail, "run it again; if it stays so, reindex Jira")
    fetched = Fetched(seen=[_seen(page, part, is_last=is_last)])
    if not is_last:
        following = Census(start=end, before=held, page=place.page + 1)
        fetched.following.append(ask_at(following, "issues", part))
    return fetched


def _total(page: _Page, answer: Answer) -> int:
    if page.total is None:
        raise RefusedError(STEP, answer, "does not say how many rows there are", "run it again")
    return page.total


def _seen(page: _Page, part: str, *, is_last: bool) -> Seen:
    ids = [str(issue.id) for issue in page.issues]
    return Seen(table="work_items", part=part, ids=ids, is_last=is_last)


def fetch_lost_projects(place: LostProjects, client: Client) -> Fetched:
    """Look into projects that are loaded and that the list of projects no longer has.

    One that is there and is only no longer chosen is left alone; an archived one shows none of
    its items.
    """
    client.get("sign in", "myself")  # an expired session sees no project at all
    fetched = Fetched()
    for project in place.ids[:_LOST_AT_ONCE]:
        if reason := _reason(project, client):
            fetched.gone.append(Gone(table="projects", reason=reason, ids=[project]))
            fetched.gone.append(Gone(table="work_items", reason=reason, part=project))
    if rest := place.ids[_LOST_AT_ONCE:]:
        fetched.following.append(ask_at(LostProjects(rest), "projects"))
    return fetched


def _reason(project: str, client: Client) -> str:
    """Return why a project is gone, empty if it is not.

    Jira answers alike for what is deleted and for what may not be seen: only one that it shows in
    its trash is surely deleted.
    """
    step = "look into a lost project"
    answer = client.get(step, f"project/{quoted(project)}", accepting=(403, 404))
    if answer.status < 300:
        found = read(step, answer, lost.PROJECT)
        return DELETED if found.deleted else NOT_VISIBLE if found.archived else ""
    is_deleted = answer.status == 404 and project in _trash(project, client)
    return DELETED if is_deleted else NOT_VISIBLE


def _trash(project: str, client: Client) -> set[str]:
    """Return the deleted projects among these, as far as the account may know."""
    if not client.settings.is_cloud:
        return set()
    params: dict[str, str | int] = {"status": "deleted", "id": project, "maxResults": PAGE_SIZE}
    step = "look into the trash"
    answer = client.get(step, "project/search", params, accepting=(400, 401, 403, 404))
    if answer.status >= 300:
        return set()
    return {str(each.id) for each in read(step, answer, _TRASH).values}
