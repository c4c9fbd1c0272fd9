"""From the bytes of an upload to rows of text. What is wrong with the file as a whole, and where a
row cannot be one, is said in words; nothing is guessed that could come out wrong."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

from common import sizes
from common.errors import UsageError
from mappings.exchange.cells import unguarded
from mappings.rules import fold

MOST_BYTES: Final = sizes.SHEET
MOST_ROWS: Final = 100_000
_SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}
_SAVE_AS: Final = "save the file as “CSV UTF-8” and choose it again"
_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT = 4_096


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a row. row: as a spreadsheet numbers it, the header being row 1.

    column: of the header, empty where it is the row as a whole; row 0 where it is no row.
    """

    row: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of a file. cells: by column."""

    number: int
    cells: dict[str, str]


@dataclass
class Sheet:
    """The rows of a file. notes: what was understood of it beside the rows, in words."""

    rows: list[SheetRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class SheetError(UsageError):
    """A file that is no table of this kind."""


def read_sheet(data: bytes, columns: Sequence[str], optional: Sequence[str] = ()) -> Sheet:
    """Return the rows of a file with these columns; raise SheetError for what is no such file.

    The order of the columns does not matter; `optional` ones may be missing, their cells are
    empty then.
    """
    if len(data) > MOST_BYTES:
        raise SheetError(
            f"the file has {len(data):,} bytes; {MOST_BYTES:,} are possible: split it, or import "
            "it with “manage.py mappings import”, part by part"
        )
    sheet = Sheet()
    text = _decoded(data, sheet)
    if not text.strip():
        raise SheetError(f"the file is empty; its first row is the header: {_listed(columns)}")
    text, separator = _separated(text, columns, sheet)
    records = _records(text, separator)
    header, names = _header(records, columns, optional)
    missing = [name for name in columns if name not in names]
    for number, record in records:
        if number > MOST_ROWS + 1:
            raise SheetError(f"the file has more than {MOST_ROWS:,} rows: split it")
        if not any(cell.strip() for cell in record):
            continue
        if (problem := _wrong_width(number, record, header)) is not None:
            sheet.problems.append(problem)
            continue
        cells = {name: unguarded(cell) for name, cell in zip(names, record, strict=False)}
        cells.update(dict.fromkeys(missing, ""))
        sheet.rows.append(SheetRow(number, cells))
    return sheet


def _decoded(data: bytes, sheet: Sheet) -> str:
    if data.startswith(_UTF16_MARKS):
        sheet.notes.append("The file is UTF-16; it was read as that.")
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError:
            raise SheetError(f"the file begins like UTF-16 and is not: {_SAVE_AS}") from None
    else:
        _refuse_unmarked_utf16(data)
        try:
            text = data.removeprefix(_UTF8_MARK).decode()
        except UnicodeDecodeError as error:
            row = data.count(b"\n", 0, error.start) + 1
            raise SheetError(
                f"line {row} has the byte 0x{data[error.start]:02X}, which is not UTF-8 (Latin-1 "
                f"or Windows-1252, perhaps): {_SAVE_AS}"
            ) from None
    if (at := text.find("\0")) >= 0:
        line = text.count("\n", 0, at) + 1
        raise SheetError(f"line {line} has a NUL character, which no table has: {_SAVE_AS}")
    return text


def _refuse_unmarked_utf16(data: bytes) -> None:
    start = data[:_LOOKED_AT]
    if start and start.count(0) > len(start) // 4:
        raise SheetError(f"the file looks like UTF-16 without a byte order mark: {_SAVE_AS}")


def _separated(text: str, columns: Sequence[str], sheet: Sheet) -> tuple[str, str]:
    """Return the text without a line that only names the separator, and the separator."""
    first, _, rest = text.partition("\n")
    hint = first.strip().strip('"')
    if len(hint) <= 5 and hint.lower().startswith("sep="):
        separator = hint[4:] or "\t"
        if separator in _SEPARATORS:
            sheet.notes.append(f"The file says that {_SEPARATORS[separator]} separate its cells.")
            return rest, separator
    wanted = {_plain(name) for name in columns}
    line = first.rstrip("\r")

    def known(separator: str) -> int:
        return sum(_plain(name.strip().strip('"')) in wanted for name in line.split(separator))

    separator = max(_SEPARATORS, key=lambda each: (known(each), each == ","))
    if separator != ",":
        sheet.notes.append(f"The cells are separated by {_SEPARATORS[separator]}.")
    return text, separator


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Give the rows with their numbers, the header first."""
    number = 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise SheetError(f"row {number} (line {reader.line_num}) {_told(error)}") from None
        yield number, record
        number += 1


def _told(error: csv.Error) -> str:
    text = str(error)
    if "field limit" in text:
        return f"has a cell of more than {csv.field_size_limit():,} characters"
    if "end of data" in text:
        return "has a quotation mark that opens a cell and is never closed"
    if "expected after" in text:
        return "has text after the quotation mark that closes a cell; double the marks inside it"
    return f"cannot be read: {text}"


def _header(
    records: Iterator[tuple[int, list[str]]], columns: Sequence[str], optional: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Return the header as it stands, and the columns that its cells mean."""
    _, header = next(records)
    while header and not header[-1].strip():
        header.pop()
    by_plain = {_plain(name): name for name in columns}
    names, wrong = [], []
    for cell in header:
        name = by_plain.get(_plain(cell))
        if name is None:
            wrong.append(_unknown(cell, by_plain))
        elif name in names:
            wrong.append(f"“{name}” is there twice")
        names.append(name or "")
    lacking = [name for name in columns if name not in names and name not in optional]
    if lacking:
        wrong.append(f"{_listed(lacking)} {'is' if len(lacking) == 1 else 'are'} missing")
    if wrong:
        raise SheetError(f"the header: {'; '.join(wrong[:10])}. It must be: {_listed(columns)}")
    return header, names


def _unknown(cell: str, by_plain: dict[str, str]) -> str:
    if not cell.strip():
        return "a column has no name"
    shown = cell.strip()[:60]
    near = get_close_matches(_plain(cell)[:60], by_plain, n=1)
    hint = f" (“{by_plain[near[0]]}”, perhaps)" if near else ""
    return f"there is no column “{shown}”{hint}"


def _wrong_width(number: int, record: list[str], header: list[str]) -> Problem | None:
    width = len(record)
    while width > len(header) and not record[width - 1].strip():
        width -= 1
    if width == len(header):
        return None
    return Problem(
        number,
        "",
        f"has {width} cells and the header {len(header)}: quote a cell that has a separator in it, "
        "and leave empty cells empty, not out",
    )


def _plain(name: str) -> str:
    return fold(name.replace("_", " "))


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns)
