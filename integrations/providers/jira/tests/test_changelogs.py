"""Histories of an issue become changes and mentions of statuses."""

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.contract import (
    EMBEDDED,
    MENTIONED,
    AccountDraft,
    ChangeDraft,
    StatusDraft,
    WorkItemDraft,
)

from .samples import drafts, history, issue, one, read, status_item, with_changelog


def test_every_item_of_every_history_is_a_change() -> None:
    label = {"field": "labels", "fieldtype": "jira", "fieldId": "labels", "from": "", "to": None}
    result = read(with_changelog(issue(), history(2, label, status_item("1", "3"))))
    common: dict[str, Any] = {
        "work_item_source_id": "100",
        "source_id": "2",
        "author_source_id": "ann",
        "changed_at": datetime(2024, 2, 2, 10, tzinfo=UTC),
    }
    assert drafts(result, ChangeDraft) == [
        ChangeDraft(
            position=0, field="labels", field_id="labels", is_status=False, from_value="", **common
        ),
        ChangeDraft(
            position=1,
            field="status",
            field_id="status",
            is_status=True,
            from_value="1",
            to_value="3",
            from_text="S1",
            to_text="S3",
            **common,
        ),
    ]
    assert one(result, AccountDraft).source_id == "ann"


def test_newest_first_and_oldest_first_give_the_same_rows() -> None:
    histories = [history(day, status_item(str(day), str(day + 1))) for day in (1, 2, 3)]
    forwards = read(with_changelog(issue(), *histories)).drafts
    backwards = read(with_changelog(issue(), *histories[::-1])).drafts
    assert sorted(map(repr, forwards)) == sorted(map(repr, backwards))


@pytest.mark.parametrize(
    ("item", "is_status"),
    [
        ({"field": "status", "fieldtype": "jira", "fieldId": "status"}, True),
        ({"field": "Status (translated)", "fieldtype": "jira", "fieldId": "status"}, True),
        ({"field": "status", "fieldtype": "jira"}, True),
        ({"field": "status", "fieldtype": "custom"}, False),
        ({"field": "status", "fieldtype": "custom", "fieldId": "customfield_1"}, False),
        ({"field": "Workflow", "fieldtype": "jira"}, False),
    ],
)
def test_a_change_of_the_status_is_told_from_a_field_of_that_name(
    item: dict[str, Any], is_status: bool
) -> None:
    result = read(with_changelog(issue(), history(1, item)))
    assert one(result, ChangeDraft).is_status is is_status


def test_statuses_that_histories_name_are_mentioned_by_their_newest_name() -> None:
    renamed = status_item("2", "3", fromString="New name")
    result = read(with_changelog(issue(), history(2, renamed), history(1, status_item("1", "2"))))
    assert drafts(result, StatusDraft) == [
        StatusDraft(
            source_id="3", name="In Progress", category="indeterminate", authority=EMBEDDED
        ),
        StatusDraft(source_id="2", name="New name", authority=MENTIONED),
        StatusDraft(source_id="1", name="S1", authority=MENTIONED),
    ]


def test_epoch_milliseconds_and_an_absent_author_are_taken() -> None:
    result = read(
        with_changelog(
            issue(), history(1, status_item("1", "3"), created=1704074400000, author=None)
        )
    )
    change = one(result, ChangeDraft)
    assert change.changed_at == datetime(2024, 1, 1, 2, tzinfo=UTC)
    assert change.author_source_id is None


def test_numbers_as_values_of_a_change_become_text() -> None:
    result = read(with_changelog(issue(), history(1, {"field": "x", "from": 3600, "to": 0})))
    change = one(result, ChangeDraft)
    assert (change.from_value, change.to_value) == ("3600", "0")


@pytest.mark.parametrize(
    ("bad", "reason", "path"),
    [
        ({"created": "2024-02-30T10:00:00.000+0000"}, "bad_time", "created"),
        ({"created": "10000-01-01T00:00:00.000+0000"}, "bad_time", "created"),
        ({"created": "2024-02-01T10:00:00"}, "bad_time", "created"),
        ({"created": None}, "missing_field", "created"),
        ({"id": None}, "missing_field", "id"),
        ({"id": ""}, "missing_field", "id"),
        ({"id": "x" * 256}, "too_long", "id"),
        ({"items": {"field": "status"}}, "unexpected_shape", "items"),
        ({"items": [{"field": 7}]}, "unexpected_shape", "items[0].field"),
        ({"author": {"accountId": "a" * 256}}, "too_long", "author"),
        ({"author": "ann"}, "unexpected_shape", "author"),
    ],
)
def test_a_history_that_cannot_be_kept_costs_only_itself(
    bad: dict[str, Any], reason: str, path: str
) -> None:
    good = [history(day, status_item("1", "3")) for day in (1, 2)]
    entity = with_changelog(issue(), good[0], history(3, status_item("1", "3"), **bad), good[1])
    result = read(entity, position=17)
    assert [change.source_id for change in drafts(result, ChangeDraft)] == ["1", "2"]
    assert one(result, WorkItemDraft).history_complete is False
    (problem,) = result.problems
    assert (problem.severity, problem.reason, problem.position, problem.path) == (
        "record",
        reason,
        17,
        f"changelog.histories[1].{path}",
    )
    assert problem.excerpt.startswith('{"id": ')


def test_a_history_that_is_no_object_costs_only_itself() -> None:
    result = read(with_changelog(issue(), None, history(1, status_item("1", "3"))))
    assert len(drafts(result, ChangeDraft)) == 1
    assert [problem.path for problem in result.problems] == ["changelog.histories[0]"]


def test_histories_may_be_null_or_absent() -> None:
    for changelog in ({"histories": None}, {}, None):
        result = read(issue() | {"changelog": changelog})
        assert drafts(result, ChangeDraft) == []
        assert one(result, WorkItemDraft).history_complete is False
