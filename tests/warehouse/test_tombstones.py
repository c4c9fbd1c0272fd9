"""Rows that are gone at the source: marked, exported no more, and back when they are seen again."""

from typing import Any

import pytest

from common.errors import PermanentError
from integrations.contract import Difference, Gone, ProjectDraft, RepositoryDraft
from tenants.scope import tenant_scope
from tests.warehouse.loading import Given, Source, day, given
from tests.warehouse.test_histories import histories, item
from tests.warehouse.test_renames import TABLES, commits, others, pull, seen
from warehouse.census import difference, loaded_ids
from warehouse.models import Repository, WorkItem
from warehouse.tombstones import bury

pytestmark = pytest.mark.django_db


def items(*ids: str, on: float, updated: float = 1, **values: Any) -> Given:
    return given(
        *(
            [
                item(id_, updated=updated, history_complete=True, **values),
                *histories(1, item_id=id_),
            ]
            for id_ in ids
        ),
        on=on,
    )


def gone(source: Source, on: float, *of: Gone) -> int:
    with tenant_scope(source.tenant.pk):
        return bury(source.tenant.pk, source.integration.pk, of, day(on))


def some(table: str, *ids: str, reason: str = "deleted") -> Gone:
    return Gone(table=table, reason=reason, ids=list(ids))


def exported(source: Source, table: str = "work_items") -> list[str]:
    return sorted({str(row["source_id"]) for row in source.exported(table)})


def a_source(*pages: Given, provider: str = "jira") -> Source:
    source = Source(provider)
    source.load_each(pages)
    return source


def test_what_is_gone_is_marked_with_its_reason_and_exported_no_more() -> None:
    source = a_source(items("1", "2", on=1))
    highest = max(source.changes_seen()["work_items"])
    assert gone(source, 2, some("work_items", "1", "9", reason="moved")) == 1
    assert exported(source) == ["2"]
    assert {row["work_item_source_id"] for row in source.exported("changelogs")} == {"2"}
    with tenant_scope(source.tenant.pk):
        row = WorkItem.objects.get(source_id="1")
    assert (row.deleted_at, row.deleted_reason) == (day(2), "moved")
    assert row.changed_seq > highest


def test_burying_again_writes_nothing() -> None:
    source = a_source(items("1", on=1))
    assert gone(source, 2, some("work_items", "1")) == 1
    before = source.changes_seen()
    assert gone(source, 3, some("work_items", "1", reason="not_visible")) == 0
    assert source.changes_seen() == before


def test_what_was_fetched_since_is_left_alive() -> None:
    source = a_source(items("1", on=3))
    assert gone(source, 3, some("work_items", "1")) == 0
    assert exported(source) == ["1"]


def test_a_row_that_is_seen_again_later_is_alive_again() -> None:
    source = a_source(items("1", on=1))
    gone(source, 2, some("work_items", "1"))
    source.load(items("1", on=3))
    assert exported(source) == ["1"]


def test_reading_older_pages_again_revives_nothing() -> None:
    page = items("1", "2", on=1)
    source = a_source(page)
    gone(source, 2, some("work_items", "1"))
    before = source.hashes()
    source.load(page, fingerprint=2)
    source.load(items("1", on=1.5, updated=1.5))
    assert source.hashes() == before


def test_a_project_takes_its_own_items_only() -> None:
    source = a_source(items("1", on=1), items("2", on=1, project_source_id="11"))
    everything = Gone(table="work_items", reason="not_visible", part="10")
    assert gone(source, 2, everything) == 1
    assert exported(source) == ["2"]


def test_a_whole_integration_can_be_gone_and_no_other() -> None:
    source, other = a_source(items("1", "2", on=1)), a_source(items("1", on=1))
    assert gone(source, 2, Gone(table="work_items", reason="not_visible")) == 2
    assert (exported(source), exported(other)) == ([], ["1"])


def test_the_pull_requests_of_a_repository_are_found_by_its_id_and_by_its_names() -> None:
    source = a_source(
        seen(1, r="a/old", q="a/other"),
        pull("a/old", 1, id_="p1", repository_source_id="r"),
        pull("a/old", 1, id_="p2", number=2),
        pull("a/other", 1, id_="p3", number=3),
        seen(2, r="a/new"),
        provider="github",
    )
    assert gone(source, 5, Gone(table="pull_requests", reason="deleted", part="r")) == 2
    assert exported(source, "pull_requests") == ["p3"]


def test_nothing_that_hangs_on_a_pull_request_that_is_gone_is_exported() -> None:
    source = a_source(
        items("1", on=1, key="ABC-1"),
        pull("a/x", 1),
        commits("a/x", 1, "c1"),
        commits("a/x", 1, "c2", number=2),
        *others("a/x", 1)[:2],
        provider="github",
    )
    assert len(source.exported("links")) == 1
    gone(source, 2, some("pull_requests", "p1"))
    assert [row["sha"] for row in source.exported("commits")] == ["c2"]
    for table in ("pull_requests", "reviews", "comments", "links"):
        assert source.exported(table) == [], table


def test_nothing_of_a_repository_that_is_gone_is_exported_until_it_is_seen_again() -> None:
    source = a_source(
        items("1", on=1, key="ABC-1"),
        seen(1, r="a/x"),
        pull("a/x", 1),
        commits("a/x", 1, "c1"),
        *others("a/x", 1),
        *others("a/y", 1, id_="2"),
        provider="github",
    )
    before = source.hashes()
    gone(source, 2, some("repositories", "r"))
    assert exported(source, "deployments") == ["2"]
    assert exported(source, "workflow_runs") == ["2"]
    assert source.exported("links") == source.exported("commits") == []
    source.load(seen(3, r="a/x"))
    assert source.hashes() == before
    assert all(source.exported(table) for table in TABLES)


def test_a_repository_of_the_same_name_is_exported_when_the_earlier_one_is_gone() -> None:
    source = a_source(
        seen(1, r="a/x"), *others("a/x", 1, id_="1"), seen(3, q="a/x"), provider="github"
    )
    source.load_each(others("a/x", 4, id_="2"))
    gone(source, 5, some("repositories", "r"))
    assert exported(source, "deployments") == ["2"]


def test_a_table_without_tombstones_is_refused() -> None:
    with pytest.raises(PermanentError, match="reviews"):
        gone(a_source(), 1, some("reviews", "1"))


def test_a_census_tells_what_is_missing_and_what_is_too_many() -> None:
    source = a_source(
        items("1", "2", "3", on=1),
        items("4", on=1, project_source_id="11"),
        given([ProjectDraft(source_id="10", key="KEY")], on=1),
    )
    gone(source, 2, some("work_items", "3"))
    owner = (source.tenant.pk, source.integration.pk)
    with tenant_scope(source.tenant.pk):
        assert loaded_ids(*owner, "work_items", "10") == ["1", "2"]
        assert loaded_ids(*owner, "work_items", "") == ["1", "2", "4"]
        assert loaded_ids(*owner, "projects", "") == ["10"]
        assert difference(*owner, "work_items", "10", iter(["2", "3", "5"])) == Difference(
            table="work_items", part="10", missing=["3", "5"], extra=["1"]
        )


def test_a_tombstone_counts_as_gone_whatever_an_older_embedded_copy_says() -> None:
    source = a_source(seen(1, r="a/x"), provider="github")
    gone(source, 2, some("repositories", "r"))
    source.load(given([RepositoryDraft(source_id="r", full_name="a/x", authority=2)], on=1.5))
    with tenant_scope(source.tenant.pk):
        assert Repository.objects.get().deleted_at == day(2)
