"""Raw data over the API: read exactly, stored for sources that push, and what was set aside."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from integrations.models import Integration, QuarantinedRecord, RawPage
from integrations.raw import read
from jobs.models import JobRun, Stage
from jobs.steps import work_next
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of
from warehouse.models import WorkItem

pytestmark = pytest.mark.django_db

LIST = "/api/v1/raw-pages/"
ISSUE = {
    "id": "10001",
    "key": "PAY-1",
    "fields": {
        "summary": "Pay by card",
        "project": {"id": "10000", "key": "PAY", "name": "Payments"},
        "issuetype": {"id": "1", "name": "Story", "hierarchyLevel": 0},
        "status": {"id": "3", "name": "Done", "statusCategory": {"key": "done"}},
        "created": "2026-01-02T03:04:05.000+0000",
        "updated": "2026-01-03T03:04:05.000+0000",
    },
}


@pytest.fixture
def jira(ours: World) -> Integration:
    """A Jira that only imports feed."""
    with tenant_scope(ours.tenant.pk):
        row: Integration = Integration.objects.create(
            tenant=ours.tenant, name="jira", provider="jira"
        )
    return row


def pushed(row: Integration, **changed: Any) -> dict[str, Any]:
    body = json.dumps({"issues": [ISSUE]})
    return {"integration": row.pk, "stream": "issues", "body": body, **changed}


def test_the_body_of_a_page_is_given_exactly_and_never_to_be_shown(
    as_admin: APIClient, ours: World
) -> None:
    page = ours.row(RawPage)
    answer = as_admin.get(f"{LIST}{page.pk}/body/", headers={"Accept": "text/html"})
    with tenant_scope(ours.tenant.pk):
        assert answer.content == read(RawPage.objects.get(pk=page.pk))
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")


def test_pages_are_filtered(as_admin: APIClient, jira: Integration) -> None:
    first = as_admin.post(LIST, pushed(jira, fetched_at="2026-01-02T00:00:00Z")).json()
    page, run = first["page"]["id"], first["run"]

    def ids(query: str) -> list[int]:
        return [each["id"] for each in as_admin.get(f"{LIST}?{query}").json()["results"]]

    assert ids(f"integration={jira.pk}") == [page]
    assert ids(f"run={run}&stream=issues") == [page]
    assert ids(f"integration={jira.pk}&is_transformed=true") == []
    assert ids(f"integration={jira.pk}&is_transformed=false&is_data=true") == [page]
    assert ids(f"integration={jira.pk}&received_after=2026-01-03T00:00:00Z") == []
    assert ids(f"integration={jira.pk}&received_before=2026-01-03T00:00:00Z") == [page]
    assert as_admin.get(f"{LIST}?body=x").status_code == 400


@pytest.mark.parametrize(("path", "model"), [(LIST, RawPage), ("/api/v1/quarantine/", None)])
def test_a_list_takes_as_many_queries_for_twenty_as_for_two(
    as_admin: APIClient, ours: World, path: str, model: Any
) -> None:
    counts = []
    for count in (2, 18):
        for _ in range(count):
            ours.add(model or QuarantinedRecord)
        with CaptureQueriesContext(connection) as queries:
            assert as_admin.get(path).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_what_was_set_aside_is_listed_and_read(as_admin: APIClient, ours: World) -> None:
    row = ours.row(QuarantinedRecord)
    listed = as_admin.get(f"/api/v1/quarantine/?severity=record&raw_page={row.raw_page_id}").json()
    assert [each["id"] for each in listed["results"]] == [row.pk]
    assert as_admin.get(f"/api/v1/quarantine/{row.pk}/").json()["reason"] == row.reason


def work(run_id: int) -> JobRun:
    while sum(work_next(stage, "test") for stage in Stage):
        pass
    run: JobRun = JobRun.objects.get(pk=run_id)
    return run


def test_a_pushed_page_is_stored_exactly_and_loaded_by_a_run(
    as_admin: APIClient, ours: World, jira: Integration
) -> None:
    body = "\n " + json.dumps({"issues": [ISSUE]}, indent=3) + "\n"
    answer = as_admin.post(LIST, pushed(jira, body=body))
    assert answer.status_code == 202, answer.content
    with tenant_scope(ours.tenant.pk):
        page = RawPage.objects.get(pk=answer.json()["page"]["id"])
        assert read(page) == body.encode()
        work(answer.json()["run"])
        assert WorkItem.objects.get(integration_id=jira.pk).key == "PAY-1"


def test_the_same_page_once_more_starts_nothing(as_admin: APIClient, jira: Integration) -> None:
    first = as_admin.post(LIST, pushed(jira))
    again = as_admin.post(LIST, pushed(jira))
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["run"] is None
    assert again.json()["page"]["id"] == first.json()["page"]["id"]


def test_a_push_with_a_key_is_done_once(as_admin: APIClient, jira: Integration) -> None:
    headers = {"Idempotency-Key": "page-1"}
    first = as_admin.post(LIST, pushed(jira), headers=headers)
    again = as_admin.post(LIST, pushed(jira), headers=headers)
    assert (again.status_code, again.json()) == (202, first.json())


def test_lines_are_pages_too(as_admin: APIClient, ours: World, jira: Integration) -> None:
    body = json.dumps(ISSUE) + "\n{broken\n"
    answer = as_admin.post(LIST, pushed(jira, body=body, is_lines=True))
    assert answer.status_code == 202
    with tenant_scope(ours.tenant.pk):
        work(answer.json()["run"])
        assert WorkItem.objects.get(integration_id=jira.pk).key == "PAY-1"
        assert QuarantinedRecord.objects.filter(integration=jira, severity="record").count() == 1


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"stream": "nothing"}, "/stream"),
        ({"body": "this is no page"}, "/body"),
        ({"body": ""}, "/body"),
        ({"body": {"issues": []}}, "/body"),
        ({"fetched_at": "2999-01-01T00:00:00Z"}, "/fetched_at"),
        ({"integration": 987654321}, "/integration"),
        ({"integration": None}, "/integration"),
        ({"run": 1}, "/run"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(
    as_admin: APIClient, jira: Integration, changed: dict[str, Any], pointer: str
) -> None:
    answer = as_admin.post(LIST, pushed(jira, **changed))
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_a_foreign_integration_takes_no_page(
    as_admin: APIClient, theirs: World, jira: Integration
) -> None:
    foreign = pushed(jira, integration=theirs.row(Integration).pk)
    assert as_admin.post(LIST, foreign).status_code == 400
    with tenant_scope(theirs.tenant.pk):
        assert not RawPage.objects.filter(method="PUSH").exists()


def test_an_integration_that_is_not_active_takes_no_page(
    as_admin: APIClient, jira: Integration
) -> None:
    as_admin.post(f"/api/v1/integrations/{jira.pk}/deactivate/")
    assert as_admin.post(LIST, pushed(jira)).status_code == 409


def test_a_viewer_stores_nothing(ours: World, jira: Integration) -> None:
    assert client_of(ours, "viewer").post(LIST, pushed(jira)).status_code == 403
    assert client_of(ours, "editor").post(LIST, pushed(jira)).status_code == 202
