"""Single values of Jira's records: ids, times that may be wrong, numbers that may be text."""

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar

import msgspec

from common.errors import RecordError
from common.times import parse_date, parse_time
from integrations.contract import Draft, Problem

from .loose import Loose, error_within, place_within

T = TypeVar("T")
S = TypeVar("S")
D = TypeVar("D", bound=Draft)

MAX_ID_LENGTH: Final = 255
# An index of PostgreSQL holds 2,704 bytes; the longest has three ids.
_MAX_ID_BYTES: Final = 765
_SURELY_SHORT: Final = _MAX_ID_BYTES // 4
_NUMBER: Final = re.compile(r"[+-]?\d{1,300}(?:\.\d{0,300})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_NUL: Final = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")
# Every digit becomes 0. A run of 309 digits, which no double holds, shows in every 77th byte.
_DIGITS: Final = bytes(48 if 48 <= byte <= 57 else byte for byte in range(256))
_STRIDE: Final = 77
_MAX_COPIES: Final = 4096
_MAX_COPY_BYTES: Final = 2048
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_CLEANED: Final = {
    "nul": "NUL removed from text",
    "surrogate": "half of a surrogate pair replaced by U+FFFD",
}


_NOTHING: Final = (b"", b"null")


class Copies(Generic[D]):
    """Drafts of the copies that items embed, by the very bytes they are made of.

    A page embeds the same few statuses, types, projects and accounts hundreds of times. The
    drafts are shared between results: they are not to be changed.
    """

    def __init__(self, decoder: msgspec.json.Decoder[S], draft: Callable[[S], D | None]) -> None:
        self.decoder: msgspec.json.Decoder[Any] = decoder
        self.draft: Callable[[Any], D | None] = draft
        self.known: dict[bytes, D] = {}

    def keep(self, body: bytes, draft: D) -> None:
        """Remember a draft; memory is bounded by beginning anew."""
        if len(body) > _MAX_COPY_BYTES:
            return
        if len(self.known) >= _MAX_COPIES:
            self.known.clear()
        self.known[body] = draft


class Reading:
    """One record while it is read: its place in the page, and what was wrong in it."""

    __slots__ = ("cleaned", "is_lossy", "position", "problems")

    def __init__(self, position: int) -> None:
        self.position = position
        self.problems: list[Problem] = []
        self.cleaned: set[str] = set()
        self.is_lossy = False

    def whole(self, body: bytes, decoder: msgspec.json.Decoder[T]) -> tuple[T, bytes]:
        """Decode the record; return it with the bytes it was read from, without NUL.

        The strict reading is left to the records that need it; a number out of range among the
        values that are passed over costs nothing unless it is a very long one.
        """
        if not (b"\\" in body and b"\\u0000" in body) and (
            b"0000" not in body[::_STRIDE].translate(_DIGITS)
        ):
            try:
                return decoder.decode(body), body
            except UNREADABLE:
                pass  # read again to say what is wrong, or to mend it
        value = self._loosely(body, decoder)
        if self.cleaned:
            while _NUL.search(body):
                body = _NUL.sub(rb"\1", body)
            self.problems.clear()
            value = self._loosely(body, decoder)
        return value, body

    def part(self, raw: msgspec.Raw | bytes, decoder: msgspec.json.Decoder[T]) -> T:
        """Decode what `whole` passed over; raise RecordError.

        Its path, and the paths of problems, are those in the part: see `within`.
        """
        try:
            return decoder.decode(raw)
        except UNREADABLE:
            return self._loosely(bytes(raw), decoder)

    def _loosely(self, body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
        """Decode; what is of a wrong type and not needed is null and a problem."""
        loose = Loose()
        value = loose.decode(body, decoder)
        self.cleaned |= loose.cleaned
        for error, excerpt in loose.errors:
            self._add("value", error, excerpt[:200].decode(errors="replace"))
        return value

    def within(self, path: str, known: int) -> None:
        """Place the problems after the first `known` ones inside of `path`."""
        for problem in self.problems[known:]:
            problem.path = place_within(path, problem.path)

    def copy(self, raw: msgspec.Raw, copies: "Copies[D]", path: str) -> D | None:
        """Return the draft of an embedded copy, None for an absent one; raise RecordError."""
        body = bytes(raw)
        if body in _NOTHING:
            return None
        draft = copies.known.get(body)
        if draft is not None:
            return draft
        marks, known = len(self.cleaned), len(self.problems)
        try:
            draft = copies.draft(self.part(raw, copies.decoder))
        except RecordError as error:
            raise error_within(path, error) from None
        self.within(path, known)
        if draft is not None and len(self.cleaned) == marks and len(self.problems) == known:
            copies.keep(body, draft)
        return draft

    def null(self, error: RecordError, excerpt: object = "") -> None:
        """Note that a value was wrong and is null."""
        self._add("value", error, str(excerpt)[:200])

    def left_out(self, error: RecordError, excerpt: bytes) -> None:
        """Note that a part of the record, itself a row, was left out."""
        self.is_lossy = True
        self._add("record", error, excerpt[:200].decode(errors="replace"))

    def note(self, error: RecordError) -> None:
        """Note something that is worth a look and cost no value."""
        self._add("note", error, "")

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
            self.note(RecordError(mark, _CLEANED[mark]))
        return self.problems


def identity(value: str | int | None, path: str) -> str:
    """Return an id as text; raise RecordError (`missing_field`, `too_long`)."""
    if type(value) is str and 0 < len(value) <= _SURELY_SHORT:
        return value
    if value is None or value == "":
        raise RecordError("missing_field", "the record cannot be kept without it", path)
    text = value if isinstance(value, str) else str(value)
    if is_too_long(text):
        detail = f"{len(text)} characters, at most {MAX_ID_LENGTH} are kept as an id"
        raise RecordError("too_long", detail, path)
    return text


def is_too_long(text: str) -> bool:
    """Tell whether a text is longer than an id may be, whose columns are indexed."""
    if len(text) <= _SURELY_SHORT:
        return False
    if len(text) > MAX_ID_LENGTH:
        return True
    return not text.isascii() and len(text.encode()) > _MAX_ID_BYTES


def optional_identity(value: str | int | None, path: str) -> str | None:
    """Return an id as text, None for an absent or empty one; raise RecordError (`too_long`)."""
    return None if value is None or value == "" else identity(value, path)


def reference(value: str | int | None, path: str, reading: "Reading") -> str | None:
    """Return the id of another entity; one that is too long is null and a problem."""
    if value is None or value == "":
        return None
    try:
        return identity(value, path)
    except RecordError as error:
        reading.null(error, value)
        return None


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
        if type(value) is not str and type(value) is not int and type(value) is not float:
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
    """Return a finite number, also one written as text; another value is null and a problem."""
    if value is None or value == "":
        return None
    number = math.nan
    if isinstance(value, str):
        number = float(value) if _NUMBER.fullmatch(value.strip()) else math.nan
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value)
    if math.isfinite(number):
        return number + 0.0  # -0.0 becomes 0.0
    reading.null(RecordError("bad_number", "not a number that can be kept", path), value)
    return None
