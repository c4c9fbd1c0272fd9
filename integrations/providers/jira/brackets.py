"""Cuts a page that no strict reader takes into its entities, so that a bad one costs only itself.

Half of a surrogate pair, or a NaN, in one of a hundred issues makes the whole body no JSON. What
brackets and strings it has still tells where each entity begins and ends.
"""

import re
from itertools import pairwise
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|["\]\[{},:]', re.DOTALL)
_OPENED_BY: Final = {b"]": b"[", b"}": b"{"}


class Cut(NamedTuple):
    """A page and its entities. head: the page with its list of them emptied."""

    head: bytes
    entities: list[bytes]


def cut(body: bytes, *names: str) -> Cut | None:
    """Cut the list that a body is, or that its member of one of these names is.

    None if there is none, or if strings and brackets do not end, as in a body that broke off.
    """
    bounds = _bounds(body, [f'"{name}"'.encode() for name in names])
    if bounds is None:
        return None
    entities = [body[low + 1 : high].strip() for low, high in pairwise(bounds)]
    head = body[: bounds[0] + 1] + body[bounds[-1] :]
    return Cut(head, [] if entities == [b""] else entities)


def _bounds(body: bytes, names: list[bytes]) -> list[int] | None:
    """Return where the list begins, where its commas are, and where it ends."""
    stack: list[bytes] = []
    bounds: list[int] = []
    level, is_over = 0, False
    before = last = b""
    for match in _TOKEN.finditer(body):
        token, at = match[0], match.start()
        if token == b'"':
            return None
        if token in (b"[", b"{"):
            is_list = not stack or (len(stack) == 1 and before in names and last == b":")
            stack.append(token)
            if token == b"[" and is_list and not bounds:
                bounds, level = [at], len(stack)
        elif token in _OPENED_BY:
            if not stack or stack.pop() != _OPENED_BY[token]:
                return None
            if bounds and not is_over and len(stack) == level - 1:
                bounds.append(at)
                is_over = True
        elif token == b"," and bounds and not is_over and len(stack) == level:
            bounds.append(at)
        before, last = last, token
    return bounds if is_over and not stack else None
