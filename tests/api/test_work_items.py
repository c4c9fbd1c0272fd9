"""Work items over the API: what lists filter and order, what one tells of itself."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from integrations.models import Integration
from mappings.models import CustomFieldMapping
from tenants.models import Membership, Role
from tenants.scope import tenant_scope
from tests.warehouse.loading import Source, given
from tests.warehouse.test_histories import histories, item, named_statuses
from tests.warehouse.test_renames import pull
from warehouse.models import WorkItem

pytestmark = pytest.mark.django_db

BASE = "/api/v1/work-items/"


def client_of(source: Source) -> APIClient:
    """A viewer of the source's tenant."""
    user = User.objects.create(username=f"viewer-{source.tenant.slug}")
    with tenant_scope(source.tenant.pk):
        Membership.objects.create(tenant=source.tenant, user=user, role=Role.VIEWER)
    client = APIClient()
    client.force_login(user)
    return client


@pytest.fixture
def source() -> Source:
    """Three items of which the first has been done."""
    made = Source()
    made.map_statuses(todo="to_do", doing="in_progress", done="done")
    made.load(named_statuses())
    made.load(
        given(
            [
                item("1", updated=9, history_complete=True, history_total=2, story_points=3.0),
                *histories(1, 2),
            ],
            [item("2", updated=5, status_source_id="todo", source_status="todo")],
            [item("3", updated=7, assignee_source_id="kim", project_key="OTHER", key="OTHER-3")],
            on=9,
        )
    )
    return made


@pytest.fixture
def client(source: Source) -> APIClient:
    return client_of(source)


def keys(client: APIClient, query: str) -> list[str]:
    answer = client.get(f"{BASE}?{query}")
    assert answer.status_code == 200, answer.content
    return [row["key"] for row in answer.json()["results"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("ordering=key", ["KEY-1", "KEY-2", "OTHER-3"]),
        ("ordering=-updated_at", ["KEY-1", "OTHER-3", "KEY-2"]),
        ("ordering=key&project=KEY", ["KEY-1", "KEY-2"]),
        ("ordering=key&category=done", ["KEY-1", "OTHER-3"]),
        ("status=todo", ["KEY-2"]),
        ("assignee=kim", ["OTHER-3"]),
        ("key=KEY-2", ["KEY-2"]),
        ("updated_from=2026-01-07T00:00:00Z&updated_before=2026-01-09T00:00:00Z", ["OTHER-3"]),
        ("done_from=2026-01-01T00:00:00Z", ["KEY-1"]),
        ("type=Story", []),
        ("integration=999999", []),
    ],
)
def test_lists_are_filtered_and_ordered(client: APIClient, query: str, found: list[str]) -> None:
    assert keys(client, query) == found


@pytest.mark.parametrize("ordering", ["changed_seq", "-changed_seq", "updated_at", "-key"])
def test_pages_by_cursor_give_each_item_once(client: APIClient, ordering: str) -> None:
    address: str | None = f"{BASE}?page_size=1&ordering={ordering}"
    seen = []
    while address:
        page = client.get(address).json()
        seen += [row["key"] for row in page["results"]]
        address = page["next"]
    assert seen == keys(client, f"ordering={ordering}")
    assert len(seen) == 3


@pytest.mark.parametrize(
    "query", ["ordering=title", "nothing=1", "category=none", "level=x", "created_from=x"]
)
def test_what_is_not_declared_is_refused(client: APIClient, query: str) -> None:
    answer = client.get(f"{BASE}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameter"] == query.partition("=")[0]


def test_an_item_shows_the_sources_values_beside_ours(source: Source, client: APIClient) -> None:
    row = one(client, source)
    assert (row["source_status"], row["status"], row["status_category"]) == ("done", "done", "done")
    assert (row["type"], row["level"], row["story_points"]) == (None, None, 3.0)
    assert row["custom_fields"] == {} and row["description"] is None
    assert set(client.get(f"{BASE}?fields=key,type").json()["results"][0]) == {"key", "type"}


def one(client: APIClient, source: Source, part: str = "") -> Any:
    with tenant_scope(source.tenant.pk):
        pk = WorkItem.objects.get(source_id="1").pk
    answer = client.get(f"{BASE}{pk}/{part}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_values_of_custom_fields_are_told_by_their_rules(source: Source) -> None:
    with tenant_scope(source.tenant.pk):
        CustomFieldMapping.objects.create(
            tenant=source.tenant,
            integration=source.integration,
            field_source_id="customfield_1",
            target="column",
            column_name="customer",
        )
    source.load(given([item("9", updated=9, custom_fields={"customfield_1": "Globex"})], on=9))
    row = client_of(source).get(f"{BASE}?key=KEY-9").json()["results"][0]
    assert row["custom"] == {"customer": "Globex"}


def test_the_changelog_is_told_in_its_order(source: Source, client: APIClient) -> None:
    page = one(client, source, "changelog/?page_size=2")
    seen = [row["id"] for row in page["results"]]
    while page["next"]:
        page = client.get(page["next"]).json()
        seen += [row["id"] for row in page["results"]]
    assert len(seen) == len(set(seen)) == 4
    everywhere = client.get("/api/v1/changelogs/?work_item=1").json()["results"]
    assert sorted(row["id"] for row in everywhere) == sorted(seen)


def test_the_timeline_tells_each_visit(source: Source, client: APIClient) -> None:
    visits = one(client, source, "timeline/")
    assert [visit["name"] for visit in visits] == ["todo", "doing", "done"]
    assert visits[1]["category"] == "in_progress"
    assert visits[1]["lasted_seconds"] == 86_400.0
    assert visits[-1]["left_at"] is None


def test_an_explanation_leads_from_each_value_to_its_rule(
    source: Source, client: APIClient
) -> None:
    told = one(client, source, "explain/")
    assert told["is_in_line"] is True
    current = next(status for status in told["statuses"] if status["is_current"])
    assert current["rule"] == current["candidates"][0]["rule"]
    assert [metric["name"] for metric in told["metrics"]][:3] == [
        "committed_at",
        "started_at",
        "done_at",
    ]
    assert all(metric["reason"] for metric in told["metrics"])


def test_links_are_told_from_both_sides(source: Source, client: APIClient) -> None:
    with tenant_scope(source.tenant.pk):
        Integration.objects.update(name="jira")
    hub = Source("github", source.tenant)
    hub.load(pull("o/r", 1, title="KEY-1"))
    links = one(client, source, "links/")
    assert [(link["repository"], link["work_item_key"]) for link in links] == [("o/r", "KEY-1")]
    pulls = client.get("/api/v1/pull-requests/?repository=o/r").json()["results"]
    assert client.get(f"/api/v1/pull-requests/{pulls[0]['id']}/links/").json() == links


def test_what_the_reader_has_is_not_sent_again(source: Source, client: APIClient) -> None:
    with tenant_scope(source.tenant.pk):
        pk = WorkItem.objects.get(source_id="1").pk
    first = client.get(f"{BASE}{pk}/")
    again = client.get(f"{BASE}{pk}/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
