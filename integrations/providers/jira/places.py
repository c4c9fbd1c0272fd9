"""Where a walk stands: what an ask carries from one step to the next, as JSON."""

from typing import Any, Final, TypeAlias

import msgspec

from common.digest import content_digest
from integrations.contract import Ask


class Place(
    msgspec.Struct, frozen=True, omit_defaults=True, tag_field="step", forbid_unknown_fields=True
):
    """Base of all places; the tag says which step of which walk it is."""


class Listing(Place, frozen=True, tag="list"):
    """All issue types, or all statuses, in one request."""


class Roster(Place, frozen=True, tag="roster"):
    """A page of the projects. covered: the ids found so far. is_census: only looked at."""

    start: int = 0
    covered: list[str] = []
    is_census: bool = False


class FieldList(Place, frozen=True, tag="fields"):
    """The fields of the site; the walks of these projects follow.

    is_catch_up: of projects that were just walked whole.
    """

    projects: list[str]
    is_catch_up: bool = False


class First(Place, frozen=True, tag="first"):
    """The newest update of projects that are to be walked whole."""

    projects: list[str]
    fields: str


class Slice(Place, frozen=True, kw_only=True):
    """Which items of a project, or of several, are walked, and how.

    fields: the custom fields to ask for, see `fields`. low, high: created between (minutes since
    1970); since, until: updated between (ms since 1970); each from, inclusive, to, exclusive, and
    None for no bound. mark: the mark so far (ms), None if none is to move.
    """

    fields: str
    low: int | None = None
    high: int | None = None
    since: int | None = None
    until: int | None = None
    mark: int | None = None


class Split(Slice, frozen=True, tag="split", kw_only=True):
    """A slice of a project, which is walked at once or cut in two.

    left, right: between what it is cut (minutes). count: of its items, None if not known yet.
    """

    left: int | None = None
    right: int | None = None
    count: int | None = None


class Walk(Slice, frozen=True, tag="walk", kw_only=True):
    """A page of issues, in the order of their last update.

    projects: by their ids, since when (ms) each is walked, None for ever; their marks move at the
    end. is_of_changes: the mark becomes the greatest update seen. token: of this page. tokens:
    digests of earlier ones. seen: the greatest update seen (ms). reached: no item that was not
    seen yet was updated before (ms). page: its number. renewed: how often the query was begun
    anew without getting on. start, last: of Data Center, the rows before this page and the id of
    the last of them.
    """

    projects: dict[str, int | None]
    is_of_changes: bool = False
    token: str = ""
    tokens: dict[str, int] = {}
    seen: int | None = None
    reached: int | None = None
    page: int = 1
    renewed: int = 0
    start: int = 0
    last: str = ""


class Histories(Place, frozen=True, tag="histories"):
    """A page of the whole histories of items."""

    ids: list[str]
    token: str = ""
    tokens: dict[str, int] = {}
    page: int = 1
    renewed: int = 0


class Boards(Place, frozen=True, tag="boards"):
    """A page of the boards of these projects. before: what the page before held."""

    projects: list[str]
    start: int = 0
    before: str = ""


class BoardSprints(Place, frozen=True, tag="sprints"):
    """A page of the sprints of a board. before: what the page before held."""

    board: str
    start: int = 0
    before: str = ""


class Census(Place, frozen=True, tag="census"):
    """A page of the ids of a project's items.

    renewed: how often it was begun anew. start, before: of Data Center, the rows before it and
    what the page before held.
    """

    token: str = ""
    tokens: dict[str, int] = {}
    page: int = 1
    renewed: int = 0
    start: int = 0
    before: str = ""


class LostProjects(Place, frozen=True, tag="lost projects"):
    """Loaded projects that are not among those that can be seen."""

    ids: list[str]


class Missing(Place, frozen=True, tag="missing"):
    """Items that are at the source and not loaded."""

    ids: list[str]


class Changed(Place, frozen=True, tag="changed"):
    """Items that webhooks were about. is_checked: they are known to match the settings' JQL."""

    ids: list[str]
    is_checked: bool = False


class Extra(Place, frozen=True, tag="extra"):
    """Items that are loaded and were not found at the source."""

    ids: list[str]


class Lost(Place, frozen=True, tag="lost"):
    """Items that were not found together either; each is asked for by itself."""

    ids: list[str]


AnyPlace: TypeAlias = (
    Listing
    | Roster
    | FieldList
    | First
    | Split
    | Walk
    | Histories
    | Boards
    | BoardSprints
    | Census
    | LostProjects
    | Missing
    | Changed
    | Extra
    | Lost
)

_TYPE: Final[Any] = AnyPlace


def ask_at(place: AnyPlace, stream: str, part: str = "") -> Ask:
    """Return the ask of a place; its key follows from part and place."""
    kept = msgspec.to_builtins(place)
    digest = content_digest(msgspec.json.encode(kept, order="deterministic"))[:16]
    number = getattr(place, "page", 1)
    key = f"{stream}/{kept['step']}/{part}/{number}-{digest}"
    return Ask(stream=stream, key=key, part=part, place=kept)


def place_of(ask: Ask) -> AnyPlace:
    """Return the place that an ask carries."""
    place: AnyPlace = msgspec.convert(ask.place, _TYPE)
    return place
