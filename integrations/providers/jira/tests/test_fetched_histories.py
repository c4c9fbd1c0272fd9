"""Histories that were asked for by themselves → changes of their item."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from common.errors import RecordError
from integrations.contract import AccountDraft, ChangeDraft, StatusDraft, WorkItemDraft

from ..connector import connector
from .samples import drafts, history, issue, one, read, status_item, with_changelog

AT = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)


def record(*histories: Any) -> dict[str, Any]:
    return {"issueId": "100", "changeHistories": list(histories)}


@pytest.mark.parametrize(
    "created", [1_767_232_800_000, 1_767_232_800, "2026-01-01T10:00:00.000+0800"]
)
def test_the_instant_of_a_history_may_have_any_of_three_forms(created: Any) -> None:
    result = read(record(history(1, status_item("1", "2"), created=created)), "changelogs")
    assert one(result, ChangeDraft).changed_at == AT


def test_they_read_the_same_as_those_in_an_item() -> None:
    held = [history(1, status_item("1", "2")), history(2, status_item("2", "3"))]
    apart, inside = read(record(*held), "changelogs"), read(with_changelog(issue(), *held))
    assert drafts(apart, ChangeDraft) == drafts(inside, ChangeDraft)
    assert drafts(apart, AccountDraft) == drafts(inside, AccountDraft)
    assert {status.source_id for status in drafts(apart, StatusDraft)} == {"1", "2", "3"}


def test_a_history_that_cannot_be_kept_is_named_by_its_place() -> None:
    result = read(record(history(1, status_item("1", "2")), {"id": "2"}), "changelogs")
    assert len(drafts(result, ChangeDraft)) == 1
    assert [problem.path for problem in result.problems] == ["changeHistories[1].created"]


@pytest.mark.parametrize("without", ["issueId", "changeHistories"])
def test_a_record_without_item_or_histories_is_refused(without: str) -> None:
    entity = record()
    del entity[without]
    with pytest.raises(RecordError, match=without):
        read(entity, "changelogs")


def test_a_page_is_split_into_one_record_an_item() -> None:
    logs = [record(history(1)), record(history(2)) | {"issueId": "101"}]
    page = json.dumps({"issueChangeLogs": logs, "nextPageToken": "x"}).encode()
    bodies = [json.loads(each.body) for each in connector.split("changelogs", page)]
    assert bodies == logs


@pytest.mark.parametrize(
    ("members", "total"),
    [({"total": 57}, 57), ({"total": ...}, None), ({"total": -1}, None), ({"total": 2**40}, None)],
)
def test_an_item_knows_how_many_histories_there_are(
    members: dict[str, Any], total: int | None
) -> None:
    result = read(with_changelog(issue(), history(1, status_item("1", "2")), **members))
    assert one(result, WorkItemDraft).history_total == total


def test_an_item_without_a_changelog_does_not_know_it() -> None:
    assert one(read(issue()), WorkItemDraft).history_total is None
