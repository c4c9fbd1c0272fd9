"""What is wrong in an issue costs as little as it can, and is named with its place."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from common.errors import RecordError
from integrations.contract import (
    AccountDraft,
    ChangeDraft,
    Normalized,
    SprintDraft,
    WorkItemDraft,
)

from ..connector import connector
from ..settings import JiraSettings
from .samples import drafts, history, issue, one, read, status_item, with_changelog

PROJECT = {"id": "10", "key": "PAY"}
SPRINT = {"id": 7, "name": "S", "state": "active", "boardId": 1}
FULL = json.dumps(issue(customfield_1="MARK")).encode()


@pytest.mark.parametrize(
    ("entity", "reason", "path"),
    [
        (issue() | {"id": None}, "missing_field", "id"),
        (issue() | {"id": ""}, "missing_field", "id"),
        (issue() | {"id": "9" * 256}, "too_long", "id"),
        (issue() | {"id": "x" * 12_000}, "too_long", "id"),
        (issue() | {"id": [100]}, "unexpected_shape", "id"),
        (issue() | {"key": None}, "missing_field", "key"),
        (issue() | {"key": "K" * 256}, "too_long", "key"),
        (issue() | {"fields": None}, "missing_field", "fields"),
        (issue() | {"fields": []}, "unexpected_shape", "fields"),
        (issue(project=...), "missing_field", "fields.project"),
        (issue(project=PROJECT | {"id": None}), "missing_field", "fields.project.id"),
        (issue(project={"id": "10"}), "missing_field", "fields.project.key"),
        (issue(issuetype=None), "missing_field", "fields.issuetype"),
        (issue(issuetype={"id": "1"}), "missing_field", "fields.issuetype.name"),
        (issue(status=None), "missing_field", "fields.status"),
        (issue(status={"name": "Doing"}), "missing_field", "fields.status.id"),
        (issue(status=["Doing"]), "unexpected_shape", "fields.status"),
        (issue(created=None), "missing_field", "fields.created"),
        (issue(created="0000-00-00"), "bad_time", "fields.created"),
        (issue(created=["2024"]), "unexpected_shape", "fields.created"),
        (issue(summary=12), "unexpected_shape", "fields.summary"),
        (issue(status={"id": "9" * 256, "name": "Doing"}), "too_long", "fields.status.id"),
        (issue(issuetype={"id": "9" * 256, "name": "Bug"}), "too_long", "fields.issuetype.id"),
        (issue(project=PROJECT | {"key": "K" * 256}), "too_long", "fields.project.key"),
        (issue() | {"key": "\U0001f600" * 255}, "too_long", "key"),
    ],
)
def test_an_issue_that_cannot_be_kept_is_refused_with_its_place(
    entity: dict[str, Any], reason: str, path: str
) -> None:
    with pytest.raises(RecordError) as refused:
        read(entity)
    assert (refused.value.reason, refused.value.path) == (reason, path)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"NaN", "malformed"),
        (b"Infinity", "malformed"),
        (b"1e999", "bad_number"),
        (b"9" * 5000, "bad_number"),
        (b"[" * 100_000 + b"]" * 100_000, "too_deep"),
        (b'"\xff"', "malformed"),
        (b'"cut', "malformed"),
    ],
)
def test_json_that_cannot_be_kept_is_refused(value: bytes, reason: str) -> None:
    with pytest.raises(RecordError) as refused:
        read(FULL.replace(b'"MARK"', value))
    assert refused.value.reason == reason


@pytest.mark.parametrize(("member", "value"), [("votes", b"9" * 5000), ("x", b"NaN")])
def test_json_that_cannot_be_kept_is_refused_also_where_it_is_not_read(
    member: str, value: bytes
) -> None:
    with pytest.raises(RecordError):
        read(FULL.replace(b'"customfield_1": "MARK"', b'"%s": %s' % (member.encode(), value)))


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"PAY-1"', FULL[:-1], FULL.decode().encode("utf-16")]
)
def test_what_is_no_issue_is_refused(body: bytes) -> None:
    with pytest.raises(RecordError):
        read(body)


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"duedate": "2024-02-30"}, "duedate", "bad_date"),
        ({"duedate": "0000-00-00"}, "duedate", "bad_date"),
        ({"duedate": 20240230}, "duedate", "bad_date"),
        ({"resolutiondate": "infinity"}, "resolutiondate", "bad_time"),
        ({"resolutiondate": "10000-01-01T00:00:00.000+0000"}, "resolutiondate", "bad_time"),
        ({"resolutiondate": {"when": 1}}, "resolutiondate", "bad_time"),
        ({"customfield_1": "many"}, "customfield_1", "bad_number"),
        ({"customfield_1": True}, "customfield_1", "bad_number"),
        ({"customfield_1": "nan"}, "customfield_1", "bad_number"),
        ({"customfield_1": {"value": 3}}, "customfield_1", "bad_number"),
        ({"description": 7}, "description", "unexpected_shape"),
        ({"description": {"content": "text"}}, "description.content", "unexpected_shape"),
        ({"sprint": SPRINT | {"endDate": "2024-02-30"}}, "sprint.endDate", "bad_time"),
        ({"customfield_2": [SPRINT, 7]}, "customfield_2[1]", "unexpected_shape"),
        ({"customfield_2": [SPRINT, SPRINT | {"id": None}]}, "customfield_2[1]", "missing_field"),
    ],
)
def test_a_wrong_optional_value_is_null_and_a_problem(
    fields: dict[str, Any], path: str, reason: str
) -> None:
    result = read(issue(**fields), position=3, story_points_field="customfield_1")
    item = one(result, WorkItemDraft)
    assert (item.due_on, item.resolved_at, item.story_points, item.description) == (None,) * 4
    assert all(sprint.ends_at is None for sprint in drafts(result, SprintDraft))
    assert [(p.severity, p.reason, p.path, p.position) for p in result.problems] == [
        ("value", reason, f"fields.{path}", 3)
    ]


def test_nul_is_stripped_everywhere_and_noted_once() -> None:
    entity = with_changelog(
        issue(
            summary="a\0b",
            description="c\0d",
            labels=["e\0f"],
            assignee={"accountId": "ann\0", "displayName": "An\0n"},
            customfield_1={"k\0ey": ["g\0h"]},
        ),
        history(1, status_item("1", "3", toString="S\0T")),
    )
    result = read(entity, position=2)
    assert "\\x00" not in repr(result)
    item = one(result, WorkItemDraft)
    assert (item.title, item.description, item.labels) == ("ab", "cd", ["ef"])
    assert item.custom_fields == {"customfield_1": {"key": ["gh"]}}
    assert one(result, ChangeDraft).to_text == "ST"
    assert "ann" in {account.source_id for account in drafts(result, AccountDraft)}
    assert [(p.severity, p.reason, p.position) for p in result.problems] == [("note", "nul", 2)]


@pytest.mark.parametrize("place", [b'"Pay by card"', b'"MARK"', b'"Payments"', b'"note": "MARK"'])
def test_half_a_surrogate_pair_is_replaced_wherever_it_stands(place: bytes) -> None:
    body = FULL.replace(place, place[:-1] + rb'\ud800"')
    if b"note" in place:
        body = FULL.replace(b'"customfield_1": "MARK"', rb'"description": "\ud800"')
    result = read(body)
    assert "\ufffd" in repr(result.drafts)
    assert [(p.severity, p.reason) for p in result.problems] == [("note", "surrogate")]


def test_half_a_surrogate_pair_in_a_history_is_replaced() -> None:
    body = json.dumps(with_changelog(issue(), history(1, status_item("1", "3")))).encode()
    result = read(body.replace(b'"S1"', rb'"S\udc00"'))
    assert one(result, ChangeDraft).from_text == "S\ufffd"
    assert [(p.severity, p.reason) for p in result.problems] == [("note", "surrogate")]


def test_of_a_member_given_twice_the_last_counts() -> None:
    body = FULL.replace(b'"summary"', b'"summary": "first", "summary"', 1)
    assert one(read(body), WorkItemDraft).title == "Pay by card"


def test_odd_text_and_times_are_kept_as_they_are() -> None:
    text = '<script>alert(1)</script> "><svg onload> \u202e\u200b \x1b[31m\n'
    item = one(read(issue(summary=text, updated="2099-01-01T00:00:00.000+0000")), WorkItemDraft)
    assert item.title == text
    assert item.updated_at == datetime(2099, 1, 1, tzinfo=UTC)


def test_an_integer_beyond_64_bits_is_kept() -> None:
    entity = issue(customfield_1=2**63, status={"id": 2**63, "name": "Doing"})
    item = one(read(entity), WorkItemDraft)
    assert item.custom_fields == {"customfield_1": 2**63}
    assert item.status_source_id == str(2**63)


def test_deep_documents_are_read_without_recursion() -> None:
    node = b'{"type": "paragraph", "content": [%s]}'
    description = b'{"type": "text", "text": "deep"}'
    for _ in range(100):
        description = node % description
    result = read(FULL.replace(b'"MARK"', b'"MARK", "description": ' + description))
    assert one(result, WorkItemDraft).description == "deep"


def test_one_record_does_not_spoil_another() -> None:
    bad = json.dumps(issue(created="never", customfield_1="x")).encode()
    results: list[Normalized | None] = []
    for record in connector.split("issues", b"\n".join([FULL, bad, b'{"id"', FULL]), is_lines=True):
        try:
            results.append(connector.normalize("issues", record, JiraSettings()))
        except RecordError:
            results.append(None)
    assert results[1:3] == [None, None]
    assert results[0] == results[3] == read(FULL)
