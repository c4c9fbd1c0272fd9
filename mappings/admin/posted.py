"""Ids that a browser sends."""

from typing import Final

_MOST_DIGITS: Final = 18
"""So many fit a column of ids of every database."""


def posted_id(text: str) -> int | None:
    """Return the id that a text names, None if it can be none."""
    is_id = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_id else None
