"""What is gone at Jira is marked with its reason, and comes back when it is there again; what
cannot be read to its end buries nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from integrations.models import Integration
from integrations.providers.jira import census, metadata
from jobs.models import JobRun
from mappings.models import Status
from sandbox.generate.world import World
from sandbox.options import Mode, Options
from tenants.scope import tenant_scope
from tests.live.comparing import covered_differences, differences, tombstones
from tests.live.running import sync, told
from tests.live.served import Served, served
from warehouse.models import Changelog, WorkItem

pytestmark = pytest.mark.django_db(transaction=True)

OF_PROJECTS = ("wits", "statuses", "sprints")
"""What stays loaded when its project is gone: changes and items still name it."""
SEARCH = r"/rest/api/(3/search/jql|2/search)\b"


@pytest.fixture(params=["cloud", "datacenter"])
def mode(request: pytest.FixtureRequest) -> Mode:
    """Which Jira is served."""
    chosen: Mode = request.param
    return chosen


@pytest.fixture
def source(mode: Mode) -> Iterator[Served]:
    """A site of 60 items in three projects: 30 in SHOP, 20 in PAY, 10 in OPS."""
    world = World(items=60, seed=5, lean=True, shape="v3")
    with served(world, Options(mode=mode)) as found:
        yield found


@pytest.fixture
def few_attempts(settings: Settings) -> None:
    """Let a request that fails be made twice and no more."""
    settings.FETCH_MAX_ATTEMPTS = 2


def loaded(source: Served, **settings: Any) -> Integration:
    """Connect with small pages and load all there is."""
    integration = source.connect("jira", settings={"page_size": 10, **settings})
    run = sync(integration)
    assert run.state == JobRun.State.COMPLETED, told(run)
    return integration


def again(integration: Integration) -> JobRun:
    """Sync once more; fail unless the run is completed."""
    run = sync(integration)
    assert run.state == JobRun.State.COMPLETED, told(run)
    return run


def reasons(source: Served) -> dict[str, str]:
    """Return why work items are gone, as the ledger has it."""
    return {each["source_id"]: each["reason"] for each in source.gone()["work_items"]}


def test_deleted_items_are_marked_so(source: Served) -> None:
    integration = loaded(source)
    (done,) = source.mutate({"op": "jira.delete", "count": 8})
    again(integration)
    assert tombstones() == dict.fromkeys(done["ids"], "deleted") == reasons(source)
    assert differences(source, providers="jira") == []


def test_an_item_that_moves_out_of_the_chosen_projects_is_marked_so_and_comes_back(
    source: Served,
) -> None:
    integration = loaded(source, projects="SHOP,PAY")
    assert covered_differences(source, ["SHOP", "PAY"]) == []
    shop = [row["source_id"] for row in source.rows("work_items") if row["project_key"] == "SHOP"]
    source.between_pages(
        SEARCH,
        1,
        {"op": "jira.move", "ids": shop[:6], "project": "OPS"},
        {"op": "jira.move", "ids": shop[6:9], "project": "PAY"},
    )
    again(integration)
    assert tombstones() == dict.fromkeys(shop[:6], "moved")
    assert covered_differences(source, ["SHOP", "PAY"]) == []
    source.mutate({"op": "jira.move", "ids": shop[:3], "project": "PAY"})
    again(integration)
    assert tombstones() == dict.fromkeys(shop[3:6], "moved")
    assert covered_differences(source, ["SHOP", "PAY"]) == []


@pytest.mark.parametrize(
    ("away", "back"),
    [("hide_project", "show_project"), ("archive_project", "restore_project")],
    ids=["no longer permitted", "archived"],
)
def test_a_project_that_is_no_longer_to_be_seen_goes_with_its_items_and_comes_back(
    source: Served, away: str, back: str
) -> None:
    integration = loaded(source)
    source.mutate({"op": f"jira.{away}", "project": "SHOP"})
    again(integration)
    assert set(tombstones().values()) == {"not_visible"}
    assert tombstones() == reasons(source)
    assert list(tombstones("projects").values()) == ["not_visible"]
    assert differences(source, providers="jira", kept=OF_PROJECTS) == []
    source.mutate(
        {"op": "jira.edit", "count": 5, "project": "PAY"},
        {"op": f"jira.{back}", "project": "SHOP"},
        {"op": "jira.edit", "count": 5, "project": "SHOP"},
    )
    again(integration)
    assert tombstones() == tombstones("projects") == {}
    assert differences(source, providers="jira") == []


@pytest.mark.parametrize(
    "away", ["hide_project", pytest.param("archive_project", marks=pytest.mark.thorough)]
)
@pytest.mark.parametrize("is_first", [True, False], ids=["first walk", "walk of changes"])
def test_a_project_may_vanish_while_it_is_walked(source: Served, away: str, is_first: bool) -> None:
    if is_first:
        integration = source.connect("jira", settings={"page_size": 10})
    else:
        integration = loaded(source)
        source.mutate({"op": "jira.touch", "count": 45})
    source.between_pages(SEARCH, 3, {"op": f"jira.{away}", "project": "SHOP"})
    run = again(integration)
    assert "No longer there while it was read: project" in told(run)
    assert differences(source, providers="jira", kept=OF_PROJECTS) == []
    assert tombstones().items() <= reasons(source).items()
    source.mutate(
        {"op": "jira.show_project", "project": "SHOP"},
        {"op": "jira.restore_project", "project": "SHOP"},
    )
    again(integration)
    assert differences(source, providers="jira") == []


def test_a_census_that_breaks_off_buries_nothing(
    source: Served, few_attempts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "_IDS_A_PAGE", 5)
    monkeypatch.setattr(census, "_IDS_A_PAGE_OF_ROWS", 5)
    integration = loaded(source)
    source.mutate({"op": "jira.delete", "count": 10})
    source.fault("status", SEARCH, of="census", skip=3, times=None, value=503)
    run = sync(integration)
    assert run.state == JobRun.State.FAILED, told(run)
    assert tombstones() == {}
    source.heal()
    again(integration)
    assert tombstones() == reasons(source)
    assert differences(source, providers="jira") == []


def test_a_census_is_begun_anew_when_jira_no_longer_knows_its_page_tokens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(census, "_IDS_A_PAGE", 5)
    options = Options(search_token_seconds=30)
    with served(World(items=60, seed=5, lean=True, shape="v3"), options) as source:
        integration = loaded(source)
        source.mutate({"op": "jira.delete", "count": 10})
        source.between_pages(
            SEARCH, 6, {"op": "jira.touch", "count": 1}, {"op": "jira.delete", "count": 2}
        )
        run = again(integration)
        assert source.cues_left() == 0
        assert "the census is begun anew" in told(run)
        again(integration)
        assert tombstones() == reasons(source)
        assert differences(source, providers="jira") == []


def test_a_census_that_leaves_items_out_buries_none_that_is_there(
    source: Served, mode: Mode
) -> None:
    integration = loaded(source)
    source.mutate({"op": "jira.delete", "count": 4})
    poison = {"path": ["issues"], "value": []}
    source.fault("poison", SEARCH, of="census", times=None, value=poison)
    run = sync(integration)
    if mode == "datacenter":  # it says itself how many there should be
        assert run.state == JobRun.State.FAILED, told(run)
        assert tombstones() == {}
        source.heal()
        again(integration)
    assert tombstones() == reasons(source)
    assert differences(source, providers="jira") == []


def test_a_list_of_projects_that_breaks_off_buries_nothing(
    few_attempts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "PAGE_SIZE", 1)
    with served(World(items=60, seed=5, lean=True, shape="v3")) as source:
        integration = loaded(source)
        source.mutate({"op": "jira.hide_project", "project": "SHOP"})
        source.fault("status", r"project/search\?startAt=1", skip=1, times=None, value=503)
        run = sync(integration)
        assert run.state == JobRun.State.FAILED, told(run)
        assert tombstones() == tombstones("projects") == {}
        source.heal()
        again(integration)
        assert tombstones() == reasons(source)
        assert list(tombstones("projects").values()) == ["not_visible"]


def test_a_list_of_projects_that_leaves_some_out_buries_none_that_is_there() -> None:
    with served(World(items=60, seed=5, lean=True, shape="v3")) as source:
        integration = loaded(source)
        poison = {"path": ["values"], "value": []}
        source.fault("poison", r"project/search\?startAt=0", times=None, value=poison)
        sync(integration)
        assert tombstones() == tombstones("projects") == {}
        source.heal()
        again(integration)
        assert differences(source, providers="jira") == []


def test_a_renamed_status_is_renamed_everywhere(source: Served) -> None:
    """Jira does not count its items as updated."""
    integration = loaded(source)
    source.mutate({"op": "jira.rename_status", "status": "10001", "name": "Quite another"})
    again(integration)
    assert differences(source, providers="jira") == []


def test_items_leave_a_status_that_is_deleted(source: Served) -> None:
    integration = loaded(source)
    source.between_pages(SEARCH, 1, {"op": "jira.delete_status", "status": "10001"})
    again(integration)
    assert differences(source, providers="jira", kept=("statuses",)) == []
    with tenant_scope(integration.tenant_id):
        assert not WorkItem.objects.filter(status_source_id="10001").exists()
        assert Changelog.objects.filter(from_value="10001", is_status=True).exists()
        assert Status.objects.filter(source_id="10001").exists()
