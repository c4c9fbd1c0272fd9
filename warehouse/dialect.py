"""The few words that PostgreSQL and SQLite say differently, as SQL fragments.

SQLite holds instants as Django writes them: text, UTC, `YYYY-MM-DD HH:MM:SS[.ffffff]`.
"""

from typing import Final

from django.db import connection

# Only whole seconds go through unixepoch(): of a fraction it would keep milliseconds.
_SQLITE_INSTANT: Final = (
    "(unixepoch(substr({0}, 1, 19)) * 1000000"
    " + CAST(substr(substr({0}, 21) || '000000', 1, 6) AS INTEGER))"
)
_ELAPSED: Final = {
    "postgresql": "({1} - {0})",
    "sqlite": f"({_SQLITE_INSTANT.format('{1}')} - {_SQLITE_INSTANT.format('{0}')})",
}
_MICROSECONDS: Final = {
    "postgresql": "CAST(EXTRACT(EPOCH FROM {0}) * 1000000 AS BIGINT)",
    "sqlite": "{0}",
}
_HASHED_LEFT: Final = {"postgresql": "FULL", "sqlite": "LEFT"}
_DISTINCT: Final = {"postgresql": "IS DISTINCT FROM", "sqlite": "IS NOT"}
_BYTE_ORDER: Final = {"postgresql": 'COLLATE "C"', "sqlite": "COLLATE BINARY"}


def elapsed(start: str, end: str) -> str:
    """Return the exact duration between two instants, in a form that can be summed.

    It is an interval in PostgreSQL, microseconds in SQLite: `microseconds` tells both.
    """
    return _ELAPSED[connection.vendor].format(start, end)


def microseconds(duration: str) -> str:
    """Return a duration, or a sum of durations, as an exact integer."""
    return _MICROSECONDS[connection.vendor].format(duration)


def distinct(left: str, right: str) -> str:
    """Return the condition that two values, or rows in brackets, differ; null equals null."""
    return f"{left} {_DISTINCT[connection.vendor]} {right}"


def byte_order(text: str) -> str:
    """Return a text to order by that is compared by its UTF-8 bytes, whatever the locale."""
    return f"{text} {_BYTE_ORDER[connection.vendor]}"


def hashed_left() -> str:
    """Return the kind of a LEFT JOIN that must not compare each row with each.

    Without statistics PostgreSQL takes every table for a few rows and would do just that; a FULL
    JOIN it can only hash or merge. The caller drops the rows that have no left side, by a
    condition that the planner does not see through, or it makes a LEFT JOIN of it again.
    """
    return _HASHED_LEFT[connection.vendor]
