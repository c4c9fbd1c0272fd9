"""Recordings through the whole path: everything in them, once, with the right values."""

import shutil
import socket
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from integrations.models import QuarantinedRecord, RawPage
from jobs.models import JobRun
from jobs.retransform import start_retransform
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.conftest import OWN
from tests.path import plain_reading
from tests.path.working import STORY_POINTS, exported, finish, hashes, load, shuffled_copy
from warehouse.models import Changelog, PullRequest, StagedPage, WorkItem
from warehouse.tables import TABLES

pytestmark = pytest.mark.django_db(transaction=True)

POINTS = STORY_POINTS["story_points_field"]


def expected(recording: Path, table: str) -> list[dict[str, Any]]:
    if table == "work_items":
        return plain_reading.work_items(recording, POINTS)
    rows: list[dict[str, Any]] = getattr(plain_reading, table)(recording)
    return rows


def comparable(rows: list[dict[str, Any]], names: set[str]) -> list[tuple[Any, ...]]:
    return sorted((tuple((name, row[name]) for name in sorted(names)) for row in rows), key=repr)


def test_a_recording_is_loaded_whole_once_and_with_right_values(recording: Path) -> None:
    runs = load(recording)
    assert [run.state for run in runs] == [JobRun.State.COMPLETED] * 2
    for table in (
        "work_items",
        "changelogs",
        "pull_requests",
        "commits",
        "reviews",
        "comments",
    ):
        wanted = expected(recording, table)
        names = set(wanted[0])
        assert comparable(exported(table), names) == comparable(wanted, names), table


def test_what_its_mapping_says_nothing_of_stays_null_beside_the_source_value(
    recording: Path,
) -> None:
    load(recording)
    items = exported("work_items")
    assert {item["type"] for item in items} - {None}
    for item in items:
        assert item["source_type"]
        assert item["source_status"]
        assert (item["status"] is None) == (item["status_category"] is None)
        assert (item["type"] is None) == (item["level"] is None)


def test_importing_twice_writes_nothing_and_keeps_one_copy_of_each_page(recording: Path) -> None:
    load(recording)
    first, seen = hashes(), changes_seen()
    with every_tenant("test"):
        pages = RawPage.objects.count()
    load(recording)
    assert hashes() == first
    assert changes_seen() == seen
    with every_tenant("test"):
        assert RawPage.objects.count() == pages
        assert StagedPage.objects.count() == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_another_order_of_the_lines_gives_the_same_tables(
    recording: Path, tmp_path: Path, seed: int
) -> None:
    load(recording)
    load(shuffled_copy(recording, tmp_path, seed), tenant="other", lines_a_page=7)
    assert hashes("other") == hashes("acme")


def test_page_by_page_in_eight_threads_gives_the_same_tables(recording: Path) -> None:
    load(recording)
    load(recording, tenant="other", lines_a_page=5, threads=8)
    assert hashes("other") == hashes("acme")


def test_children_before_their_parents_give_the_same_tables(
    recording: Path, tmp_path: Path
) -> None:
    load(recording)
    late = ("statuses.jsonl", "issue_types.jsonl", "projects.jsonl", "pulls.jsonl")
    for part, files in (("first", None), ("second", late)):
        for source in recording.rglob("*.jsonl"):
            if (source.name in late) == (files is not None):
                target = tmp_path / part / source.relative_to(recording)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target)
    load(tmp_path / "first", tenant="other")
    load(tmp_path / "second", tenant="other")
    assert hashes("other") == hashes("acme")


def test_retransform_rebuilds_every_row_from_raw_with_recording_and_network_gone(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "recording"
    shutil.copytree(recording, copy)
    load(copy)
    first = hashes()
    shutil.rmtree(copy)
    monkeypatch.setattr(socket, "socket", _no_network)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE work_items SET title = 'damaged'")
        cursor.execute("DELETE FROM work_item_changelogs WHERE is_status")
    assert hashes() != first
    finish(start_retransform(Tenant.objects.get(slug="acme")))
    assert hashes() == first
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table.model._meta.db_table}")
    assert hashes() != first
    finish(start_retransform(Tenant.objects.get(slug="acme")))
    assert hashes() == first


def _no_network(*args: object, **options: object) -> None:
    raise AssertionError("nothing may be fetched")


def test_every_row_knows_the_page_and_the_place_it_came_from(recording: Path) -> None:
    load(recording, lines_a_page=4)
    with every_tenant("test"):
        item = WorkItem.objects.order_by("-id")[0]
        page = RawPage.objects.get(pk=item.raw_page_id)
        assert page.stream == "issues"
        change = Changelog.objects.filter(work_item_source_id=item.source_id)[0]
        assert (change.raw_page_id, change.raw_position) == (item.raw_page_id, item.raw_position)
        pull = PullRequest.objects.order_by("id")[0]
        assert RawPage.objects.get(pk=pull.raw_page_id).stream == "pulls"


def test_pages_of_which_nothing_is_set_aside_are_not_read_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    load(OWN)
    call_command("retransform", "--tenant", "acme", "--set-aside")
    assert "nothing of tenant acme is set aside" in capsys.readouterr().out


def test_nothing_of_our_recordings_is_set_aside(recording: Path) -> None:
    load(recording)
    with every_tenant("test"):
        serious = QuarantinedRecord.objects.exclude(severity=QuarantinedRecord.Severity.NOTE)
        assert [str(problem) for problem in serious] == []


def changes_seen() -> dict[str, list[int]]:
    """The change numbers of all rows of every loaded table."""
    with every_tenant("test"):
        return {
            table.name: sorted(table.model._default_manager.values_list("changed_seq", flat=True))
            for table in TABLES
        }
