"""What people do in Jira while its pages are read: afterwards the tables equal the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.models import Integration
from jobs.models import JobRun
from sandbox.generate.world import World
from sandbox.options import Mode, Options
from tests.live.comparing import differences, tombstones
from tests.live.running import sync, told
from tests.live.served import Served, served

pytestmark = pytest.mark.django_db(transaction=True)

SEARCH = r"/rest/api/(3/search/jql|2/search)\b"
Operations = list[dict[str, Any]]
EDITED: Operations = [{"op": "jira.edit", "count": 15}]
CREATED: Operations = [{"op": "jira.create", "count": 12}]
DELETED: Operations = [{"op": "jira.delete", "count": 10}]
MOVED: Operations = [{"op": "jira.move", "count": 10}]
RETYPED: Operations = [{"op": "jira.change_type", "count": 10}]
CHANGES = {
    "edited": EDITED,
    "created": CREATED,
    "deleted": DELETED,
    "moved": MOVED,
    "given another type": RETYPED,
    "all of it": [*EDITED, *MOVED, *DELETED, *CREATED, *RETYPED, *EDITED],
}
ALL = "all of it"
WHATS = [pytest.param(what, marks=() if what == ALL else pytest.mark.thorough) for what in CHANGES]


@pytest.fixture(params=["cloud", "datacenter"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """Which Jira is served."""
    chosen: Mode = request.param
    return chosen


@contextmanager
def small_site(options: Options, **of_world: Any) -> Iterator[Served]:
    """Serve a site of 60 items in three projects."""
    with served(World(items=60, seed=5, lean=True, shape="v3", **of_world), options) as found:
        yield found


@pytest.fixture
def source(mode: Mode) -> Iterator[Served]:
    """A site of 60 items in three projects."""
    with small_site(Options(mode=mode)) as found:
        yield found


def connected(source: Served, **settings: Any) -> Integration:
    """Connect with pages so small that there are many."""
    return source.connect("jira", settings={"page_size": 10, **settings})


def complete(run: JobRun) -> None:
    """Fail unless a run is completed without anything set aside."""
    assert run.state == JobRun.State.COMPLETED, told(run)


@pytest.mark.parametrize("what", WHATS)
def test_what_changes_while_a_site_is_walked_for_the_first_time_is_loaded(
    source: Served, what: str
) -> None:
    integration = connected(source)
    source.between_pages(SEARCH, 5, *CHANGES[what])
    complete(sync(integration))
    assert source.cues_left() == 0
    assert differences(source, providers="jira") == []
    assert tombstones().items() <= reasons(source).items()


@pytest.mark.parametrize("what", WHATS)
def test_what_changes_while_changes_are_walked_is_loaded(source: Served, what: str) -> None:
    integration = connected(source)
    complete(sync(integration))
    source.mutate({"op": "jira.touch", "count": 45})
    source.between_pages(SEARCH, 3, *CHANGES[what])
    complete(sync(integration))
    assert source.cues_left() == 0
    assert differences(source, providers="jira") == []
    assert tombstones() == reasons(source)


def reasons(source: Served) -> dict[str, str]:
    """Return why work items are gone, as the ledger has it."""
    return {each["source_id"]: each["reason"] for each in source.gone()["work_items"]}


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param({"short_pages": True}, marks=pytest.mark.thorough),
        pytest.param({"empty_pages": True}, marks=pytest.mark.thorough),
        pytest.param({"omit_is_last": True}, marks=pytest.mark.thorough),
        {"short_pages": True, "empty_pages": True, "omit_is_last": True},
    ],
    ids=lambda behaviour: " ".join(behaviour),
)
def test_pages_may_be_short_or_empty_and_not_say_which_is_the_last(
    behaviour: dict[str, Any],
) -> None:
    with small_site(Options(**behaviour)) as source:
        integration = connected(source)
        complete(sync(integration))
        assert differences(source, providers="jira") == []
        source.mutate({"op": "jira.touch", "count": 45})
        source.between_pages(SEARCH, 4, *EDITED, *DELETED)
        complete(sync(integration))
        assert differences(source, providers="jira") == []


def test_a_walk_goes_on_when_jira_no_longer_knows_its_page_tokens() -> None:
    with small_site(Options(search_token_seconds=90)) as source:
        integration = connected(source)
        source.between_pages(SEARCH, 4, *[{"op": "jira.touch", "count": 5}] * 2)
        complete(run := sync(integration))
        assert "no longer knows a page token" in told(run)
        assert differences(source, providers="jira") == []


def test_what_the_index_shows_late_is_loaded_by_the_run_after_it(source: Served) -> None:
    integration = connected(source)
    complete(sync(integration))
    source.control("options", {"index_lag_seconds": 300})
    source.mutate(*EDITED, *MOVED, *DELETED, *CREATED)
    source.control("options", {"index_lag_seconds": 0})
    source.mutate(*EDITED)
    complete(sync(integration))
    assert differences(source, providers="jira") != []
    assert tombstones() == reasons(source)
    source.control("clock", {"advance_seconds": 300})
    complete(sync(integration))
    assert differences(source, providers="jira") == []


def test_an_item_that_a_search_leaves_out_for_once_is_neither_lost_nor_buried(
    source: Served,
) -> None:
    integration = connected(source)
    complete(sync(integration))
    source.control("options", {"index_flicker": 0.5})
    source.mutate(*EDITED, *EDITED, *CREATED)
    complete(sync(integration))
    assert tombstones() == {}
    source.control("clock", {"advance_seconds": 600})
    complete(sync(integration))
    assert differences(source, providers="jira") == []


@pytest.mark.parametrize(
    "zone", ["Pacific/Apia", pytest.param("Pacific/Honolulu", marks=pytest.mark.thorough)]
)
def test_a_users_zone_moves_no_boundary(mode: Mode, zone: str) -> None:
    with small_site(Options(mode=mode, user_zone=zone), zone=zone) as source:
        follow_changes(source, minutes=20, rounds=3)


def test_the_hour_that_a_clock_shows_twice_hides_nothing(mode: Mode) -> None:
    before = datetime(2026, 10, 25, 0, 20, tzinfo=UTC)  # 02:20 in Berlin, which comes again
    options = Options(mode=mode, user_zone="Europe/Berlin")
    with small_site(options, zone="Europe/Berlin", until=before) as source:
        follow_changes(source, minutes=25, rounds=4)


def follow_changes(source: Served, *, minutes: int, rounds: int) -> None:
    """Sync, then change and sync so often, with so much time in between; compare each time.

    What changed, and what lies within the lookback, fits into one page; more is not fetched.
    """
    integration = connected(source, lookback_minutes=1)
    complete(sync(integration))
    for _ in range(rounds):
        source.control("clock", {"advance_seconds": 60 * minutes})
        source.mutate({"op": "jira.edit", "count": 4})
        source.forget_requests()
        complete(sync(integration))
        assert differences(source, providers="jira") == []
        assert source.requests()["kinds"]["jira"]["items"] == 1


def test_items_that_were_updated_in_the_same_millisecond_are_all_loaded(source: Served) -> None:
    integration = connected(source)
    complete(sync(integration))
    source.mutate({"op": "jira.touch", "count": 45, "same_instant": True})
    source.between_pages(SEARCH, 3, {"op": "jira.touch", "count": 20, "same_instant": True})
    complete(sync(integration))
    assert differences(source, providers="jira") == []


@pytest.mark.thorough
@pytest.mark.slow
def test_ten_thousand_items_that_were_updated_in_one_minute_are_all_loaded() -> None:
    with served(World(items=10_000, seed=6, shape="v3", lean=True)) as source:
        integration = source.connect("jira")
        complete(sync(integration, threads=2))
        source.mutate({"op": "jira.touch", "count": 10_000})
        complete(sync(integration, threads=2))
        assert differences(source, providers="jira") == []
