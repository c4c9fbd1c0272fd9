"""A value of a wrong type or size in an issue costs that value, and is named with its place."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.contract import (
    MENTIONED,
    AccountDraft,
    ProjectDraft,
    SprintDraft,
    TypeDraft,
    WorkItemDraft,
)

from .samples import history, issue, one, read, with_changelog

SPRINT = {"id": 7, "name": "S", "state": "active", "boardId": 1}
STORY = {"id": "1", "name": "Story", "subtask": False}
LONG = "9" * 256


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"labels": "a"}, "labels", "unexpected_shape"),
        ({"labels": [True]}, "labels[0]", "unexpected_shape"),
        ({"labels": [None, {"name": "a"}]}, "labels[1]", "unexpected_shape"),
        ({"priority": "High"}, "priority", "unexpected_shape"),
        ({"priority": {"name": 1}}, "priority.name", "unexpected_shape"),
        ({"resolution": [1]}, "resolution", "unexpected_shape"),
        ({"assignee": {"accountId": LONG}}, "assignee", "too_long"),
        ({"assignee": LONG}, "assignee", "too_long"),
        ({"assignee": 7}, "assignee", "unexpected_shape"),
        ({"assignee": {"accountId": 7}}, "assignee.accountId", "unexpected_shape"),
        ({"parent": {"id": LONG}}, "parent.id", "too_long"),
        ({"parent": {"key": LONG}}, "parent.key", "too_long"),
        ({"parent": "PAY-9"}, "parent", "unexpected_shape"),
        ({"epic": {"id": [1]}}, "epic.id", "unexpected_shape"),
        ({"customfield_3": LONG}, "customfield_3", "too_long"),
        ({"sprint": {"name": "S"}}, "sprint", "missing_field"),
        ({"sprint": SPRINT | {"id": LONG}}, "sprint.id", "too_long"),
        ({"sprint": 7}, "sprint", "unexpected_shape"),
        ({"closedSprints": {}}, "closedSprints", "unexpected_shape"),
        ({"closedSprints": [None, 7]}, "closedSprints[1]", "unexpected_shape"),
        ({"customfield_1": "9" * 300 + "e99"}, "customfield_1", "bad_number"),
        ({"issuetype": STORY | {"hierarchyLevel": 10**12}}, "issuetype.hierarchyLevel", ""),
        ({"issuetype": STORY | {"subtask": "no"}}, "issuetype.subtask", ""),
    ],
)
def test_a_wrong_value_is_null_and_a_problem(
    fields: dict[str, Any], path: str, reason: str
) -> None:
    result = read(
        issue(**fields),
        position=3,
        story_points_field="customfield_1",
        epic_link_field="customfield_3",
    )
    item = one(result, WorkItemDraft)
    assert (item.labels, item.sprint_source_ids, item.story_points) == ([], [], None)
    assert (item.priority, item.resolution, item.assignee_source_id) == (None,) * 3
    assert (item.parent_source_id, item.parent_key) == (None, None)
    assert one(result, TypeDraft).level in (None, 0)
    assert [(p.severity, p.reason, p.path, p.position) for p in result.problems] == [
        ("value", reason or "unexpected_shape", f"fields.{path}", 3)
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"sprint": {}},
        {"sprint": None, "closedSprints": [None, {}]},
        {"epic": {}, "parent": {}},
        {"assignee": {}, "reporter": ""},
        {"priority": {}, "resolution": {}},
        {"labels": [None]},
    ],
)
def test_what_is_empty_is_absent(fields: dict[str, Any]) -> None:
    assert read(issue(**fields)) == read(issue())


def test_labels_are_texts_and_numbers_as_texts() -> None:
    result = read(issue(labels=["a", None, 7, 2.5]))
    assert one(result, WorkItemDraft).labels == ["a", "7", "2.5"]
    assert result.problems == []


def test_a_person_given_as_a_text_is_an_id_that_says_no_more() -> None:
    result = read(issue(reporter="bob"))
    assert one(result, WorkItemDraft).reporter_source_id == "bob"
    assert one(result, AccountDraft) == AccountDraft(source_id="bob", authority=MENTIONED)
    assert result.problems == []


def test_a_wrong_value_leaves_the_others_of_its_record() -> None:
    plain = issue(labels=["a"], sprint=SPRINT, duedate="2024-04-01")
    result = read(with_changelog(plain | {"fields": plain["fields"] | {"priority": 7}}, history(1)))
    assert one(result, WorkItemDraft) == one(read(with_changelog(plain, history(1))), WorkItemDraft)
    assert one(result, SprintDraft).source_id == "7"


def test_a_wrong_value_of_an_embedded_copy_is_a_problem_of_every_record_that_has_it() -> None:
    entity = issue(project={"id": "10", "key": "PAY", "name": 7})
    first, second = read(entity), read(entity)
    assert first == second
    assert one(second, ProjectDraft).name is None
    assert [problem.path for problem in second.problems] == ["fields.project.name"]


def test_text_is_cleaned_also_in_a_record_with_a_wrong_value() -> None:
    result = read(issue(summary="a\0b", labels=["c\0"], priority=7))
    item = one(result, WorkItemDraft)
    assert (item.title, item.labels) == ("ab", ["c"])
    assert [(p.severity, p.path) for p in result.problems] == [
        ("value", "fields.priority"),
        ("note", ""),
    ]


@pytest.mark.parametrize(
    ("updated", "reason"),
    [
        (..., "missing_field"),
        (None, "missing_field"),
        ("", "missing_field"),
        ("2024-02-30T00:00:00.000+0000", "bad_time"),
        ("2024-02-01T00:00:00.000", "bad_time"),
        ("infinity", "bad_time"),
        (True, "bad_time"),
        ({}, "bad_time"),
    ],
)
def test_an_unknown_time_of_update_is_that_of_the_newest_change_else_the_creation(
    updated: Any, reason: str
) -> None:
    entity = issue(updated=updated)
    changed = with_changelog(entity, *(history(day, {"field": "x"}) for day in (1, 3, 2)))
    for given, expected in (
        (entity, datetime(2024, 1, 1, 2, tzinfo=UTC)),
        (changed, datetime(2024, 2, 3, 10, tzinfo=UTC)),
    ):
        result = read(given)
        assert one(result, WorkItemDraft).updated_at == expected
        assert [(p.severity, p.reason, p.path) for p in result.problems] == [
            ("value", reason, "fields.updated")
        ]


@pytest.mark.parametrize("zero", [-0.0, "-0", "-0.0", 0])
def test_nothing_is_never_less_than_nothing(zero: object) -> None:
    entity = issue(customfield_1=zero)
    points = one(read(entity, story_points_field="customfield_1"), WorkItemDraft).story_points
    assert points is not None
    assert math.copysign(1, points) == 1
