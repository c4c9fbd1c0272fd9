"""No cell is a formula to a spreadsheet, and every text comes back exactly."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mappings.exchange.cells import guarded, unguarded

DANGER = "=+-@＝＋－＠"
AWKWARD = st.text(
    st.sampled_from(list("'=+-@＝＋－＠\t\r\n \u3000\u00a0 a1,.;\"\u200b\ufeff")), max_size=8
)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1+2", "'-1+2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝cmd", "'＝cmd"),
        ("＠x", "'＠x"),
        ("  =1", "'  =1"),
        ("\u3000=1", "'\u3000=1"),
        ("\t=1", "'\t=1"),
        ("\tname", "'\tname"),
        ("\rname", "'\rname"),
        ("'=1", "''=1"),
        ("-1", "-1"),
        ("-1.5", "-1.5"),
        ("-", "'-"),
        ("'quoted", "'quoted"),
        ("'", "'"),
        ("Won't Do", "Won't Do"),
        ("a=b", "a=b"),
        ("", ""),
    ],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe_and_nothing_else_does(
    text: str, cell: str
) -> None:
    assert guarded(text) == cell
    assert unguarded(cell) == text


@given(st.one_of(st.text(max_size=40), AWKWARD))
@example("''=")
@example("'")
@example("''''＝x")
def test_every_text_comes_back_exactly(text: str) -> None:
    assert unguarded(guarded(text)) == text


@given(st.one_of(st.text(max_size=40), AWKWARD))
def test_no_cell_begins_like_a_formula_unless_it_is_a_number(text: str) -> None:
    start = guarded(text).lstrip()
    if start[:1] and start[0] in DANGER:
        assert start.replace(",", ".").lstrip("-").replace(".", "", 1).isascii()
        float(start.replace(",", "."))


@given(st.lists(st.lists(AWKWARD, min_size=2, max_size=2), min_size=1, max_size=5))
def test_rows_come_back_through_a_file(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([[guarded(cell) for cell in row] for row in rows])
    read = csv.reader(io.StringIO(text.getvalue(), newline=""), strict=True)
    assert [[unguarded(cell) for cell in row] for row in read] == rows
