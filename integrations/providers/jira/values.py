"""Single values of Jira's records: ids, times that may be wrong, numbers that may be text."""

import re
from datetime import date, datetime
from typing import Any, Final, TypeVar

import msgspec

from common import jsontext
from common.errors import RecordError
from common.times import parse_date, parse_time
from integrations.contract import Problem

T = TypeVar("T")

MAX_ID_LENGTH: Final = 255
_NUMBER: Final = re.compile(r"[+-]?\d{1,300}(?:\.\d{0,300})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
_CLEANED: Final = {
    "nul": "NUL removed from text",
    "surrogate": "half of a surrogate pair replaced by U+FFFD",
}


class Reading:
    """One record while it is read: its place in the page, and what was wrong in it."""

    __slots__ = ("cleaned", "position", "problems")

    def __init__(self, position: int) -> None:
        self.position = position
        self.problems: list[Problem] = []
        self.cleaned: set[str] = set()

    def whole(self, body: bytes, decoder: msgspec.json.Decoder[T]) -> tuple[T, bytes]:
        """Decode the record; return it with the bytes it was read from, without NUL."""
        value, cleaned = jsontext.decode(body, decoder)
        if cleaned:
            self.cleaned.update(cleaned)
            while _NUL.search(body):
                body = _NUL.sub(rb"\1", body)
            value, _ = jsontext.decode(body, decoder)
        return value, body

    def part(self, raw: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> T:
        """Decode a part that `whole` passed over; raise RecordError with its path in the part."""
        try:
            return decoder.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            value, cleaned = jsontext.decode(bytes(raw), decoder)
            self.cleaned.update(cleaned)
            return value

    def null(self, error: RecordError, excerpt: object = "") -> None:
        """Note that a value was wrong and is null."""
        self._add("value", error, str(excerpt)[:200])

    def left_out(self, error: RecordError, excerpt: bytes) -> None:
        """Note that a part of the record, itself a row, was left out."""
        self._add("record", error, excerpt[:200].decode(errors="replace"))

    def _add(self, severity: Any, error: RecordError, excerpt: str) -> None:
        self.problems.append(
            Problem(
                severity=severity,
                reason=error.reason,
                detail=error.detail,
                position=self.position,
                path=error.path,
                excerpt=excerpt.replace("\0", ""),
            )
        )

    def all_problems(self) -> list[Problem]:
        """Return the problems, and a note for each kind of cleaning."""
        for mark in sorted(self.cleaned):
            self._add("note", RecordError(mark, _CLEANED[mark]), "")
        return self.problems


def identity(value: str | int | None, path: str) -> str:
    """Return an id as text; raise RecordError (`missing_field`, `too_long`)."""
    if value is None or value == "":
        raise RecordError("missing_field", "the record cannot be kept without it", path)
    text = value if isinstance(value, str) else str(value)
    if len(text) > MAX_ID_LENGTH:
        detail = f"{len(text)} characters, at most {MAX_ID_LENGTH} are kept as an id"
        raise RecordError("too_long", detail, path)
    return text


def optional_identity(value: str | int | None, path: str) -> str | None:
    """Return an id as text, None for an absent or empty one; raise RecordError (`too_long`)."""
    return None if value is None or value == "" else identity(value, path)


def moment(value: str | int | float | None, path: str) -> datetime:
    """Return an instant that a record cannot be without, in UTC; raise RecordError."""
    if value is None or value == "":
        raise RecordError("missing_field", "the record cannot be kept without it", path)
    return parse_time(value, path)


def optional_moment(value: Any, path: str, reading: Reading) -> datetime | None:
    """Return an instant in UTC; an impossible one is null and a problem of the reading."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise RecordError("bad_time", f"a {type(value).__name__} is no time", path)
        return parse_time(value, path)
    except RecordError as error:
        reading.null(error, value)
        return None


def optional_date(value: Any, path: str, reading: Reading) -> date | None:
    """Return a calendar date; an impossible one is null and a problem of the reading."""
    if value is None or value == "":
        return None
    try:
        if not isinstance(value, str):
            raise RecordError("bad_date", f"a {type(value).__name__} is no date", path)
        return parse_date(value, path)
    except RecordError as error:
        reading.null(error, value)
        return None


def optional_number(value: Any, path: str, reading: Reading) -> float | None:
    """Return a number, also one written as text; another value is null and a problem."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return float(value)
    reading.null(RecordError("bad_number", "not a number", path), value)
    return None
