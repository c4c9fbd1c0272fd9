"""What a response body or a file holds: its records, none of them decoded yet.

A record that does not say itself what it belongs to comes in an envelope: the recordings'
`{"pull_number": N, "body": entity}`, or `{"node": entity, "repository": …, "pull_number": N}`
as `split` makes them of the nodes of a GraphQL response.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from common.brackets import cut
from common.errors import RecordError
from common.jsontext import decode, lines, strip_nul
from integrations.contract import Record
from integrations.providers.github.owner import Owner
from integrations.providers.github.responses import is_response, nodes
from integrations.providers.github.shapes import FullName, Number

_LISTS: Final = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECTS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST_MEMBERS: Final = ("items", "repositories", "deployments", "workflow_runs")
# Told before a line is decoded: members that a page has.
_MARKS_OF_PAGES: Final = (*(f'"{name}"'.encode() for name in _LIST_MEMBERS), b'"data"')
_ENTITY_MEMBERS: Final = frozenset(
    ("id", "databaseId", "fullDatabaseId", "number", "sha", "oid", "pull_number", "node", "commit")
)
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_IN_ENVELOPES: Final = ("pull_commits", "reviews")
_NODE_START: Final = b'{"node":'


class _Wrapped(msgspec.Struct):
    pull_number: Number | None = None
    repository: FullName | None = None
    body: msgspec.Raw = msgspec.Raw()
    node: msgspec.Raw = msgspec.Raw()


_WRAPPED: Final = msgspec.json.Decoder(_Wrapped, strict=False)  # a number may be text


def split(stream: str, body: bytes) -> Iterator[Record]:
    """Return the records of a page; raise RecordError if it is none.

    Takes an array, one entity, an object around an array, and a GraphQL response.
    """
    text = body.removeprefix(_BYTE_ORDER_MARK).strip()
    if not text:
        raise RecordError("malformed", "the body is empty")
    return (Record(position, entity) for position, entity in enumerate(_entities(stream, text)))


def split_lines(stream: str, body: bytes) -> Iterator[Record]:
    """Return the records of lines, each an entity or a page of them; position: the line, from 0.

    Blank lines are passed over but counted. A broken line is a record, which `normalize` refuses.
    """
    for position, line in enumerate(lines(body)):
        if text := line.removeprefix(_BYTE_ORDER_MARK).strip():
            for entity in _entities_of_line(stream, text):
                yield Record(position, entity)


def _entities_of_line(stream: str, line: bytes) -> list[bytes]:
    if not line.startswith(b"[") and not any(mark in line for mark in _MARKS_OF_PAGES):
        return [line]
    try:
        return _entities(stream, line)
    except RecordError:
        return [line]


def _entities(stream: str, text: bytes) -> list[bytes]:
    try:
        return _array(text) if text.startswith(b"[") else _members(stream, text, _object(text))
    except RecordError:
        # An entity that is no JSON costs only itself: `normalize` refuses it.
        found = cut(text, *_LIST_MEMBERS)
        if found is None:
            raise
        return found.entities


def _array(text: bytes) -> list[bytes]:
    try:
        entities = _LISTS.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        entities, _ = decode(text, _LISTS)
    return [bytes(entity) for entity in entities]


def _members(stream: str, text: bytes, members: dict[str, msgspec.Raw]) -> list[bytes]:
    if is_response(members):
        return nodes(stream, members)
    for name in _LIST_MEMBERS:
        if bytes(members.get(name, b"")).startswith(b"["):
            return _array(bytes(members[name]))
    if _ENTITY_MEMBERS.isdisjoint(members):
        found = strip_nul(", ".join(sorted(members)[:10]))
        raise RecordError("unexpected_shape", f"no page of {stream}: an object of {found}")
    return [text]


def _object(text: bytes) -> dict[str, msgspec.Raw]:
    """Return the members of a text that is one object, repaired if need be."""
    try:
        return _OBJECTS.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return decode(text, _OBJECTS)[0]


def unwrap(stream: str, body: bytes) -> tuple[Owner, str, bytes]:
    """Return what the entity of a record belongs to as far as is known, the entity's path in the
    record (empty, or with its dot) and the entity; raise RecordError."""
    if stream not in _IN_ENVELOPES and not body.startswith(_NODE_START):
        return Owner(), "", body
    wrapped, _ = decode(body, _WRAPPED)
    owner = Owner(strip_nul(wrapped.repository), wrapped.pull_number)
    if bytes(wrapped.node):
        return owner, "node.", bytes(wrapped.node)
    if bytes(wrapped.body).startswith(b"{"):
        return owner, "body.", bytes(wrapped.body)
    return owner, "", body
