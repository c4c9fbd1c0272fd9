"""What a run begins with: projects, issue types, statuses and fields; the walks follow.

The walks of issues come after the fields, since every custom field is asked for by its id, and
after all pages of the projects, since each project is walked from a mark of its own.
"""

from typing import Any, Final

import msgspec

from integrations.contract import Ask, Fetched, Page

from . import plan, rows
from .client import Client, quoted, read
from .fields import packed
from .lost import PROJECT
from .places import Boards, Census, FieldList, Listing, LostProjects, Roster, ask_at
from .refusals import RefusedError
from .tokens import MAX_PAGES

PAGE_SIZE: Final = 50
_NAMED_AT_ONCE: Final = 20
_PATHS: Final = {
    "issue_types": ("list issue types", "issuetype"),
    "statuses": ("list statuses", "status"),
}


class _Project(msgspec.Struct):
    id: str | int
    key: str = ""


class _Projects(msgspec.Struct, rename="camel"):
    values: list[_Project]
    start_at: int | None = None
    is_last: bool | None = None
    total: int | None = None


class _Field(msgspec.Struct):
    id: str = ""


_PROJECTS: Final = msgspec.json.Decoder(_Projects)
_PROJECT_LIST: Final = msgspec.json.Decoder(list[_Project])
_FIELDS: Final = msgspec.json.Decoder(list[_Field])


def first_asks() -> list[Ask]:
    """Return what a run begins with."""
    streams = ("issue_types", "statuses")
    return [ask_at(Roster(), "projects"), *(ask_at(Listing(), each) for each in streams)]


def fetch_list(client: Client, stream: str) -> Fetched:
    """Fetch all issue types or statuses."""
    step, path = _PATHS[stream]
    answer = client.get(step, path)
    read(step, answer, _ANYTHING)
    return Fetched(pages=[Page(stream=stream, answer=answer)])


_ANYTHING: Final[msgspec.json.Decoder[list[Any]]] = msgspec.json.Decoder(list[Any])


def fetch_roster(place: Roster, client: Client) -> Fetched:
    """Fetch a page of the projects, or those that are named; what follows has all of them.

    With the census goes what changed while projects were walked whole for the first time, which
    may have taken hours.
    """
    if client.settings.project_names:
        pages, found, start = _named(place, client)
    elif client.settings.is_cloud:
        pages, found, start = _searched(place, client)
    else:
        pages, found, start = _all_at_once(client)
    covered = list(dict.fromkeys([*place.covered, *found]))
    kept = [] if place.is_census else pages
    if start is not None:
        following = Roster(start=start, covered=covered, is_census=place.is_census)
        return Fetched(pages=kept, following=[ask_at(following, "projects")])
    if not place.is_census:
        return Fetched(pages=kept, following=[ask_at(FieldList(covered), "fields")])
    asks = [ask_at(Census(), "issues", project) for project in covered]
    if first := plan.just_walked(covered, client.live):
        asks.append(ask_at(FieldList(first, is_catch_up=True), "fields"))
    if lost := sorted(set(client.live.loaded_ids("projects")) - set(covered)):
        asks.append(ask_at(LostProjects(lost), "projects"))
    return Fetched(following=asks)


Found = tuple[list[Page], list[str], int | None]
"""Pages, the ids of their projects, and where to go on, None at the end."""


def _searched(place: Roster, client: Client) -> Found:
    step, params = "list projects", {"startAt": place.start, "maxResults": PAGE_SIZE}
    answer = client.get(step, "project/search", {**params, "orderBy": "key"})
    found = read(step, answer, _PROJECTS)
    ids = [str(each.id) for each in found.values]
    before = rows.digest(place.covered[-PAGE_SIZE:])
    rows.check(step, answer, place.start, found.start_at, rows.digest(ids), before)
    end = place.start + len(found.values)
    is_last = not found.values or found.is_last is True
    if found.is_last is None:
        is_last = not found.values or (found.total is not None and end >= found.total)
    if end >= MAX_PAGES * PAGE_SIZE:
        detail = f"there are more than {end:,} projects"
        raise RefusedError(step, answer, detail, "name those to load by `projects`")
    page = Page(stream="projects", answer=answer)
    return [page], ids, None if is_last else end


def _all_at_once(client: Client) -> Found:
    step = "list projects"
    answer = client.get(step, "project")
    found = read(step, answer, _PROJECT_LIST)
    return [Page(stream="projects", answer=answer)], [str(each.id) for each in found], None


def _named(place: Roster, client: Client) -> Found:
    """Fetch some of the named projects; one that is not there is an error if it never was."""
    names = client.settings.project_names
    part = names[place.start : place.start + _NAMED_AT_ONCE]
    pages: list[Page] = []
    found: list[str] = []
    for name in part:
        step = f"find project {name}"
        answer = client.get(step, f"project/{quoted(name)}", accepting=(404,))
        if answer.status == 404:
            if not _was_loaded(place.covered + found, client):
                detail = (
                    "answered 404: no project has this key or id, or the account may not see it"
                )
                remedy = (
                    f"correct {name!r} in the setting `projects`, or permit the account to see it"
                )
                raise RefusedError(step, answer, detail, remedy)
            continue
        project = read(step, answer, PROJECT)
        if project.is_live:
            found.append(str(project.id))
            pages.append(Page(stream="projects", answer=answer))
    end = place.start + len(part)
    return pages, found, end if end < len(names) else None


def _was_loaded(covered: list[str], client: Client) -> bool:
    """Tell whether more projects are loaded than were found: then a lost one may be the named."""
    return bool(set(client.live.loaded_ids("projects")) - set(covered))


def fetch_fields(place: FieldList, client: Client) -> Fetched:
    """Fetch the fields; the walks of the projects follow, and, at the beginning, the boards."""
    page, custom = custom_fields(client)
    following = plan.walks(place.projects, custom, client.live)
    if client.settings.sprints and not place.is_catch_up:
        named = place.projects if client.settings.project_names else []
        following.append(ask_at(Boards(named), "sprints"))
    return Fetched(pages=[page], following=following)


def custom_fields(client: Client) -> tuple[Page, str]:
    """Fetch the fields; return the page and the custom fields, packed."""
    step = "list fields"
    answer = client.get(step, "field")
    fields = read(step, answer, _FIELDS)
    return Page(stream="fields", answer=answer), packed(field.id for field in fields)
