"""A file is read right, or it is said what is wrong with it, where, and what to do."""

import codecs
import time

import pytest

from mappings.exchange.reading import MOST_BYTES, MOST_ROWS, SheetError, read_sheet

COLUMNS = ("integration", "from name", "target")
HEADER = "integration,from name,target\n"
ROW = "jira,Bug,Defect\n"


def rows(data: bytes | str) -> list[tuple[object, ...]]:
    """Each row with its number."""
    content = data.encode() if isinstance(data, str) else data
    return [(row.number, *row.cells.values()) for row in read_sheet(content, COLUMNS).rows]


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ((HEADER + ROW).encode(), None),
        (codecs.BOM_UTF8 + (HEADER + ROW).encode(), None),
        ((HEADER + ROW).encode("utf-16"), "UTF-16"),
        (codecs.BOM_UTF16_BE + (HEADER + ROW).encode("utf-16-be"), "UTF-16"),
        ((HEADER + ROW).replace(",", ";").encode(), "semicolons"),
        ((HEADER + ROW).replace(",", "\t").encode(), "tabs"),
        (("sep=;\n" + HEADER + ROW).replace(",", ";").encode(), "semicolons"),
        ((HEADER + ROW).replace("\n", "\r\n").encode(), None),
        ((HEADER.upper() + ROW).encode(), None),
        (('"Integration","from_name"," TARGET "\n' + ROW).encode(), None),
        ((HEADER + "\n ,,\n" + ROW).encode(), None),
        ((HEADER + "jira,Bug,Defect,,\n").encode(), None),
    ],
)
def test_what_spreadsheets_write_is_read(data: bytes, note: str | None) -> None:
    sheet = read_sheet(data, COLUMNS)
    assert sheet.problems == []
    assert [list(row.cells.values()) for row in sheet.rows] == [["jira", "Bug", "Defect"]]
    assert (note in " ".join(sheet.notes)) if note else sheet.notes == []


def test_the_order_of_the_columns_does_not_matter() -> None:
    (row,) = read_sheet(b"target,integration,from name\nDefect,jira,Bug\n", COLUMNS).rows
    assert row.cells == {"target": "Defect", "integration": "jira", "from name": "Bug"}


def test_rows_are_numbered_as_a_spreadsheet_does_also_behind_quoted_line_breaks() -> None:
    data = HEADER + 'jira,"Bug\nor\r\nnot",Defect\n' + "\n" + ROW
    assert rows(data) == [(2, "jira", "Bug\nor\r\nnot", "Defect"), (4, "jira", "Bug", "Defect")]


def test_names_of_any_script_come_through() -> None:
    odd = "\u202eعطل\u202c 🐛👩‍👩‍👧 ﬁx"
    assert rows(HEADER + f"jira,{odd},{'x' * 300}\n") == [(2, "jira", odd, "x" * 300)]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty; its first row is the header: integration, from name, target"),
        (b"\xef\xbb\xbf \n", "the file is empty"),
        (("x" * (MOST_BYTES + 1)).encode(), "5,000,001 bytes; 5,000,000 are possible"),
        ((HEADER + ROW).encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ((HEADER + "jira,Störung,x\n").encode("latin-1"), "line 2 has the byte 0xF6, which is not"),
        ((HEADER + "jira,a\0b,x\n").encode(), "line 2 has a NUL character"),
        (b"\xff\xfea", "begins like UTF-16 and is not"),
        (b"integration,target\njira,x\n", "from name is missing"),
        (b"jira,Bug,Defect\n", "integration, from name, target are missing"),
        (b"integration,from name,target,target\n", "“target” is there twice"),
        (b"integration,form name,target\n", "no column “form name” (“from name”, perhaps)"),
        (b"integration,from name,,target\n", "a column has no name"),
        ((HEADER + 'jira,"Bug,x\n').encode(), "row 2 (line 2) has a quotation mark that opens"),
        ((HEADER + 'jira,"Bug"s,x\n').encode(), "has text after the quotation mark"),
        ((HEADER + f"jira,{'x' * 200_000},x\n").encode(), "cell of more than 131,072 characters"),
        (("x" * 4_000_000).encode(), "row 1 (line 1) has a cell of more than"),
        ((HEADER + ROW * (MOST_ROWS + 1)).encode(), "more than 100,000 rows"),
    ],
)
def test_what_is_no_such_file_is_refused_with_words(data: bytes, words: str) -> None:
    started = time.monotonic()
    with pytest.raises(SheetError) as error:
        read_sheet(data, COLUMNS)
    assert words in str(error.value)
    assert time.monotonic() - started < 5


def test_a_hundred_thousand_rows_are_read() -> None:
    sheet = read_sheet((HEADER + ROW * MOST_ROWS).encode(), COLUMNS)
    assert len(sheet.rows) == MOST_ROWS


def test_a_row_that_is_too_short_or_too_long_is_told_and_the_others_are_read() -> None:
    sheet = read_sheet((HEADER + "jira,Bug\n" + ROW + "jira,a,b,c\n").encode(), COLUMNS)
    assert [(each.row, each.message[:11]) for each in sheet.problems] == [
        (2, "has 2 cells"),
        (4, "has 4 cells"),
    ]
    assert [row.number for row in sheet.rows] == [3]
