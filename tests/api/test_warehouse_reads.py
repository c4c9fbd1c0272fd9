"""Projects, people and flow over the API."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from rest_framework.test import APIClient

from integrations.contract import AccountDraft, ProjectDraft, SprintDraft
from tenants.scope import tenant_scope
from tests.api.test_work_items import client_of
from tests.warehouse.loading import Source, given
from tests.warehouse.test_histories import item
from warehouse.flow_report import flow, percentile, starts, work_items
from warehouse.models import WorkItem

pytestmark = pytest.mark.django_db

PATH = "/api/v1/flow-metrics/"


@pytest.fixture
def source() -> Source:
    """Items done on the last day of January, and on the first and third of February."""
    made = Source()
    made.load(given(*([item(str(n), updated=1)] for n in range(1, 5)), on=1))
    done = {
        "1": (datetime(2026, 1, 31, 22, tzinfo=UTC), 100.0),
        "2": (datetime(2026, 2, 1, 12, tzinfo=UTC), 200.0),
        "3": (datetime(2026, 2, 3, tzinfo=UTC), 400.0),
    }
    with tenant_scope(made.tenant.pk):
        for source_id, (at, seconds) in done.items():
            WorkItem.objects.filter(source_id=source_id).update(
                done_at=at, lead_time_seconds=seconds, cycle_time_seconds=None
            )
    return made


@pytest.fixture
def client(source: Source) -> APIClient:
    return client_of(source)


def test_medians_are_exact_by_month(client: APIClient) -> None:
    answer = client.get(f"{PATH}?from=2026-01-01&to=2026-03-31").json()
    found = [(p["start"], p["done"], p["lead_time_seconds"]["median"]) for p in answer["results"]]
    assert found == [("2026-01-01", 1, 100.0), ("2026-02-01", 2, 300.0), ("2026-03-01", 0, None)]
    assert answer["results"][1]["lead_time_seconds"]["p85"] == pytest.approx(370.0)
    assert answer["results"][1]["cycle_time_seconds"] == {"median": None, "p85": None}


def test_weeks_begin_on_mondays(client: APIClient) -> None:
    answer = client.get(f"{PATH}?from=2026-01-28&to=2026-02-04&by=week").json()
    assert [(p["start"], p["done"]) for p in answer["results"]] == [
        ("2026-01-26", 2),
        ("2026-02-02", 1),
    ]


def test_days_are_those_of_the_tenants_zone(source: Source) -> None:
    with tenant_scope(source.tenant.pk):
        zone = ZoneInfo("Pacific/Auckland")
        periods = flow(work_items(), date(2026, 1, 1), date(2026, 2, 28), "month", zone)
    assert [period.done for period in periods] == [0, 3]


@pytest.mark.parametrize(
    "query", ["from=x", "to=2026-02-30", "by=day", "from=2026-02-02&to=2026-02-01", "nothing=1"]
)
def test_what_cannot_be_told_is_refused(client: APIClient, query: str) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] in query


def test_flow_counts_what_the_filters_find(client: APIClient) -> None:
    answer = client.get(f"{PATH}?from=2026-02-01&to=2026-02-28&project=NONE").json()
    assert [period["done"] for period in answer["results"]] == [0]


def test_percentiles_are_those_of_postgresql() -> None:
    assert percentile([], 0.5) is None
    assert percentile([1.0], 0.85) == 1.0
    assert percentile([1.0, 2.0, 4.0], 0.85) == pytest.approx(3.4)
    assert list(starts(date(2025, 12, 31), date(2026, 1, 1), "month")) == [
        date(2025, 12, 1),
        date(2026, 1, 1),
    ]


def test_projects_sprints_and_people_are_listed(source: Source, client: APIClient) -> None:
    source.load(given([ProjectDraft(source_id="10", key="KEY", authority=2)], on=2))
    source.load(given([SprintDraft(source_id="4", name="Sprint 4", authority=2)], on=2))
    source.load(given([AccountDraft(source_id="kim", name="Kim", authority=2)], on=2))
    for path, name in (
        ("projects/?key=KEY", "key"),
        ("sprints/", "name"),
        ("people/?source_id=kim", "name"),
    ):
        rows = client.get(f"/api/v1/{path}").json()["results"]
        assert len(rows) == 1, path
        address = f"/api/v1/{path.partition('?')[0]}{rows[0]['id']}/"
        assert client.get(address).json()[name] == rows[0][name]
