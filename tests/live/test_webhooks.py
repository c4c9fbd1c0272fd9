"""Webhooks from end to end: what happened at the source is loaded by refetching just that item."""

from collections.abc import Iterator
from typing import Any

import pytest
from rest_framework.test import APIClient

from integrations.models import Integration
from integrations.webhooks import make_webhook
from jobs import webhooks_in
from jobs.models import JobRun
from sandbox import webhooks
from sandbox.generate.world import World
from sandbox.github.ids import node_id
from sandbox.options import Options
from sandbox.webhooks import Delivery
from tenants.scope import tenant_scope
from tests.live.comparing import differences, tombstones
from tests.live.running import finish, sync, told
from tests.live.served import Served, served
from warehouse.models import PullRequest, Repository, WorkItem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_gathering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs begin at once."""
    monkeypatch.setattr(webhooks_in, "GATHER", webhooks_in.GATHER * 0)


@pytest.fixture(params=["cloud", "datacenter"])
def jira(request: pytest.FixtureRequest) -> Iterator[Served]:
    """A site of 60 items in three projects."""
    world = World(items=60, seed=5, lean=True, shape="v3")
    with served(world, Options(mode=request.param)) as found:
        yield found


@pytest.fixture
def github() -> Iterator[Served]:
    """An organisation of 40 pull requests in two repositories."""
    with served(World(items=120, seed=5, lean=True)) as found:
        yield found


def hooked(integration: Integration) -> tuple[str, str]:
    """Give an integration a webhook; return its path and secret."""
    with tenant_scope(integration.tenant_id):
        hook, secret = make_webhook(integration)
    return f"/api/v1/webhooks/{hook.public_id}/", secret


def deliver(path: str, *deliveries: Delivery) -> list[str]:
    """Deliver; return what became of each."""
    answers = [
        APIClient().post(
            path, each.body, content_type="application/json", headers=dict(each.headers)
        )
        for each in deliveries
    ]
    assert {each.status_code for each in answers} == {202}
    return [each.json()["state"] for each in answers]


def refetched(integration: Integration) -> list[JobRun]:
    """Work the runs that webhooks have started to their end."""
    with tenant_scope(integration.tenant_id):
        runs = list(
            JobRun.objects.filter(
                integration=integration, mode=JobRun.Mode.REFETCH, state=JobRun.State.RUNNING
            )
        )
    done = finish(*runs)
    for run in done:
        assert run.state == JobRun.State.COMPLETED, told(run)
    return done


def issue(integration: Integration, source_id: str) -> dict[str, Any]:
    """What a webhook tells of an item, of which nothing may be loaded."""
    with tenant_scope(integration.tenant_id):
        item = WorkItem.objects.get(integration_id=integration.pk, source_id=source_id)
    project = {"id": item.project_source_id, "key": item.key.partition("-")[0]}
    return {"id": source_id, "fields": {"project": project, "summary": "forged by a webhook"}}


def synced(source: Served, provider: str, **settings: Any) -> Integration:
    integration = source.connect(provider, settings=settings)
    run = sync(integration)
    assert run.state == JobRun.State.COMPLETED, told(run)
    source.forget_requests()
    return integration


def test_an_edited_item_is_refetched_however_its_deliveries_come(jira: Served) -> None:
    integration = synced(jira, "jira")
    path, secret = hooked(integration)
    (source_id,) = jira.mutate({"op": "jira.edit", "count": 1})[0]["ids"]
    payload = issue(integration, source_id)
    event = "jira:issue_updated"
    later = webhooks.jira(event, payload, secret, "later")
    earlier = webhooks.jira(event, payload, secret, "earlier")
    deliver(path, later, later, earlier)
    refetched(integration)
    assert differences(jira, providers="jira") == []
    assert len(jira.entries()) <= 3, jira.entries()
    deliver(path, earlier, webhooks.jira("jira:issue_created", payload, secret, "late"))
    assert len(refetched(integration)) == 1
    assert differences(jira, providers="jira") == []


def test_a_deleted_item_is_looked_into_and_then_buried(jira: Served) -> None:
    integration = synced(jira, "jira")
    path, secret = hooked(integration)
    payload = issue(integration, jira.rows("work_items")[0]["source_id"])
    deliver(path, webhooks.jira("jira:issue_deleted", payload, secret, "forged"))
    refetched(integration)
    assert differences(jira, providers="jira") == []
    (source_id,) = jira.mutate({"op": "jira.delete", "count": 1})[0]["ids"]
    payload = issue(integration, source_id)
    deliver(
        path,
        webhooks.jira("jira:issue_deleted", payload, secret, "gone"),
        webhooks.jira("jira:issue_updated", payload, secret, "changed before"),
    )
    refetched(integration)
    assert differences(jira, providers="jira") == []
    assert source_id in tombstones("work_items")


def test_what_the_jql_of_the_settings_leaves_out_is_not_loaded(jira: Served) -> None:
    settings = {"jql": "issuetype = Bug"}
    integration = synced(jira, "jira", **settings)
    with tenant_scope(integration.tenant_id):
        loaded = set(WorkItem.objects.values_list("source_id", flat=True))
        some = WorkItem.objects.filter(source_id__in=loaded).first()
    path, secret = hooked(integration)
    assert some is not None
    payload = issue(integration, some.source_id)
    others = [row for row in jira.rows("work_items") if row["source_id"] not in loaded]
    left_out = {**payload, "id": others[0]["source_id"]}
    deliver(path, webhooks.jira("jira:issue_updated", left_out, secret, "left out"))
    refetched(integration)
    with tenant_scope(integration.tenant_id):
        assert set(WorkItem.objects.values_list("source_id", flat=True)) == loaded


def test_a_pull_request_is_refetched_with_its_reviews(github: Served) -> None:
    integration = synced(github, "github")
    path, secret = hooked(integration)
    done = github.mutate({"op": "github.review", "count": 1, "line": 7, "user": "ann"})[0]
    with tenant_scope(integration.tenant_id):
        repository = Repository.objects.get(full_name=done["repository"])
        count = PullRequest.objects.count()
    payload = {
        "repository": {
            "id": int(repository.source_id),
            "node_id": node_id("R", int(repository.source_id)),
            "full_name": repository.full_name,
        },
        "pull_request": {"number": done["numbers"][0], "title": "forged by a webhook"},
    }
    event = "pull_request_review"
    one = webhooks.github(event, payload, secret, "one")
    deliver(path, one, one, webhooks.github("pull_request", payload, secret, "two"))
    refetched(integration)
    assert differences(github, providers="github") == []
    assert len(github.entries()) == 1, github.entries()
    gone = {**payload, "pull_request": {"number": 999_999}}
    deliver(path, webhooks.github(event, gone, secret, "three"))
    refetched(integration)
    with tenant_scope(integration.tenant_id):
        assert PullRequest.objects.count() == count
