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
        ({"field": "status"}, True),
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


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({"field": "x", "from": True}, ".from"),
        ({"field": "x", "to": {"a": 1}}, ".to"),
        ({"field": 7}, ".field"),
        (status_item("1", "9" * 256), ".to"),
        (status_item("9" * 256, "1", fromString=None), ".from"),
        (status_item("\U0001f600" * 200, "1"), ".from"),
        (7, ""),
    ],
)
def test_an_item_that_cannot_be_kept_costs_only_itself(bad: Any, path: str) -> None:
    items = [status_item("1", "3"), bad, {"field": "y", "from": 7, "to": "9" * 256}]
    entity = with_changelog(issue(), history(2), history(1, *items))
    result = read(entity)
    changes = drafts(result, ChangeDraft)
    assert [(change.position, change.from_value) for change in changes] == [(0, "1"), (2, "7")]
    assert changes[1].to_value == "9" * 256
    assert {status.source_id for status in drafts(result, StatusDraft)} == {"1", "3"}
    assert one(result, WorkItemDraft).history_complete is False
    assert [(p.severity, p.path) for p in result.problems] == [
        ("record", f"changelog.histories[1].items[1]{path}")
    ]


def test_a_wrong_text_beside_a_value_costs_no_item() -> None:
    result = read(with_changelog(issue(), history(1, status_item("1", "3", toString=7))))
    assert one(result, ChangeDraft).to_text is None
    assert one(result, WorkItemDraft).history_complete is True
    assert [(p.severity, p.path) for p in result.problems] == [
        ("value", "changelog.histories[0].items[0].toString")
    ]


@pytest.mark.parametrize("author", [{"accountId": "a" * 256}, 7, {"accountId": ["ann"]}])
def test_a_wrong_author_is_null_and_a_problem(author: Any) -> None:
    result = read(with_changelog(issue(), history(1, status_item("1", "3"), author=author)))
    assert one(result, ChangeDraft).author_source_id is None
    assert one(result, WorkItemDraft).history_complete is True
    (problem,) = result.problems
    assert problem.severity == "value"
    assert problem.path.startswith("changelog.histories[0].author")


def test_of_two_histories_of_one_id_the_first_is_kept_and_the_other_noted() -> None:
    first, other = history(1, status_item("1", "3")), history(1, status_item("1", "4"), {})
    result = read(with_changelog(issue(), first, history(2), other, first))
    assert one(result, ChangeDraft).to_value == "3"
    assert {status.source_id for status in drafts(result, StatusDraft)} == {"1", "3"}
    assert [(p.severity, p.reason, p.path) for p in result.problems] == [
        ("note", "repeated_id", "changelog.histories[2]")
    ]


def test_a_history_given_twice_is_kept_once_and_no_problem() -> None:
    same = history(1, status_item("1", "3"))
    result = read(with_changelog(issue(), same, same))
    assert len(drafts(result, ChangeDraft)) == 1
    assert result.problems == []


def test_histories_that_are_no_list_are_null_and_a_problem() -> None:
    result = read(issue() | {"changelog": {"total": 0, "histories": {}}})
    assert one(result, WorkItemDraft).history_complete is False
    assert [(p.severity, p.path) for p in result.problems] == [("value", "changelog.histories")]


def test_a_history_that_is_no_object_costs_only_itself() -> None:
    result = read(with_changelog(issue(), None, history(1, status_item("1", "3"))))
    assert len(drafts(result, ChangeDraft)) == 1
    assert [problem.path for problem in result.problems] == ["changelog.histories[0]"]


def test_histories_may_be_null_or_absent() -> None:
    for changelog in ({"histories": None}, {}, None):
        result = read(issue() | {"changelog": changelog})
        assert drafts(result, ChangeDraft) == []
        assert one(result, WorkItemDraft).history_complete is False
