"""Fetching: what is asked of a source, what it gave, and what a connector may use meanwhile.

A connector walks a source by asks. One ask is one step of the queue: `fetch` does its requests,
gives what is to be kept, and says what to ask next; all of that commits together. An ask is kept
as JSON, so that any worker can go on where another stopped.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal, Protocol

import msgspec

from common.http import Answer, Site

Mode = Literal["incremental", "full", "backfill"]

DELETED: Final = "deleted"
MOVED: Final = "moved"
NOT_VISIBLE: Final = "not_visible"


class Ask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to ask a source next.

    stream: the stream that it is for, by which it is counted. part: the slice of the stream that
    is walked on its own, such as a project or a repository. place: the connector's own position
    in the walk, as JSON. key: unique in a run; asking the same again is no new ask.
    """

    stream: str
    key: str
    part: str = ""
    place: dict[str, Any] = {}


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that is kept. stream: whose records it holds; is_data: they are to be loaded."""

    stream: str
    answer: Answer
    is_data: bool = True


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How far a part of a stream is covered, in the source's own terms.

    It becomes the checkpoint when the run has ended and nothing of the part was given up.
    """

    stream: str
    part: str
    value: dict[str, Any]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Ids that a census found alive. part: as of `Ask`. is_last: the census of it is complete."""

    table: str
    part: str
    ids: list[str]
    is_last: bool


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What a complete census says of a part.

    missing: alive at the source and not loaded; extra: loaded as alive and not found there.
    """

    table: str
    part: str
    missing: list[str]
    extra: list[str]


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that are no longer there, and why: DELETED, MOVED or NOT_VISIBLE.

    ids: their source ids; None for every row of the part (see `warehouse.tombstones`).
    """

    table: str
    reason: str
    ids: list[str] | None = None
    part: str = ""


class Fetched(msgspec.Struct, kw_only=True):
    """What one ask gave. notes: lines for the run's log."""

    pages: list[Page] = []
    following: list[Ask] = []
    marks: list[Mark] = []
    seen: list[Seen] = []
    gone: list[Gone] = []
    notes: list[str] = []


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a connection test. step: what was tried (`sign in`). request: `GET /…`.

    detail: what was found, or what went wrong; remedy: what to do about it.
    """

    step: str
    request: str
    is_ok: bool
    detail: str
    remedy: str = ""


class Live(Protocol):
    """What a connector may use while it fetches."""

    settings: Any
    mode: Mode
    started_at: datetime
    """When the run was started."""
    since: datetime | None
    until: datetime | None
    """The window of a backfill: from, inclusive, to, exclusive."""

    @property
    def site(self) -> Site:
        """The source, signed in; its address is the one that the connector's `access` gave."""

    def mark(self, stream: str, part: str) -> Mapping[str, Any] | None:
        """Return the checkpoint of a part, None if it was never covered or the mode is full."""

    def is_resumed(self, stream: str, part: str) -> bool:
        """Tell whether the walk of this part is to go on from where an earlier run stopped, and not
        to begin here."""

    def loaded_ids(self, table: str, part: str = "") -> list[str]:
        """Return the source ids of the live rows of a table, or of a part of it."""
