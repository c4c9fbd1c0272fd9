"""A raw page as a person can read it: its records pretty-printed, within limits."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

import msgspec
import zstandard

from common.errors import PipelineError
from integrations.contract import Record
from integrations.models import RawPage
from integrations.raw import JSON_LINES, read
from integrations.registry import connector_for

SPLIT_BYTES: Final = 16 * 1024 * 1024
SHOWN_RECORDS: Final = 10
SHOWN_CHARACTERS: Final = 20_000
HEAD_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class ShownRecord:
    """One record. text: pretty JSON, or as it stands where it is none. cut: not all is shown."""

    position: int
    text: str
    cut: bool
    wanted: bool


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


def preview(page: RawPage, position: int | None) -> Preview:
    """Return what to show of a page, beginning with the record at this position."""
    if page.body_size > SPLIT_BYTES:
        return Preview([], head=_head(page), problem="The page is too large to be split here.")
    first = position or 0
    try:
        connector = connector_for(page.integration.provider)
        is_lines = page.media_type == JSON_LINES
        found = list(_window(connector.split(page.stream, read(page), is_lines=is_lines), first))
    except PipelineError as error:
        return Preview([], head=_head(page), problem=str(error))
    records = [_shown(record, position) for record in found[:SHOWN_RECORDS]]
    return Preview(
        records,
        first,
        previous=max(0, first - SHOWN_RECORDS) if first else None,
        following=first + SHOWN_RECORDS if len(found) > SHOWN_RECORDS else None,
    )


def _window(records: Iterator[Record], first: int) -> Iterator[Record]:
    return islice((record for record in records if record.position >= first), SHOWN_RECORDS + 1)


def _shown(record: Record, wanted: int | None) -> ShownRecord:
    try:
        text = msgspec.json.format(record.body, indent=2).decode("utf-8", "replace")
    except (msgspec.DecodeError, RecursionError):
        text = record.body[: SHOWN_CHARACTERS * 4].decode("utf-8", "replace")
    return ShownRecord(
        record.position,
        text[:SHOWN_CHARACTERS],
        len(text) > SHOWN_CHARACTERS,
        record.position == wanted,
    )


def _head(page: RawPage) -> str:
    with zstandard.ZstdDecompressor().stream_reader(bytes(page.body)) as body:
        return body.read(HEAD_BYTES).decode("utf-8", "replace")
