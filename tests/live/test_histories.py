"""Items of Jira with more histories than a search gives: all of them are loaded."""

from typing import Any

import pytest

from jobs.models import JobRun
from sandbox.generate.world import World
from sandbox.options import Options
from tests.live.comparing import differences
from tests.live.running import sync, told
from tests.live.served import Served, served
from tests.path.working import exported

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 45
BULK = "changelog/bulkfetch"


def with_long_histories(source: Served) -> list[str]:
    """Edit some items more often than a search tells of; return their ids."""
    ids = [row["source_id"] for row in source.rows("work_items")[:4]]
    edits: list[dict[str, Any]] = [
        {"op": "jira.edit", "ids": ids, "what": "status" if turn % 9 == 0 else "labels"}
        for turn in range(MANY)
    ]
    source.mutate(*edits)
    return ids


def complete(run: JobRun) -> None:
    """Fail unless a run is completed without anything set aside."""
    assert run.state == JobRun.State.COMPLETED, told(run)


def whole(source: Served, ids: list[str]) -> None:
    """Fail unless items have all their changes and what is computed of them."""
    assert differences(source, providers="jira") == []
    rows = {row["source_id"]: row for row in exported("work_items")}
    assert all(row["history_complete"] for row in rows.values())
    done = [row for row in rows.values() if row["status_category"] == "done"]
    assert done
    assert all(row["lead_time_seconds"] is not None for row in done)
    changes = [row["work_item_source_id"] for row in exported("changelogs")]
    assert all(changes.count(each) > MANY for each in ids)


@pytest.mark.parametrize(("histories_a_page", "pages"), [(10_000, 1), (20, 12)])
def test_histories_that_a_search_cuts_short_come_whole(histories_a_page: int, pages: int) -> None:
    options = Options(bulk_histories=histories_a_page)
    with served(World(items=30, seed=8, shape="v3", lean=True), options) as source:
        ids = with_long_histories(source)
        integration = source.connect("jira", settings={"page_size": 10})
        complete(sync(integration))
        whole(source, ids)
        asked = source.requests()["kinds"]["jira"]["changelogs"]
        assert pages <= asked <= 2 * pages  # and again by the walk of what changed since


def test_histories_that_grow_while_they_are_read_come_whole() -> None:
    with served(World(items=30, seed=8, shape="v3", lean=True)) as source:
        integration = source.connect("jira", settings={"page_size": 10})
        complete(sync(integration))
        ids = with_long_histories(source)
        source.control("options", {"bulk_histories": 20})
        source.between_pages(BULK, 2, {"op": "jira.edit", "ids": ids, "what": "status"})
        source.between_pages(BULK, 4, {"op": "jira.edit", "ids": ids[:2], "what": "points"})
        complete(sync(integration))
        complete(sync(integration))
        assert source.cues_left() == 0
        whole(source, ids)


def test_histories_are_read_anew_when_jira_no_longer_knows_their_page_tokens() -> None:
    options = Options(bulk_histories=20, search_token_seconds=50)
    with served(World(items=30, seed=8, shape="v3", lean=True), options) as source:
        ids = with_long_histories(source)
        integration = source.connect("jira", settings={"page_size": 10})
        source.between_pages(BULK, 3, {"op": "jira.touch", "count": 1})
        complete(run := sync(integration))
        assert "no longer knows a page token" in told(run)
        complete(sync(integration))
        whole(source, ids)


def test_data_center_gives_whole_histories_with_the_search() -> None:
    options = Options(mode="datacenter")
    with served(World(items=30, seed=8, shape="v3", lean=True), options) as source:
        ids = with_long_histories(source)
        complete(sync(source.connect("jira", settings={"page_size": 10})))
        whole(source, ids)
