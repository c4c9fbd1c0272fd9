"""Discovery: the projects, boards and custom fields that an account sees."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar

import msgspec

from integrations.contract import Discovery, Found, Live

from .client import Client, read
from .refusals import EndlessError
from .settings import BOARDS, CUSTOM_FIELDS, PROJECTS
from .tokens import MAX_PAGES

DISCOVERIES: Final = (
    Discovery(slug=PROJECTS, label="Projects"),
    Discovery(slug=BOARDS, label="Boards"),
    Discovery(slug=CUSTOM_FIELDS, label="Custom fields"),
)
_PAGE_SIZE: Final = 50
_TYPES: Final = {
    "software": "Software",
    "business": "Business",
    "service_desk": "Service desk",
    "product_discovery": "Product discovery",
}


class _Project(msgspec.Struct, rename="camel"):
    key: str
    name: str = ""
    project_type_key: str | None = None
    archived: bool = False


class _Place(msgspec.Struct, rename="camel"):
    project_key: str | None = None


class _Board(msgspec.Struct):
    id: int | str
    name: str = ""
    type: str = ""
    location: _Place | None = None


class _Schema(msgspec.Struct):
    type: str = ""
    custom: str = ""
    items: str = ""


class _Field(msgspec.Struct):
    id: str
    name: str = ""
    schema: _Schema | None = None


class _Projects(msgspec.Struct, rename="camel"):
    values: list[_Project]
    is_last: bool | None = None


class _Boards(msgspec.Struct, rename="camel"):
    values: list[_Board]
    is_last: bool | None = None


P = TypeVar("P", _Projects, _Boards)

_PROJECTS: Final = msgspec.json.Decoder(_Projects)
_PROJECT_LIST: Final = msgspec.json.Decoder(list[_Project])
_BOARDS: Final = msgspec.json.Decoder(_Boards)
_FIELDS: Final = msgspec.json.Decoder(list[_Field])


def discover(live: Live, slug: str, search: str) -> Iterator[Found]:
    """Give what there is of one of DISCOVERIES; Jira Cloud searches its projects itself."""
    found: Mapping[str, Callable[[Client, str], Iterator[Found]]] = {
        PROJECTS: _projects,
        BOARDS: _boards,
        CUSTOM_FIELDS: _custom_fields,
    }
    return found[slug](Client(live), search)


def _projects(client: Client, search: str) -> Iterator[Found]:
    step = "list projects"
    if not client.settings.is_cloud:
        listed = read(step, client.get(step, "project"), _PROJECT_LIST)
        yield from map(_project, listed)
        return
    params: dict[str, str | int] = {"orderBy": "key", "maxResults": _PAGE_SIZE}
    if search:
        params["query"] = search
    for page in _pages(client, step, "project/search", params, _PROJECTS):
        yield from map(_project, page.values)


def _boards(client: Client, search: str) -> Iterator[Found]:
    step = "list boards"
    params: dict[str, str | int] = {"type": "scrum", "maxResults": _PAGE_SIZE}
    if search:
        params["name"] = search
    for page in _pages(client, step, "/rest/agile/1.0/board", params, _BOARDS):
        for board in page.values:
            where = board.location.project_key if board.location else None
            yield Found(value=str(board.id), name=board.name, detail=where or "", marks=("scrum",))


def _custom_fields(client: Client, search: str) -> Iterator[Found]:
    step = "list fields"
    for field in read(step, client.get(step, "field"), _FIELDS):
        if field.id.startswith("customfield_"):
            schema = field.schema or _Schema()
            kind = schema.custom.rpartition(":")[2] or schema.type
            yield Found(value=field.id, name=field.name, detail=kind)


def _pages(
    client: Client,
    step: str,
    path: str,
    params: Mapping[str, str | int],
    decoder: msgspec.json.Decoder[P],
) -> Iterator[P]:
    """Give the pages of a list; raise EndlessError for one that does not end."""
    start = 0
    for _ in range(MAX_PAGES):
        answer = client.get(step, path, {**params, "startAt": start})
        page = read(step, answer, decoder)
        yield page
        if not page.values or page.is_last is not False:
            return
        start += len(page.values)
    raise EndlessError(step, answer, f"gives more than {start:,} rows", "search for a part")


def _project(project: _Project) -> Found:
    kind = project.project_type_key or ""
    return Found(
        value=project.key,
        name=project.name,
        detail=_TYPES.get(kind, kind),
        marks=("archived",) if project.archived else (),
    )
