"""Values of JSON in SQL: what PostgreSQL, where they are jsonb, and SQLite say differently.

In SQLite a value is text, in which a number stays as it is written: what SQLite makes of numbers
itself has only fifteen digits.
"""

from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

from django.db import connection

Sql: TypeAlias = str
"""An expression. Each is repeated in what is made of it, so it should be the name of a column."""

Path: TypeAlias = tuple[str, ...]
"""Names of members, from the outside in."""

LIMIT: Final = 1_000_000_000
DIGITS: Final = 15


class Words(Protocol):
    """What the two databases say differently. A value is JSON, a text a text of SQL.

    spaces: blank, tab and the ends of lines. fence: see `fence()`.
    """

    spaces: str
    fence: str

    def is_kind(self, value: Sql, kind: str) -> Sql:
        """Return the condition that a value is a string, number, boolean, object or array."""

    def text(self, value: Sql) -> Sql:
        """Return the text of a value that is a string."""

    def name_of_boolean(self, value: Sql) -> Sql:
        """Return true or false as a text."""

    def quoted(self, text: Sql) -> Sql:
        """Return a text as a value; null stays null."""

    def member(self, value: Sql, path: Path) -> Sql:
        """Return a member of an object, null if it has none."""

    def entries(self, value: Sql) -> Sql:
        """Return a SELECT of the entries of an array as `v`, and their order as `n`."""

    def collected(self, value: Sql) -> Sql:
        """Return the aggregate of values as an array; null if there are none."""

    def is_whole(self, value: Sql) -> Sql:
        """Return the condition that a number has no fraction and up to fifteen digits."""

    def digits(self, value: Sql) -> Sql:
        """Return the text of a whole number."""

    def is_in_limits(self, value: Sql) -> Sql:
        """Return the condition that a number is between -LIMIT and LIMIT."""

    def number(self, text: Sql) -> Sql:
        """Return a text that matches NUMBER as a value."""

    def matches(self, text: Sql, pattern: str) -> Sql:
        """Return the condition that a text matches a regular expression."""

    def place(self, text: Sql, part: str) -> Sql:
        """Return the place of a part in a text, from 1; 0 if it is not there."""

    def least(self, numbers: Sequence[Sql]) -> Sql:
        """Return the least of numbers that are not null."""


class _Postgres:
    spaces = r"E' \t\n\r'"
    fence = "OFFSET 0"

    def is_kind(self, value: Sql, kind: str) -> Sql:
        return f"jsonb_typeof({value}) = '{kind}'"

    def text(self, value: Sql) -> Sql:
        return f"({value} #>> '{{}}')"

    def name_of_boolean(self, value: Sql) -> Sql:
        return self.text(value)

    def quoted(self, text: Sql) -> Sql:
        return f"to_jsonb(CAST({text} AS text))"

    def member(self, value: Sql, path: Path) -> Sql:
        return f"({value}{''.join(f' -> {literal(name)}' for name in path)})"

    def entries(self, value: Sql) -> Sql:
        array = f"CASE WHEN jsonb_typeof({value}) = 'array' THEN {value} END"
        return f"SELECT j.v, j.n FROM jsonb_array_elements({array}) WITH ORDINALITY AS j(v, n)"

    def collected(self, value: Sql) -> Sql:
        return f"jsonb_agg({value})"

    def is_whole(self, value: Sql) -> Sql:
        return f"({value} #>> '{{}}') ~ '^-?[0-9]{{1,{DIGITS}}}$'"

    def digits(self, value: Sql) -> Sql:
        return self.text(value)

    def is_in_limits(self, value: Sql) -> Sql:
        return f"CAST({value} AS numeric) BETWEEN -{LIMIT} AND {LIMIT}"

    def number(self, text: Sql) -> Sql:
        return f"to_jsonb(CAST({text} AS numeric))"

    def matches(self, text: Sql, pattern: str) -> Sql:
        return f"{text} ~ '{pattern}'"

    def place(self, text: Sql, part: str) -> Sql:
        return f"strpos({text}, {literal(part)})"

    def least(self, numbers: Sequence[Sql]) -> Sql:
        return f"LEAST({', '.join(numbers)})"


_SQLITE_KINDS: Final = {
    "string": "'text'",
    "number": "'integer', 'real'",
    "boolean": "'true', 'false'",
    "object": "'object'",
    "array": "'array'",
}


class _Sqlite:
    spaces = "char(32, 9, 10, 13)"
    fence = "LIMIT -1"

    def is_kind(self, value: Sql, kind: str) -> Sql:
        return f"json_type({value}) IN ({_SQLITE_KINDS[kind]})"

    def text(self, value: Sql) -> Sql:
        return f"({value} ->> '$')"

    def name_of_boolean(self, value: Sql) -> Sql:
        return f"({value} || '')"  # what ->> makes of true is 1

    def quoted(self, text: Sql) -> Sql:
        return f"NULLIF(json_quote({text}), 'null')"

    def member(self, value: Sql, path: Path) -> Sql:
        return f"({value} -> {literal('$.' + '.'.join(path))})"

    def entries(self, value: Sql) -> Sql:
        array = f"CASE WHEN json_type({value}) = 'array' THEN {value} ELSE '[]' END"
        return f"SELECT {value} -> j.fullkey AS v, j.key AS n FROM json_each({array}) j"

    def collected(self, value: Sql) -> Sql:
        return f"NULLIF(json_group_array(json({value})), '[]')"

    def is_whole(self, value: Sql) -> Sql:
        return f"(json_type({value}) = 'integer' AND length(ltrim({value} || '', '-')) <= {DIGITS})"

    def digits(self, value: Sql) -> Sql:
        return f"({value} || '')"

    def is_in_limits(self, value: Sql) -> Sql:
        return f"({value} ->> '$') BETWEEN -{LIMIT} AND {LIMIT}"

    def number(self, text: Sql) -> Sql:
        return f"json_quote(CAST({text} AS REAL))"

    def matches(self, text: Sql, pattern: str) -> Sql:
        return f"{text} REGEXP '{pattern}'"

    def place(self, text: Sql, part: str) -> Sql:
        return f"instr({text}, {literal(part)})"

    def least(self, numbers: Sequence[Sql]) -> Sql:
        return f"MIN({', '.join(numbers)})"


_WORDS: Final[dict[str, Words]] = {"postgresql": _Postgres(), "sqlite": _Sqlite()}


def words() -> Words:
    """Return the words of the database in use."""
    return _WORDS[connection.vendor]


def literal(text: str) -> Sql:
    """Return a text as SQL. It must hold no NUL."""
    assert "\0" not in text
    return "'" + text.replace("'", "''") + "'"


def fence() -> str:
    """Return what ends a sub-select whose values are to be computed once, however often named."""
    return words().fence
