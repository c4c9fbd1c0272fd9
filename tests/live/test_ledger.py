"""A made-up organisation of 5,000 items, pulled over HTTP, equals its ledger; later runs fetch
only what changed, and change only that."""

from collections.abc import Iterator

import pytest

from jobs.models import JobRun
from jobs.runs import summary
from sandbox.generate.world import World
from tenants.scope import tenant_scope
from tests.live.comparing import changed_seqs, differences
from tests.live.running import sync, told
from tests.live.served import Served, served

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ITEM_PAGES = {"jira": ("items", "changelogs"), "github": ("pulls", "nested")}


@pytest.fixture(scope="module")
def source() -> Iterator[Served]:
    """An organisation of 5,000 work items and a third as many pull requests."""
    with served(World(items=5_000, seed=11, shape="v3", lean=True)) as found:
        yield found


def rows_written(run: JobRun) -> int:
    """Return how many rows of the warehouse a run says it wrote."""
    with tenant_scope(run.tenant_id):
        return summary(run)["rows"]


def item_pages(source: Served, provider: str) -> int:
    """Return how many requests for pages of items there were; metadata and census are none."""
    kinds = source.requests()["kinds"].get(provider, {})
    return sum(kinds.get(kind, 0) for kind in ITEM_PAGES[provider])


@pytest.mark.parametrize("provider", ["jira", "github"])
def test_all_of_it_is_loaded_and_then_only_what_changed(source: Served, provider: str) -> None:
    integration = source.connect(provider)
    source.forget_requests()
    first = sync(integration, threads=4)
    assert first.state == JobRun.State.COMPLETED, told(first)
    assert differences(source, providers=provider) == []
    pages = item_pages(source, provider)

    seen = changed_seqs()
    source.forget_requests()
    idle = sync(integration, threads=4)
    assert idle.state == JobRun.State.COMPLETED, told(idle)
    assert changed_seqs() == seen
    assert rows_written(idle) == 0
    assert item_pages(source, provider) <= 0.03 * pages

    one_percent = {"jira": 50, "github": 16}[provider]
    source.mutate({"op": f"{provider}.edit", "count": one_percent})
    source.forget_requests()
    changed = sync(integration, threads=4)
    assert changed.state == JobRun.State.COMPLETED, told(changed)
    asked = item_pages(source, provider)
    assert 0 < asked <= 0.03 * pages, f"{asked} of {pages}"
    assert differences(source, providers=provider) == []
    assert changed_seqs() != seen
