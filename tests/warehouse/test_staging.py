"""What is staged is read back the same, whatever stands in the text."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.contract import AccountDraft, ChangeDraft, CommitDraft
from warehouse.staging import StagedRows, decode_page, format_row, parse_rows

TEXT = st.none() | st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")
)


@given(TEXT, TEXT, TEXT)
def test_any_text_is_read_back_as_it_was(
    old: str | None, new: str | None, text: str | None
) -> None:
    draft = ChangeDraft(
        work_item_source_id="1",
        source_id="2",
        position=3,
        is_status=True,
        from_value=old,
        to_value=new,
        from_text=text,
        changed_at=datetime(2026, 1, 2, 3, 4, 5, 600, UTC),
    )
    (row,) = parse_rows((format_row(draft) + "\n").encode())
    assert row == (
        *("1", "2", "3", None, None, "1", old, new, text, None, None),
        "2026-01-02 03:04:05.000600",
    )


@pytest.mark.parametrize("text", ["\\N", "\\", "a\tb", "a\nb\r", "\\t", "\\.", ""])
def test_what_copy_has_a_meaning_for_is_escaped(text: str) -> None:
    (row,) = parse_rows((format_row(AccountDraft(source_id="1", name=text)) + "\n").encode())
    assert row[:2] == ("1", text)


def test_a_nul_that_slipped_through_is_not_taken_for_null() -> None:
    (row,) = parse_rows((format_row(AccountDraft(source_id="1", name="a\0b")) + "\n").encode())
    assert row[1] == "ab"


def test_copies_of_an_embedded_entity_are_one_row() -> None:
    rows = StagedRows("work_items", 7, datetime(2026, 1, 2, tzinfo=UTC), 9)
    for position in range(3):
        rows.add([AccountDraft(source_id="1", name="Ada")], position, 5)
    rows.add([AccountDraft(source_id="1", name="Ada Lovelace")], 3, 5)
    assert len(list(parse_rows(decode_page(rows.encode())["accounts"]))) == 2
    assert rows.row_count == 2


def test_an_embedded_entity_with_a_list_is_staged_too() -> None:
    rows = StagedRows("pull_requests", 7, datetime(2026, 1, 2, tzinfo=UTC), 9)
    commit = CommitDraft(
        repository="a/b", pull_request_number=1, sha="c0", message="m", parent_shas=["c1"]
    )
    rows.add([commit, commit], 0, 5)
    (row,) = parse_rows(decode_page(rows.encode())["pull_request_commits"])
    assert '["c1"]' in row
