"""Turns a raw page into a staged page: split, skip what did not change, normalize, format."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import msgspec

from common.digest import record_digest
from common.errors import RecordError
from integrations.contract import Connector, Normalized, Problem, Record, Stream, stream_named
from integrations.models import RawPage
from integrations.raw import JSON_LINES, read
from integrations.settings import read_settings
from warehouse.merge import Batch, fetch
from warehouse.staging import StagedRows, format_time
from warehouse.tables import BY_NAME, Table

logger = logging.getLogger(__name__)

_DEADLY = "reading it ended the process that did, again and again"
_EXCERPT_BYTES = 500
_IDS_A_QUERY = 500


@dataclass
class Transformed:
    """What became of a page: the body of its staged page, problems and counts of records."""

    body: bytes = b""
    item_count: int = 0
    row_count: int = 0
    record_count: int = 0
    unchanged: set[int] = field(default_factory=set)
    """Positions all of whose records are loaded already, exactly so."""
    problems: list[Problem] = field(default_factory=list)


def transform_page(
    page: RawPage,
    connector: Connector,
    force: bool = False,
    deadly: Collection[int] = (),
    on_record: Callable[[int | None], None] | None = None,
) -> Transformed:
    """Transform a raw page. force: do not skip what is loaded already.

    deadly: indexes of records whose reading ended the process; they are set aside unread.
    on_record: told the index of each record before it is read, None when all are.
    """
    stream = stream_named(connector, page.stream)
    settings = read_settings(connector, page.integration)
    fingerprint = _fingerprint(connector, settings)
    rows = StagedRows(stream.table, page.pk, page.fetched_at, fingerprint)
    done = Transformed()
    body, is_lines = read(page), page.media_type == JSON_LINES
    try:
        records = list(connector.split(stream.name, body, is_lines=is_lines))
    except RecordError as error:
        done.problems.append(_problem(error, Record(position=0, body=body)))
        return done
    done.record_count = len(records)
    digests = [record_digest(record.body) for record in records]
    if not force:
        same = set(_unchanged(page, stream, records, digests, fingerprint))
        changed = {record.position for n, record in enumerate(records) if n not in same}
        done.unchanged = {record.position for record in records} - changed
    for index, (record, digest) in enumerate(zip(records, digests, strict=True)):
        if record.position in done.unchanged:
            continue
        try:
            if index in deadly:
                raise RecordError("deadly", _DEADLY)
            if on_record is not None:
                on_record(index)
            normalized = _normalize(connector, stream, record, settings)
        except RecordError as error:
            done.problems.append(_problem(error, record))
            continue
        rows.add(normalized.drafts, record.position, digest)
        done.problems += normalized.problems
    if on_record is not None:
        on_record(None)
    done.body = rows.encode()
    done.row_count, done.item_count = rows.row_count, rows.item_count
    return done


def _normalize(connector: Connector, stream: Stream, record: Record, settings: Any) -> Normalized:
    """Normalize a record; a fault in the provider costs this record, not its page."""
    try:
        return connector.normalize(stream.name, record, settings)
    except (RecordError, MemoryError):
        raise
    except Exception as error:
        logger.exception("%s cannot read a record of %s", connector.slug, stream.name)
        raise RecordError("fault", f"{type(error).__name__}: {error}") from error


def _fingerprint(connector: Connector, settings: Any) -> int:
    """Return a digest of all that decides what a record's bytes become."""
    read_by = {name: getattr(settings, name) for name in connector.reading_settings}
    encoded = msgspec.json.encode(read_by, order="sorted")
    return record_digest(f"{connector.slug} {connector.version} ".encode() + encoded)


def _problem(error: RecordError, record: Record) -> Problem:
    return Problem(
        severity="record",
        reason=error.reason,
        detail=error.detail,
        position=record.position,
        path=error.path,
        excerpt=record.body[:_EXCERPT_BYTES].decode(errors="replace").replace("\0", ""),
    )


@cache
def _key_reader(key: str) -> msgspec.json.Decoder[Any]:
    """Return a decoder that reads only a record's key, twenty times faster than all of it."""
    return msgspec.json.Decoder(
        msgspec.defstruct("KeyOnly", [("key", str | int)], rename={"key": key})
    )


def _unchanged(
    page: RawPage,
    stream: Stream,
    records: Iterable[Record],
    digests: Sequence[int],
    fingerprint: int,
) -> Iterator[int]:
    """Yield the indexes of records that are loaded with this digest and fingerprint.

    They are not positions: the records of a line that holds a page share one.
    """
    if stream.key is None or BY_NAME[stream.table].is_child:
        return
    reader = _key_reader(stream.key)
    indexes: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        try:
            key = str(reader.decode(record.body).key)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue  # normalize says what is wrong with it
        if "\0" not in key:  # PostgreSQL cannot be asked for it
            indexes.setdefault(key, []).append(index)
    ids = list(indexes)
    for start in range(0, len(ids), _IDS_A_QUERY):
        chunk = ids[start : start + _IDS_A_QUERY]
        for source_id, digest in _digests(page, BY_NAME[stream.table], chunk, fingerprint):
            yield from (n for n in indexes[source_id] if digests[n] == digest)


def _digests(
    page: RawPage, table: Table, source_ids: list[str], fingerprint: int
) -> list[tuple[str, int]]:
    """Return source_id and digest of the live rows that were read with this fingerprint."""
    batch = Batch(page.tenant_id, page.integration_id, 0)
    marks = ", ".join(["%s"] * len(source_ids))
    alive = " AND deleted_at IS NULL" if table.has_tombstone else ""
    if not table.is_timed:
        # Of an untimed row the last fetch wins, so the row must learn that it was seen again.
        alive += f" AND fetched_at >= '{format_time(page.fetched_at)}'"
    return fetch(
        f"SELECT source_id, digest FROM {table.model._meta.db_table} t WHERE {batch.owns('t')}"
        f" AND source_id IN ({marks}) AND fingerprint = {fingerprint}{alive}",
        source_ids,
    )
