"""Connections: a stretch of an ordered list, found again by the keys of its ends."""

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sandbox.github.graphql.problems import QueryError

R = TypeVar("R")
Key = tuple[int, ...]
Args = dict[str, Any]
_PREFIX = "cursor:v2:"


@dataclass(frozen=True)
class Connection(Generic[R]):
    """A stretch of rows. node: makes the node of a row; key: what a row's cursor says."""

    rows: Sequence[R]
    total: int
    has_next: bool
    has_previous: bool
    key: Callable[[R], Key]
    node: Callable[[R], Any]

    def nodes(self) -> list[Any]:
        """Return the nodes."""
        return [self.node(row) for row in self.rows]

    def edges(self) -> list[dict[str, Any]]:
        """Return the nodes, each with its cursor."""
        return [{"cursor": write_cursor(self.key(r)), "node": self.node(r)} for r in self.rows]

    def page_info(self) -> dict[str, Any]:
        """Return where it begins and ends, and whether there is more."""
        return {
            "startCursor": write_cursor(self.key(self.rows[0])) if self.rows else None,
            "endCursor": write_cursor(self.key(self.rows[-1])) if self.rows else None,
            "hasNextPage": self.has_next,
            "hasPreviousPage": self.has_previous,
        }


def connect(
    rows: Sequence[R],
    args: Args,
    *,
    key: Callable[[R], Key],
    node: Callable[[R], Any],
    descending: bool = False,
) -> Connection[R]:
    """Return the stretch that `first`, `after`, `last` and `before` name.

    rows: ascending by key. Raises QueryError for a cursor that is none.
    """
    low, high = 0, len(rows)
    after, before = args.get("after"), args.get("before")
    if descending:
        after, before = before, after
    if after is not None:
        low = bisect_right(rows, read_cursor(after), key=key)
    if before is not None:
        high = max(low, bisect_left(rows, read_cursor(before), key=key))
    start, end = low, high
    first, last = args.get("first"), args.get("last")
    if descending:
        first, last = last, first
    if first is not None:
        end = min(high, low + first)
    if last is not None:
        start = max(start, end - last)
    chosen = rows[start:end]
    is_more = (end < len(rows), start > 0)
    return Connection(
        rows=chosen[::-1] if descending else chosen,
        total=len(rows),
        has_next=is_more[1] if descending else is_more[0],
        has_previous=is_more[0] if descending else is_more[1],
        key=key,
        node=node,
    )


def write_cursor(key: Key) -> str:
    """Return a key as an opaque text."""
    return base64.b64encode(f"{_PREFIX}{json.dumps(key)}".encode()).decode()


def read_cursor(cursor: str) -> Key:
    """Return the key in a cursor; raise QueryError if there is none."""
    try:
        text = base64.b64decode(cursor, validate=True).decode()
        key = json.loads(text.removeprefix(_PREFIX))
        if text.startswith(_PREFIX) and key and all(type(part) is int for part in key):
            return tuple(key)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        pass
    shown = cursor[:80]
    raise QueryError("INVALID_CURSOR_ARGUMENTS", f"`{shown}` does not appear to be a valid cursor.")
