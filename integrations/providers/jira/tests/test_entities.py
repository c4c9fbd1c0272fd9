"""Listed projects, types, statuses, fields, users and sprints."""

from datetime import UTC, datetime

import msgspec
import pytest

from common.errors import RecordError
from integrations.contract import (
    AccountDraft,
    CustomFieldDraft,
    Draft,
    ProjectDraft,
    SprintDraft,
    StatusDraft,
    TypeDraft,
)

from ..settings import JiraSettings
from .samples import read


@pytest.mark.parametrize(
    ("stream", "body", "draft"),
    [
        (
            "projects",
            b'{"id": "10", "key": "PAY", "name": "Payments", "projectTypeKey": "software"}',
            ProjectDraft(source_id="10", key="PAY", name="Payments", kind="software"),
        ),
        (
            "issue_types",
            '{"id": "1", "name": "故事", "untranslatedName": "Story", "subtask": false, '
            '"hierarchyLevel": 0}'.encode(),
            TypeDraft(
                source_id="1",
                name="故事",
                untranslated_name="Story",
                level=0,
                is_subtask=False,
            ),
        ),
        (
            "statuses",
            b'{"id": "3", "name": "Doing", "untranslatedName": "In Progress", "statusCategory": '
            b'{"id": 4, "key": "indeterminate"}, "scope": {"type": "PROJECT", "project": '
            b'{"id": "10"}}}',
            StatusDraft(
                source_id="3",
                name="Doing",
                untranslated_name="In Progress",
                category="indeterminate",
                project_source_id="10",
            ),
        ),
        (
            "statuses",
            b'{"id": "3", "name": "Doing", "statusCategory": "IN_PROGRESS"}',
            StatusDraft(source_id="3", name="Doing", category="indeterminate"),
        ),
        (
            "fields",
            b'{"id": "customfield_10024", "name": "Story Points", "custom": true, "schema": '
            b'{"type": "number", "custom": "x:float", "customId": 10024}}',
            CustomFieldDraft(
                source_id="customfield_10024",
                name="Story Points",
                value_type="number",
                schema="x:float",
            ),
        ),
        (
            "users",
            b'{"accountId": "ann", "displayName": "Ann", "emailAddress": "ann@example.com", '
            b'"accountType": "atlassian", "active": false}',
            AccountDraft(
                source_id="ann",
                name="Ann",
                email="ann@example.com",
                kind="atlassian",
                is_active=False,
            ),
        ),
        (
            "users",
            b'{"key": "JIRAUSER1", "name": "ann", "displayName": "Ann", "active": true}',
            AccountDraft(source_id="JIRAUSER1", name="Ann", login="ann", is_active=True),
        ),
        (
            "sprints",
            b'{"id": 7, "goal": "", "name": "Sprint 7", "state": "closed", "endDate": '
            b'"2020-06-26T00:38:00.000Z", "startDate": "2020-06-12T08:38:51.882+08:00", '
            b'"originBoardId": 8}',
            SprintDraft(
                source_id="7",
                name="Sprint 7",
                state="closed",
                board_source_id="8",
                started_at=datetime(2020, 6, 12, 0, 38, 51, 882000, UTC),
                ends_at=datetime(2020, 6, 26, 0, 38, tzinfo=UTC),
            ),
        ),
    ],
)
def test_a_listed_entity_becomes_its_draft(stream: str, body: bytes, draft: Draft) -> None:
    result = read(body, stream)
    assert result.drafts == [draft]
    assert result.problems == []


def test_a_system_field_becomes_no_draft() -> None:
    assert read(b'{"id": "summary", "name": "Summary", "custom": false}', "fields").drafts == []


@pytest.mark.parametrize(
    ("stream", "body", "reason", "path"),
    [
        ("projects", b'{"id": "10"}', "missing_field", "key"),
        ("issue_types", b'{"id": "", "name": "Story"}', "missing_field", "id"),
        ("statuses", b'{"id": "3", "name": null}', "missing_field", "name"),
        ("statuses", b'{"id": ["3"], "name": "Doing"}', "unexpected_shape", "id"),
        ("fields", b'{"name": "Story Points"}', "missing_field", "id"),
        ("users", b'{"accountId": "", "displayName": "Nobody"}', "missing_field", "accountId"),
        ("sprints", b'{"id": 7}', "missing_field", "name"),
        ("sprints", b'{"id": "' + b"9" * 256 + b'", "name": "S"}', "too_long", "id"),
        ("projects", b"[]", "unexpected_shape", ""),
        ("projects", b'{"id": "10", "key": "PAY"', "malformed", ""),
        ("projects", b'{"id": "10", "key": "PAY", "x": NaN}', "malformed", ""),
    ],
)
def test_an_entity_that_cannot_be_kept_is_refused_with_its_place(
    stream: str, body: bytes, reason: str, path: str
) -> None:
    with pytest.raises(RecordError) as refused:
        read(body, stream)
    assert (refused.value.reason, refused.value.path) == (reason, path)


def test_an_impossible_date_of_a_sprint_is_null_and_a_problem() -> None:
    body = b'{"id": 7, "name": "S", "startDate": "2024-02-30T00:00:00.000Z", "endDate": [1]}'
    result = read(body, "sprints", position=4)
    assert [(p.severity, p.reason, p.position, p.path) for p in result.problems] == [
        ("value", "bad_time", 4, "startDate"),
        ("value", "bad_time", 4, "endDate"),
    ]
    assert isinstance(result.drafts[0], SprintDraft)
    assert result.drafts[0].started_at is None


@pytest.mark.parametrize("level", [32_768, -32_768, 10**12, 2**64, 0.5, "1"])
def test_a_level_that_no_column_takes_is_null_and_a_problem(level: object) -> None:
    body = msgspec.json.encode({"id": "1", "name": "Story", "hierarchyLevel": level})
    result = read(body, "issue_types", position=4)
    assert result.drafts == [TypeDraft(source_id="1", name="Story")]
    assert [(p.severity, p.position, p.path) for p in result.problems] == [
        ("value", 4, "hierarchyLevel")
    ]


def test_the_greatest_levels_are_kept() -> None:
    for level in (-32_767, 32_767):
        body = msgspec.json.encode({"id": "1", "name": "Story", "hierarchyLevel": level})
        assert read(body, "issue_types").drafts == [
            TypeDraft(source_id="1", name="Story", level=level)
        ]


def test_nul_and_half_a_surrogate_pair_are_cleaned_and_noted() -> None:
    result = read(rb'{"id": "10\u0000", "key": "PAY", "name": "\ud800 C:\\u0000"}', "projects")
    assert result.drafts == [ProjectDraft(source_id="10", key="PAY", name="\ufffd C:\\u0000")]
    assert [(p.severity, p.reason) for p in result.problems] == [
        ("note", "nul"),
        ("note", "surrogate"),
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"story_point_field": "customfield_1"}, "unknown field `story_point_field`"),
        ({"story_points_field": "10024"}, r"customfield_.*story_points_field"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, str], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert(given, JiraSettings)
