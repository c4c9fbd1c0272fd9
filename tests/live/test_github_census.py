"""What is gone at GitHub is marked with its reason, and comes back when it is there again; what
cannot be read to its end buries nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from integrations.models import Integration
from integrations.providers.github import repositories
from jobs.models import JobRun
from sandbox.generate.world import World
from tests.live.comparing import differences, tombstones
from tests.live.running import sync, told
from tests.live.served import Served, served

pytestmark = pytest.mark.django_db(transaction=True)

GRAPHQL = "/github/api/graphql"
LISTS = r"/github/api/v3/(orgs/[^/]+/repos|organizations/[^/]+/repos|user/repos)"


@pytest.fixture
def source() -> Iterator[Served]:
    """An organisation of 40 pull requests in two repositories."""
    with served(World(items=120, seed=5, lean=True)) as found:
        yield found


@pytest.fixture
def few_attempts(settings: Settings) -> None:
    """Let a request that fails be made twice and no more."""
    settings.FETCH_MAX_ATTEMPTS = 2


def connected(source: Served, **settings: Any) -> Integration:
    """Connect with small pages and load all there is."""
    integration = source.connect("github", settings={"page_size": 5, **settings})
    complete(sync(integration))
    return integration


def complete(run: JobRun) -> JobRun:
    """Fail unless a run is completed without anything set aside."""
    assert run.state == JobRun.State.COMPLETED, told(run)
    return run


def repository(source: Served, nth: int = 0) -> tuple[str, str, set[str]]:
    """Return id and name of a repository, and the ids of its pull requests."""
    row = source.rows("repositories")[nth]
    name = row["full_name"]
    pulls = source.rows("pull_requests")
    return row["source_id"], name, {r["source_id"] for r in pulls if r["repository"] == name}


def buried(reason: str, *found: tuple[str, str, set[str]]) -> None:
    """Fail unless just these repositories are gone, with all that is in them, for this reason."""
    assert tombstones("repositories") == {each[0]: reason for each in found}
    pulls = {pull for each in found for pull in each[2]}
    assert tombstones("pull_requests") == dict.fromkeys(pulls, reason)


@pytest.mark.parametrize("between", ["runs", "pages"])
def test_a_deleted_repository_goes_with_all_that_is_in_it(source: Served, between: str) -> None:
    integration = connected(source)
    lost = repository(source)
    delete = {"op": "github.delete", "repository": lost[1]}
    if between == "pages":
        source.mutate({"op": "github.edit", "count": 18, "repository": lost[1]})
        source.between_pages(GRAPHQL, 2, delete)
    else:
        source.mutate(delete)
    complete(sync(integration))
    assert source.cues_left() == 0
    buried("deleted", lost)
    assert differences(source, providers="github") == []


def test_a_hidden_repository_goes_and_comes_back_with_what_changed_meanwhile(
    source: Served,
) -> None:
    """GitHub tells hidden from deleted to nobody."""
    integration = connected(source)
    lost = repository(source)
    hide = {"repository": lost[1], "account": "full"}
    source.mutate({"op": "github.hide", **hide})
    complete(sync(integration))
    buried("deleted", lost)
    assert differences(source, providers="github") == []
    changed = [
        {"op": f"github.{op}", "repository": lost[1], "count": 3} for op in ("edit", "push", "open")
    ]
    source.mutate(*changed, {"op": "github.show", **hide})
    complete(sync(integration))
    complete(sync(integration))
    assert tombstones("repositories") == tombstones("pull_requests") == {}
    assert differences(source, providers="github") == []


def test_repositories_none_of_which_is_to_be_seen_count_as_not_visible(source: Served) -> None:
    integration = connected(source)
    lost = [repository(source, nth) for nth in (0, 1)]
    hide = [{"repository": each[1], "account": "full"} for each in lost]
    source.mutate(*({"op": "github.hide", **each} for each in hide))
    sync(integration)
    buried("not_visible", *lost)
    source.mutate(*({"op": "github.show", **each} for each in hide))
    complete(sync(integration))
    complete(sync(integration))
    assert tombstones("repositories") == tombstones("pull_requests") == {}
    assert differences(source, providers="github") == []


def test_a_repository_that_is_transferred_out_of_the_chosen_ones_has_moved(
    source: Served,
) -> None:
    integration = connected(source)
    lost = repository(source)
    source.mutate({"op": "github.rename", "repository": lost[1], "owner": "umbrella"})
    complete(sync(integration))
    buried("moved", lost)
    source.mutate({"op": "github.rename", "repository": lost[0], "owner": lost[1].split("/")[0]})
    complete(sync(integration))
    complete(sync(integration))
    assert tombstones("repositories") == tombstones("pull_requests") == {}
    assert differences(source, providers="github") == []


def test_a_list_of_repositories_that_breaks_off_buries_nothing(
    source: Served, few_attempts: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(repositories._FORMS["org"][1], "per_page", 1)
    integration = connected(source)
    lost = repository(source, 1)
    first_of_census = 3  # after both pages of the list that the run begins with
    source.between_pages(LISTS, first_of_census, {"op": "github.delete", "repository": lost[1]})
    source.fault("status", LISTS + r".*[?&]page=2", skip=1, times=None, value=503)
    run = sync(integration)
    assert source.cues_left() == 0
    assert run.state == JobRun.State.FAILED, told(run)
    assert tombstones("repositories") == tombstones("pull_requests") == {}
    source.heal()
    complete(sync(integration))
    buried("deleted", lost)
    assert differences(source, providers="github") == []


def test_a_list_of_repositories_that_leaves_some_out_buries_none_that_is_there(
    source: Served,
) -> None:
    integration = connected(source)
    source.fault("status", LISTS, times=None, value={"status": 200, "body": []})
    complete(sync(integration))
    assert tombstones("repositories") == tombstones("pull_requests") == {}
    source.heal()
    source.mutate({"op": "github.edit", "count": 4})
    complete(sync(integration))
    assert differences(source, providers="github") == []


def test_a_repository_that_cannot_be_looked_into_is_not_buried(
    source: Served, few_attempts: None
) -> None:
    integration = connected(source)
    lost = repository(source)
    source.mutate({"op": "github.delete", "repository": lost[1]})
    source.fault("status", rf"/repositories/{lost[0]}$", times=None, value=502)
    run = sync(integration)
    assert run.state == JobRun.State.FAILED, told(run)
    assert tombstones("repositories") == tombstones("pull_requests") == {}
    source.heal()
    complete(sync(integration))
    buried("deleted", lost)
