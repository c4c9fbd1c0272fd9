"""A raw page as a person can read it: its records pretty-printed, one place of them marked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

import msgspec
import zstandard

from common.errors import PipelineError
from common.jsonplaces import Place, find
from integrations.contract import Record
from integrations.models import RawPage
from integrations.raw import JSON_LINES, read
from integrations.registry import connector_for

SPLIT_BYTES: Final = 16 * 1024 * 1024
SHOWN_RECORDS: Final = 10
SHOWN_CHARACTERS: Final = 20_000
AROUND_CHARACTERS: Final = 5_000
"""Of a record that is cut, so much is shown on either side of the marked place."""
HEAD_CHARACTERS: Final = 2_000
HEAD_BYTES: Final = 64 * 1024
MOST_PLACES: Final = 12
MOST_PATH_CHARACTERS: Final = 500


@dataclass(frozen=True)
class Asked:
    """What of a page is to be shown.

    record: the position to begin with. source_id: of the record's entity, for positions that
    several records share. paths: the place to mark, the best of several first.
    """

    record: int | None = None
    source_id: str = ""
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Piece:
    """A piece of a record's text. is_marked: the place asked for. left_out: characters before."""

    text: str
    is_marked: bool = False
    left_out: int = 0


@dataclass(frozen=True)
class ShownRecord:
    """One record. pieces: of pretty JSON, or of it as it stands where it is none.

    cut: how many characters are left out. place: the marked one; missing: its path if it is not
    all there.
    """

    position: int
    pieces: list[Piece]
    cut: int
    wanted: bool
    place: Place | None = None
    missing: str = ""


@dataclass(frozen=True)
class Preview:
    """records: from `first` on; `previous` and `following` are where to go on, if anywhere.

    head: the beginning of the body where it cannot be split into records; problem says why.
    """

    records: list[ShownRecord]
    first: int = 0
    previous: int | None = None
    following: int | None = None
    head: str = ""
    problem: str = ""


def asked(record: str, source_id: str, paths: Sequence[str]) -> Asked:
    """Return what an address asks for; what makes no sense in it is passed over."""
    position = int(record) if record.isascii() and record.isdigit() and len(record) < 9 else None
    known = tuple(path for path in paths[:MOST_PLACES] if len(path) <= MOST_PATH_CHARACTERS)
    return Asked(position, source_id[:200], known if position is not None else ())


def preview(page: RawPage, wanted: Asked) -> Preview:
    """Return what to show of a page, beginning with the record that is asked for."""
    if page.body_size > SPLIT_BYTES:
        return Preview([], head=_head(page), problem="The page is too large to be split here.")
    first = wanted.record or 0
    try:
        connector = connector_for(page.integration.provider)
        is_lines = page.media_type == JSON_LINES
        found = list(_window(connector.split(page.stream, read(page), is_lines=is_lines), first))
    except PipelineError as error:
        return Preview([], head=_head(page), problem=str(error))
    chosen = _chosen(found, wanted)
    records = [
        _shown(record, number == chosen, wanted.paths if number == chosen else ())
        for number, record in enumerate(found[:SHOWN_RECORDS])
    ]
    return Preview(
        records,
        first,
        previous=max(0, first - SHOWN_RECORDS) if first else None,
        following=first + SHOWN_RECORDS if len(found) > SHOWN_RECORDS else None,
    )


def _window(records: Iterator[Record], first: int) -> Iterator[Record]:
    return islice((record for record in records if record.position >= first), SHOWN_RECORDS + 1)


def _chosen(records: Sequence[Record], wanted: Asked) -> int | None:
    """Return which record is asked for; those of one line of a file share its position."""
    at = [n for n, record in enumerate(records) if record.position == wanted.record]
    if len(at) > 1 and wanted.source_id:
        mark = wanted.source_id.encode()
        at = [n for n in at if mark in records[n].body] or at
    return at[0] if at else None


def _shown(record: Record, is_wanted: bool, paths: Sequence[str]) -> ShownRecord:
    try:
        text = msgspec.json.format(record.body, indent=2).decode("utf-8", "replace")
    except (msgspec.DecodeError, RecursionError):
        text = record.body.decode("utf-8", "replace")
    place = find(text, paths) if paths else None
    pieces = _pieces(text, place)
    return ShownRecord(
        record.position,
        pieces,
        len(text) - sum(len(piece.text) for piece in pieces),
        is_wanted,
        place,
        "" if not paths or (place and place.is_whole) else paths[0],
    )


def _pieces(text: str, place: Place | None) -> list[Piece]:
    """Cut a text to what a page bears; the marked place is always among it."""
    if place is None:
        return [Piece(text[:SHOWN_CHARACTERS])]
    marked = Piece(text[place.start : min(place.end, place.start + SHOWN_CHARACTERS)], True)
    after = text[place.end :]
    if len(text) <= SHOWN_CHARACTERS:
        return [Piece(text[: place.start]), marked, Piece(after)]
    if marked.text != text[place.start : place.end]:
        after = ""
    begin = max(0, place.start - AROUND_CHARACTERS)
    if begin <= HEAD_CHARACTERS:
        before = [Piece(text[: place.start])]
    else:
        begin = text.find("\n", begin, place.start) + 1 or begin
        head = text[:HEAD_CHARACTERS]
        head = head[: head.rfind("\n") + 1] or head
        before = [Piece(head), Piece(text[begin : place.start], left_out=begin - len(head))]
    return [*before, marked, Piece(after[:AROUND_CHARACTERS])]


def _head(page: RawPage) -> str:
    with zstandard.ZstdDecompressor().stream_reader(bytes(page.body)) as body:
        return body.read(HEAD_BYTES).decode("utf-8", "replace")
