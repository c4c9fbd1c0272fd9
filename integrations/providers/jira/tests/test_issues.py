"""Issues of every API version become the same drafts."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from integrations.contract import (
    EMBEDDED,
    AccountDraft,
    ProjectDraft,
    SprintDraft,
    StatusDraft,
    TypeDraft,
    WorkItemDraft,
)

from .. import shapes, values
from ..people import account_draft
from .samples import drafts, issue, one, read, with_changelog

SPRINT = {
    "id": 7,
    "name": "Sprint 7",
    "state": "closed",
    "boardId": 8,
    "goal": "Ship",
    "startDate": "2024-01-01T00:00:00.000Z",
}
SPRINT_TEXT = (
    "com.atlassian.greenhopper.service.sprint.Sprint@1f2e[id=12,rapidViewId=8,state=ACTIVE,"
    "name=Sprint 12, late=yes,startDate=2024-02-01T08:00:00.000+08:00,endDate=<null>,"
    "completeDate=<null>,activatedDate=<null>,sequence=12,goal=]"
)


def item_of(entity: dict[str, Any], **settings: Any) -> WorkItemDraft:
    result = read(entity, **settings)
    assert result.problems == []
    return one(result, WorkItemDraft)


def test_a_cloud_issue_becomes_a_work_item_with_the_sources_values() -> None:
    person = {"accountId": "ann", "displayName": "Ann"}
    item = item_of(
        issue(
            description={
                "type": "doc",
                "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Why"}]}],
            },
            environment={"type": "doc", "content": []},
            priority={"name": "High"},
            resolution={"name": "Done"},
            assignee=person,
            reporter=person | {"accountId": "bob"},
            creator=None,
            labels=["b", "a"],
            duedate="2024-04-01",
            resolutiondate="2024-02-01T10:00:00.000+0800",
            parent={"id": "9", "key": "PAY-9", "fields": {"summary": "Epic"}},
            customfield_10024="3.0",
            customfield_10001=None,
            customfield_10002={"value": "Red"},
        ),
        story_points_field="customfield_10024",
    )
    assert item == WorkItemDraft(
        source_id="100",
        key="PAY-1",
        project_source_id="10",
        project_key="PAY",
        type_source_id="1",
        source_type="Story",
        status_source_id="3",
        source_status="In Progress",
        title="Pay by card",
        description="Why",
        priority="High",
        resolution="Done",
        assignee_source_id="ann",
        reporter_source_id="bob",
        parent_source_id="9",
        parent_key="PAY-9",
        labels=["b", "a"],
        sprint_source_ids=[],
        story_points=3.0,
        due_on=date(2024, 4, 1),
        created_at=datetime(2024, 1, 1, 2, tzinfo=UTC),
        updated_at=datetime(2024, 3, 1, 2, tzinfo=UTC),
        resolved_at=datetime(2024, 2, 1, 2, tzinfo=UTC),
        custom_fields={"customfield_10024": "3.0", "customfield_10002": {"value": "Red"}},
        history_complete=False,
    )


def test_an_issue_of_the_least_members_is_kept() -> None:
    item = item_of(issue(summary=None, labels=None, status={"id": 3, "name": "Doing"}))
    assert (item.title, item.labels, item.status_source_id) == ("", [], "3")


def test_embedded_copies_become_drafts_of_less_authority() -> None:
    ann = {"accountId": "ann", "displayName": "Ann", "accountType": "app", "active": True}
    result = read(issue(assignee=ann, reporter=ann, customfield_10020=[SPRINT]))
    assert one(result, ProjectDraft) == ProjectDraft(
        source_id="10", key="PAY", name="Payments", kind="software", authority=EMBEDDED
    )
    assert one(result, TypeDraft) == TypeDraft(
        source_id="1", name="Story", level=0, is_subtask=False, authority=EMBEDDED
    )
    assert one(result, StatusDraft) == StatusDraft(
        source_id="3", name="In Progress", category="indeterminate", authority=EMBEDDED
    )
    assert one(result, AccountDraft) == AccountDraft(
        source_id="ann", name="Ann", kind="app", is_active=True, authority=EMBEDDED
    )
    assert one(result, SprintDraft) == SprintDraft(
        source_id="7",
        name="Sprint 7",
        state="closed",
        goal="Ship",
        board_source_id="8",
        started_at=datetime(2024, 1, 1, tzinfo=UTC),
        authority=EMBEDDED,
    )


@pytest.mark.parametrize(
    ("person", "source_id"),
    [
        ({"accountId": "ann", "key": "k", "name": "n"}, "ann"),
        ({"key": "JIRAUSER1", "name": "ann"}, "JIRAUSER1"),
        ({"name": "ann"}, "ann"),
        ({"accountId": "", "displayName": "Nobody"}, None),
        (None, None),
        (..., None),
    ],
)
def test_an_account_goes_by_its_first_id_and_an_empty_one_is_absent(
    person: Any, source_id: str | None
) -> None:
    result = read(issue(assignee=person))
    assert one(result, WorkItemDraft).assignee_source_id == source_id
    assert [account.source_id for account in drafts(result, AccountDraft)] == [source_id][
        : source_id is not None
    ]


def test_wiki_text_of_v2_and_data_center_becomes_plain() -> None:
    assert item_of(issue(description="h1. Why\n* *because*")).description == "Why\n- because"


@pytest.mark.parametrize(
    "instant",
    ["2024-01-01T10:00:00.000+0800", "2024-01-01T02:00:00.000Z", 1704074400000, 1704074400],
)
def test_every_form_of_time_is_the_same_instant(instant: str | int) -> None:
    assert item_of(issue(created=instant)).created_at == datetime(2024, 1, 1, 2, tzinfo=UTC)


def test_sprints_are_the_union_of_all_fields_in_numeric_order() -> None:
    entity = issue(
        sprint=SPRINT | {"id": 100},
        closedSprints=[SPRINT | {"id": 20}, SPRINT],
        customfield_10020=[SPRINT, SPRINT | {"id": 9}],
    )
    assert item_of(entity).sprint_source_ids == ["7", "9", "20", "100"]
    assert len(drafts(read(entity), SprintDraft)) == 4


def test_a_sprint_of_data_center_is_read_from_its_text() -> None:
    result = read(issue(customfield_10104=[SPRINT_TEXT]))
    assert one(result, WorkItemDraft).sprint_source_ids == ["12"]
    assert one(result, SprintDraft) == SprintDraft(
        source_id="12",
        name="Sprint 12, late=yes",
        state="active",
        board_source_id="8",
        started_at=datetime(2024, 2, 1, tzinfo=UTC),
        authority=EMBEDDED,
    )


def test_a_named_sprint_field_is_the_only_one_that_is_read() -> None:
    entity = issue(customfield_1=[SPRINT], customfield_2=[SPRINT | {"id": 8}])
    assert item_of(entity, sprint_field="customfield_2").sprint_source_ids == ["8"]
    assert item_of(entity).sprint_source_ids == ["7", "8"]


def test_lists_that_are_no_sprints_are_left_alone() -> None:
    entity = issue(customfield_1=[{"id": 7, "name": "Team", "state": "on"}], customfield_2=["a"])
    assert item_of(entity).sprint_source_ids == []


def test_a_sprint_value_read_before_gives_the_same_again() -> None:
    entity = issue(customfield_10020=[SPRINT | {"startDate": "never"}])
    first, second = read(entity), read(entity)
    assert first == second
    assert [problem.path for problem in second.problems] == [
        "fields.customfield_10020[0].startDate"
    ]


@pytest.mark.parametrize(
    ("fields", "parent"),
    [
        ({"parent": {"id": "9", "key": "PAY-9"}, "epic": {"id": 8, "key": "E-8"}}, ("9", "PAY-9")),
        ({"parent": None, "epic": {"id": 8, "key": "E-8"}}, ("8", "E-8")),
        ({"epic": None, "customfield_10014": "E-7"}, (None, "E-7")),
        ({"customfield_10014": {"key": "E-7"}}, (None, None)),
        ({"customfield_10014": ""}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_the_parent_is_the_parent_else_the_epic_else_the_epic_link(
    fields: dict[str, Any], parent: tuple[str | None, str | None]
) -> None:
    item = item_of(issue(**fields), epic_link_field="customfield_10014")
    assert (item.parent_source_id, item.parent_key) == parent


@pytest.mark.parametrize(
    ("value", "points"),
    [("-1", -1.0), ("3.0", 3.0), (" 5 ", 5.0), (8, 8.0), (0.5, 0.5), ("1e2", 100.0), ("", None)],
)
def test_story_points_come_as_numbers_and_as_text(value: object, points: float | None) -> None:
    entity = issue(customfield_10024=value)
    assert item_of(entity, story_points_field="customfield_10024").story_points == points
    assert item_of(entity).story_points is None


@pytest.mark.parametrize(
    ("changelog", "complete"),
    [
        ({"total": 1}, True),
        ({"total": 2}, False),
        ({"total": 1, "startAt": 40}, False),
        ({"total": ..., "isLast": True}, True),
        ({"total": ..., "isLast": False}, False),
        ({"total": ..., "maxResults": 40}, True),
        ({"total": ..., "maxResults": 1}, False),
        ({"total": ..., "maxResults": ...}, False),
    ],
)
def test_a_history_is_complete_if_the_changelog_says_so(
    changelog: dict[str, Any], complete: bool
) -> None:
    one_history = {"id": "1", "created": "2024-02-01T10:00:00.000+0000", "items": []}
    assert item_of(with_changelog(issue(), one_history, **changelog)).history_complete is complete


def test_what_is_remembered_of_embedded_copies_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_MAX_COPIES", 3)
    copies: values.Copies[AccountDraft] = values.Copies(
        shapes.PERSON, lambda person: account_draft(person, EMBEDDED)
    )
    reading = values.Reading(0)
    for _ in range(2):
        for name in "abcdefg":
            person = msgspec.Raw(b'{"accountId": "%s"}' % name.encode())
            account = reading.copy(person, copies, "author")
            assert account is not None
            assert account.source_id == name
            assert reading.copy(person, copies, "author") is account
            assert len(copies.known) <= 3
