"""Every recorded issue and change, against a plain reading of the same JSON."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.contract import (
    AccountDraft,
    ChangeDraft,
    Draft,
    Normalized,
    ProjectDraft,
    SprintDraft,
    StatusDraft,
    TypeDraft,
    WorkItemDraft,
)

from ..connector import connector
from ..settings import JiraSettings
from .samples import drafts, one

ROOT = Path(__file__).parents[4]
RECORDINGS = [
    directory
    for directory in (
        ROOT.parent / "shared/recorded/jira",
        *sorted((ROOT / "sandbox/recordings").glob("*/jira")),
    )
    if (directory / "issues.jsonl").exists()
]
SETTINGS = JiraSettings(story_points_field="customfield_10024")


@pytest.fixture(params=RECORDINGS, ids=lambda path: f"{path.parent.parent.name}-{path.parent.name}")
def recorded(request: pytest.FixtureRequest) -> Path:
    directory: Path = request.param
    return directory


def pairs(directory: Path, stream: str) -> Iterator[tuple[dict[str, Any], Normalized]]:
    """Yield each recorded entity as plain JSON beside what it became."""
    body = (directory / f"{stream}.jsonl").read_bytes()
    plain = [json.loads(line) for line in body.splitlines()]
    records = list(connector.split(stream, body, is_lines=True))
    assert [record.position for record in records] == list(range(len(plain)))
    for entity, record in zip(plain, records, strict=True):
        yield entity, connector.normalize(stream, record, SETTINGS)


def instant(text: str | None) -> datetime | None:
    return datetime.strptime(text.replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S.%f%z") if text else None


def value(entity: dict[str, Any] | None, member: str) -> Any:
    """Return a member; an empty one, such as the id of an account that is gone, is None."""
    return (entity[member] or None) if entity else None


def test_every_issue_is_a_work_item_with_its_values(recorded: Path) -> None:
    for plain, result in pairs(recorded, "issues"):
        fields = plain["fields"]
        item = one(result, WorkItemDraft)
        assert (item.source_id, item.key) == (plain["id"], plain["key"])
        assert item.project_source_id == fields["project"]["id"]
        assert item.project_key == fields["project"]["key"]
        assert item.type_source_id == fields["issuetype"]["id"]
        assert item.source_type == fields["issuetype"]["name"]
        assert item.status_source_id == fields["status"]["id"]
        assert item.source_status == fields["status"]["name"]
        assert item.title == fields["summary"].replace("\0", "")
        assert item.created_at == instant(fields["created"])
        assert item.updated_at == instant(fields["updated"])
        assert item.resolved_at == instant(fields.get("resolutiondate"))
        assert item.labels == fields["labels"]
        assert item.priority == value(fields.get("priority"), "name")
        assert item.resolution == value(fields.get("resolution"), "name")
        assert str(item.due_on) == str(fields.get("duedate"))


def test_every_issue_names_its_people_parent_sprints_and_estimate(recorded: Path) -> None:
    for plain, result in pairs(recorded, "issues"):
        fields = plain["fields"]
        item = one(result, WorkItemDraft)
        for role in ("assignee", "reporter", "creator"):
            assert getattr(item, f"{role}_source_id") == value(fields.get(role), "accountId")
        parent = fields.get("parent") or fields.get("epic")
        assert item.parent_source_id == value(parent, "id")
        assert item.parent_key == value(parent, "key")
        sprints = [
            *filter(None, [fields.get("sprint")]),
            *(fields.get("closedSprints") or ()),
            *(fields.get("customfield_10020") or ()),
        ]
        assert item.sprint_source_ids == [str(n) for n in sorted({s["id"] for s in sprints})]
        points = fields.get("customfield_10024")
        assert item.story_points == (None if points is None else float(points))
        assert item.custom_fields == {
            name: custom
            for name, custom in fields.items()
            if name.startswith("customfield_") and custom is not None
        }


def test_every_item_of_every_history_is_a_change_once(recorded: Path) -> None:
    for plain, result in pairs(recorded, "issues"):
        expected = [
            ChangeDraft(
                work_item_source_id=plain["id"],
                source_id=history["id"],
                position=position,
                field=item["field"],
                field_id=item.get("fieldId"),
                is_status=item["field"] == "status",
                from_value=item["from"],
                to_value=item["to"],
                from_text=item["fromString"],
                to_text=item["toString"],
                author_source_id=value(history.get("author"), "accountId"),
                changed_at=instant(history["created"]) or datetime.min,
            )
            for history in plain["changelog"]["histories"]
            for position, item in enumerate(history["items"])
        ]
        assert expected
        assert drafts(result, ChangeDraft) == expected
        histories = plain["changelog"]["histories"]
        complete = plain["changelog"]["total"] <= len(histories)
        assert one(result, WorkItemDraft).history_complete is complete


def test_every_referenced_entity_has_a_draft(recorded: Path) -> None:
    for _, result in pairs(recorded, "issues"):
        item = one(result, WorkItemDraft)
        changes = drafts(result, ChangeDraft)
        statuses = {status.source_id for status in drafts(result, StatusDraft)}
        assert {item.status_source_id} <= statuses
        for change in changes:
            if change.is_status:
                assert {change.from_value, change.to_value} <= statuses
        accounts = {account.source_id for account in drafts(result, AccountDraft)}
        named = {change.author_source_id for change in changes} | {item.assignee_source_id}
        assert named - {None} <= accounts
        assert set(item.sprint_source_ids) <= {s.source_id for s in drafts(result, SprintDraft)}
        assert one(result, ProjectDraft).key == item.project_key
        assert one(result, TypeDraft).name == item.source_type


@pytest.mark.parametrize(
    ("stream", "kind"),
    [
        ("projects", ProjectDraft),
        ("issue_types", TypeDraft),
        ("statuses", StatusDraft),
        ("users", AccountDraft),
        ("sprints", SprintDraft),
    ],
)
def test_every_listed_entity_is_one_draft(recorded: Path, stream: str, kind: type[Draft]) -> None:
    if not (recorded / f"{stream}.jsonl").exists():
        pytest.skip(f"this recording has no {stream}")
    for plain, result in pairs(recorded, stream):
        (draft,) = result.drafts
        assert isinstance(
            draft, ProjectDraft | TypeDraft | StatusDraft | AccountDraft | SprintDraft
        )
        assert isinstance(draft, kind)
        assert draft.source_id == str(plain.get("id") or plain["accountId"])
        assert draft.name == (plain.get("name") or plain["displayName"])
        assert result.problems == []


def test_an_issue_written_as_data_center_gives_the_same_changes(recorded: Path) -> None:
    """Oldest history first, and people without an accountId."""
    for plain, result in pairs(recorded, "issues"):
        text = json.dumps(plain).replace('"accountId":', '"key":')
        rewritten = json.loads(text)
        rewritten["changelog"]["histories"].reverse()
        (record,) = connector.split("issues", json.dumps(rewritten).encode())
        again = connector.normalize("issues", record, SETTINGS)
        assert sorted(map(repr, drafts(again, ChangeDraft))) == sorted(
            map(repr, drafts(result, ChangeDraft))
        )
        assert one(again, WorkItemDraft) == one(result, WorkItemDraft)


def test_there_is_a_recording() -> None:
    assert RECORDINGS
