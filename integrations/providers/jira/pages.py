"""A response body → records, by what it holds and without decoding them."""

from collections.abc import Iterator
from typing import Final

import msgspec

from common import jsontext
from common.brackets import cut
from common.errors import RecordError
from integrations.contract import Record

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class _Body(msgspec.Struct, rename="camel", gc=False):
    """One JSON object: an entity, which has an id, or a page, which has a list of them."""

    id: msgspec.Raw = msgspec.Raw()
    account_id: msgspec.Raw = msgspec.Raw()
    key: msgspec.Raw = msgspec.Raw()
    name: msgspec.Raw = msgspec.Raw()
    issues: msgspec.Raw = msgspec.Raw()
    values: msgspec.Raw = msgspec.Raw()
    issue_types: msgspec.Raw = msgspec.Raw()
    issue_id: msgspec.Raw = msgspec.Raw()
    issue_change_logs: msgspec.Raw = msgspec.Raw()


_BODY: Final = msgspec.json.Decoder(_Body | list[msgspec.Raw])
_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])
# Told before a line is decoded: what a page of the stream holds its entities in.
_LISTS: Final = {
    "issues": ("issues",),
    "issue_types": ("values", "issueTypes"),
    "changelogs": ("issueChangeLogs",),
}
_LIST_NAMES: Final = {
    stream: tuple(f'"{name}"'.encode() for name in names) for stream, names in _LISTS.items()
}


def split(stream: str, body: bytes) -> Iterator[Record]:
    """Split a JSON list, a page of the API or one entity into records.

    position: the place in the list, from 0. An entity that is no JSON costs only itself:
    `normalize` refuses it. Raises RecordError for anything else.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    if not body or body.isspace():
        raise RecordError("malformed", "the body is empty")
    try:
        whole = _BODY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        reason = "too_deep" if isinstance(error, RecursionError) else "malformed"
        return _listed(_cut_apart(stream, body, RecordError(reason, f"not JSON: {error}")))
    if isinstance(whole, list):
        return _listed(whole)
    return _listed(_entities(stream, body, whole))


def _cut_apart(stream: str, body: bytes, error: RecordError) -> list[bytes]:
    """Return the entities of a page that is no JSON for one of them; else raise the error."""
    found = cut(body, *_LISTS.get(stream, ("values",)))
    if found is None:
        raise error
    return found.entities


def split_lines(stream: str, body: bytes) -> Iterator[Record]:
    """Split lines, each an entity or a page of them, into records; position: the line, from 0.

    Blank lines are passed over but counted. A broken line is a record, which `normalize` refuses.
    """
    for position, line in enumerate(jsontext.lines(body)):
        if text := line.removeprefix(_BYTE_ORDER_MARK).strip():
            for entity in _entities_of_line(stream, text):
                yield Record(position, bytes(entity))


def _entities_of_line(stream: str, line: bytes) -> list[msgspec.Raw] | list[bytes]:
    if not line.startswith(b"[") and not any(
        name in line for name in _LIST_NAMES.get(stream, (b'"values"',))
    ):
        return [line]
    try:
        whole = _BODY.decode(line)
        return whole if isinstance(whole, list) else _entities(stream, line, whole)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, RecordError):
        return [line]


def _listed(entities: list[msgspec.Raw] | list[bytes]) -> Iterator[Record]:
    return (Record(position, bytes(entity)) for position, entity in enumerate(entities))


def _entities(stream: str, body: bytes, whole: _Body) -> list[msgspec.Raw]:
    """Return the entities of a page, or the one that the body itself is."""
    if _is_entity(stream, whole):
        return [msgspec.Raw(body)]
    held = {"issues": whole.issues, "changelogs": whole.issue_change_logs}.get(stream, whole.values)
    if stream == "issue_types" and not held:
        held = whole.issue_types
    if not held:
        raise RecordError("unexpected_shape", f"no page of {stream}: it holds no list of them")
    try:
        return _LIST.decode(held)
    except msgspec.MsgspecError as error:
        raise RecordError("unexpected_shape", f"no page of {stream}: {error}") from None


def _is_entity(stream: str, whole: _Body) -> bool:
    if stream == "users" and (whole.account_id or whole.key or whole.name):
        return True
    return bool(whole.id or (stream == "changelogs" and whole.issue_id))
