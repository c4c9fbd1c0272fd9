"""Full runs, backfills, and several workers: what is fetched, what is left alone, what is equal."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from integrations.models import Checkpoint, Integration
from jobs.models import JobRun, QueueEntry
from sandbox.generate.world import UNTIL, World
from sandbox.options import Options
from tenants.scope import tenant_scope
from tests.live.comparing import changed_seqs, differences
from tests.live.running import sync, told
from tests.live.served import Served, served
from tests.path.working import exported, hashes
from warehouse.tables import BY_NAME

pytestmark = pytest.mark.django_db(transaction=True)

SMALL = {"jira": {"page_size": 10}, "github": {"page_size": 5}}
ITEM_PAGES = ("items", "pulls")


@pytest.fixture
def source() -> Iterator[Served]:
    """An organisation of 90 work items and 30 pull requests."""
    with served(World(items=90, seed=7, lean=True, shape="v3")) as found:
        yield found


def complete(run: JobRun) -> None:
    """Fail unless a run is completed without anything set aside."""
    assert run.state == JobRun.State.COMPLETED, told(run)


def pages_fetched(source: Served, provider: str) -> int:
    """Return how many requests there were for pages of items or pull requests."""
    kinds = source.requests()["kinds"][provider]
    return sum(kinds.get(kind, 0) for kind in ITEM_PAGES)


def checkpoints(integration: Integration) -> list[tuple[Any, ...]]:
    """Return all checkpoints of an integration."""
    with tenant_scope(integration.tenant_id):
        kept = Checkpoint.objects.filter(integration=integration).order_by("stream", "part")
        return list(kept.values_list("stream", "part", "value", "pending"))


@pytest.mark.parametrize("provider", ["jira", "github"])
def test_a_full_run_fetches_everything_again_and_changes_nothing(
    source: Served, provider: str
) -> None:
    integration = source.connect(provider, settings=SMALL[provider])
    source.forget_requests()
    complete(sync(integration))
    first, seen = pages_fetched(source, provider), changed_seqs()
    source.forget_requests()
    complete(sync(integration, "full"))
    assert changed_seqs() == seen
    assert pages_fetched(source, provider) >= first - 1  # without what changed since it began
    assert differences(source, providers=provider) == []


@pytest.mark.parametrize("provider", ["jira", "github"])
def test_a_full_run_mends_what_was_lost(source: Served, provider: str) -> None:
    integration = source.connect(provider, settings=SMALL[provider])
    complete(sync(integration))
    table = {"jira": "work_items", "github": "pull_requests"}[provider]
    with tenant_scope(integration.tenant_id):
        rows = BY_NAME[table].model._default_manager
        rows.filter(pk__in=list(rows.values_list("pk", flat=True)[:7])).delete()
    assert differences(source, providers=provider) != []
    complete(sync(integration, "full"))
    assert differences(source, providers=provider) == []


@pytest.mark.parametrize("is_first", [True, False], ids=["nothing loaded yet", "all loaded"])
def test_a_backfill_of_jira_loads_what_was_updated_in_its_window(
    source: Served, is_first: bool
) -> None:
    integration = source.connect("jira", settings=SMALL["jira"])
    if not is_first:
        complete(sync(integration))
    before = checkpoints(integration)
    since, until = UNTIL - timedelta(days=120), UNTIL - timedelta(days=20)
    source.forget_requests()
    complete(sync(integration, "backfill", since=since, until=until))
    within = {
        row["source_id"]
        for row in source.rows("work_items")
        if since <= datetime.fromisoformat(row["updated_at"]) < until
    }
    assert 0 < len(within) < 90
    assert checkpoints(integration) == before
    if is_first:
        assert {row["source_id"] for row in exported("work_items")} == within
    complete(sync(integration))
    assert differences(source, providers="jira") == []


@pytest.mark.parametrize("is_first", [True, False], ids=["nothing loaded yet", "all loaded"])
def test_a_backfill_of_github_loads_what_was_updated_in_its_window(
    source: Served, is_first: bool
) -> None:
    """Pull requests come by pages, newest first: those beside the window on its pages come too."""
    integration = source.connect("github", settings=SMALL["github"])
    if not is_first:
        complete(sync(integration))
    before = checkpoints(integration)
    times = sorted(
        datetime.fromisoformat(row["updated_at"]) for row in source.rows("pull_requests")
    )
    since, until = times[10], times[16]
    complete(sync(integration, "backfill", since=since, until=until))
    assert checkpoints(integration) == before
    if is_first:
        loaded = {row["source_id"]: row["updated_at"] for row in exported("pull_requests")}
        within = {
            row["source_id"]
            for row in source.rows("pull_requests")
            if since <= datetime.fromisoformat(row["updated_at"]) < until
        }
        assert within <= loaded.keys()
        assert len(loaded) < 30
    complete(sync(integration))
    assert differences(source, providers="github") == []


def test_a_backfill_without_an_end_reaches_until_now(source: Served) -> None:
    for provider in ("jira", "github"):
        integration = source.connect(provider, settings=SMALL[provider])
        complete(sync(integration, "backfill", since=datetime(2020, 1, 1, tzinfo=UTC)))
        assert checkpoints(integration) == []
        assert differences(source, providers=provider) == []


@pytest.mark.parametrize("provider", ["jira", "github"])
def test_four_workers_give_the_tables_that_one_gives(source: Served, provider: str) -> None:
    settings = {**SMALL[provider]}
    if provider == "jira":
        settings["window_items"] = 20
    for tenant, threads in (("acme", 1), ("globex", 4)):
        integration = source.connect(provider, tenant, settings=settings)
        complete(sync(integration, threads=threads))
    assert hashes("globex") == hashes("acme")
    assert differences(source, tenant="globex", providers=provider) == []


@pytest.mark.parametrize("mode", ["cloud", "datacenter"])
def test_a_large_project_is_walked_in_several_windows_at_once(mode: Any) -> None:
    world = World(items=120, seed=9, lean=True, shape="v3")
    with served(world, Options(mode=mode)) as source:
        integration = source.connect("jira", settings={"page_size": 10, "window_items": 20})
        complete(run := sync(integration, threads=4))
        assert differences(source, providers="jira") == []
        with tenant_scope(integration.tenant_id):
            places = [
                step.params["ask"]["place"]
                for step in QueueEntry.objects.filter(run=run, stream="issues")
                if step.params.get("ask", {}).get("part") == "10000"
            ]
    windows = {(place.get("low"), place.get("high")) for place in places if place["step"] == "walk"}
    assert len(windows) >= 3
    bounds = sorted((low or 0, high or 2**62) for low, high in windows)
    assert all(high == low for (_, high), (low, _) in pairwise(bounds))
