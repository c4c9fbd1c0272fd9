"""Cuts a page that no strict reader takes into its entities, so that a bad one costs only itself.

Half of a surrogate pair, or a NaN, in one of a hundred entities makes the whole body no JSON. What
brackets and strings it has still tells where each entity begins and ends.
"""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final, NamedTuple

import msgspec

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|["\]\[{},:]', re.DOTALL)
_OPENED_BY: Final = {b"]": b"[", b"}": b"{"}
_JSON: Final = msgspec.json.Decoder(msgspec.Raw)
_NULL: Final = b"null"


class Cut(NamedTuple):
    """A page and its entities. head: the page with its list of them emptied."""

    head: bytes
    entities: list[bytes]


def cut(body: bytes, *names: str) -> Cut | None:
    """Cut the list that a body is, or that its member of one of these names is.

    None if there is none, or if strings and brackets do not end, as in a body that broke off.
    """
    members = _quoted(names)

    def is_wanted(depth: int, before: bytes, last: bytes) -> bool:
        return depth == 0 or (depth == 1 and before in members and last == b":")

    lists = _lists(body, is_wanted)
    if not lists:
        return None
    bounds = lists[0]
    entities = [body[low + 1 : high].strip() for low, high in pairwise(bounds)]
    head = body[: bounds[0] + 1] + body[bounds[-1] :]
    return Cut(head, [] if entities == [b""] else entities)


def mended(body: bytes, *names: str) -> bytes | None:
    """Return a body in whose lists of these names, at any depth, null stands for what is no JSON.

    As little as can be is given up: of an entity that has such lists itself, those entities. None
    if that leaves no JSON, or there is nothing to mend.
    """
    members = _quoted(names)

    def is_wanted(depth: int, before: bytes, last: bytes) -> bool:
        return before in members and last == b":"

    parts: list[bytes] = []
    end = 0
    for bounds in _lists(body, is_wanted):
        parts.append(body[end : bounds[0] + 1])
        entities = (body[low + 1 : high] for low, high in pairwise(bounds))
        parts.append(b",".join(_mended_entity(entity, names) for entity in entities))
        end = bounds[-1]
    whole = b"".join([*parts, body[end:]])
    return whole if whole != body and _is_json(whole) else None


def _mended_entity(entity: bytes, names: tuple[str, ...]) -> bytes:
    if not entity.strip() or _is_json(entity):
        return entity
    return mended(entity, *names) or _NULL


def _is_json(body: bytes) -> bool:
    try:
        _JSON.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _quoted(names: tuple[str, ...]) -> list[bytes]:
    return [f'"{name}"'.encode() for name in names]


def _lists(body: bytes, is_wanted: Callable[[int, bytes, bytes], bool]) -> list[list[int]]:
    """Return of each wanted list where it begins, where its commas are, and where it ends.

    is_wanted: tells it by its depth and the two tokens before it; of lists within each other the
    outer one is taken. Nothing is returned if brackets or strings do not end.
    """
    found: list[list[int]] = []
    stack: list[bytes] = []
    level = 0  # of the list that is being read, 0 for none
    for token, at, before, last in _tokens(body):
        if token == b'"':
            return []
        if token in (b"[", b"{"):
            if token == b"[" and not level and is_wanted(len(stack), before, last):
                found.append([at])
                level = len(stack) + 1
            stack.append(token)
        elif token in _OPENED_BY:
            if not stack or stack.pop() != _OPENED_BY[token]:
                return []
            if len(stack) == level - 1:
                found[-1].append(at)
                level = 0
        elif token == b"," and level and len(stack) == level:
            found[-1].append(at)
    return [] if stack else found


def _tokens(body: bytes) -> Iterator[tuple[bytes, int, bytes, bytes]]:
    """Yield each token with its place and the two tokens before it."""
    before = last = b""
    for match in _TOKEN.finditer(body):
        token = match[0]
        yield token, match.start(), before, last
        before, last = last, token
