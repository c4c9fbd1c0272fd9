"""Jobs, runs, steps and the queue over the API."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from integrations.models import Integration, RawPage
from jobs import site_health
from jobs.models import Job, JobRun, Process, QueueEntry, RunLog
from jobs.presence import Presence
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db

RUNS = "/api/v1/runs/"
DEAD = "/api/v1/dead-steps/"


@pytest.fixture
def dead(ours: World) -> QueueEntry:
    """A dead step of a run that has failed, of a page."""
    step: QueueEntry = ours.row(QueueEntry)
    with tenant_scope(ours.tenant.pk):
        QueueEntry.objects.filter(pk=step.pk).update(
            state="dead", error="PermanentError: no JSON", params={"raw_page": 4711}
        )
        JobRun.objects.filter(pk=step.run_id).update(state="failed")
    return step


def integration_of(world: World, **values: Any) -> Integration:
    with tenant_scope(world.tenant.pk):
        row: Integration = Integration.objects.create(
            tenant=world.tenant, provider="jira", name="jira", **values
        )
    return row


def state_of(run_id: int, world: World) -> str:
    with tenant_scope(world.tenant.pk):
        state: str = JobRun.objects.values_list("state", flat=True).get(pk=run_id)
    return state


def test_a_run_tells_its_progress_by_stage(as_admin: APIClient, dead: QueueEntry) -> None:
    told = as_admin.get(f"{RUNS}{dead.run_id}/").json()
    assert told["state"] == "failed"
    assert told["progress"]["dead"] == 1
    assert [row["dead"] for row in told["progress"]["stages"]] == [1]


def test_runs_are_filtered_and_the_newest_come_first(as_admin: APIClient, ours: World) -> None:
    newer = ours.add(JobRun)
    found = as_admin.get(RUNS, {"state": "completed"}).json()["results"]
    assert found[0]["id"] == newer.pk
    assert as_admin.get(RUNS, {"started_before": "2000-01-01"}).json()["results"] == []
    assert as_admin.get(RUNS, {"state": "done"}).status_code == 400


def test_steps_and_log_of_a_run_are_its_own(
    as_admin: APIClient, dead: QueueEntry, ours: World
) -> None:
    other = ours.add(JobRun)
    with tenant_scope(ours.tenant.pk):
        line = RunLog.objects.create(
            tenant=ours.tenant, run_id=dead.run_id, level="error", message="it died"
        )
    steps = as_admin.get(f"{RUNS}{dead.run_id}/steps/?state=dead").json()["results"]
    assert [each["id"] for each in steps] == [dead.pk]
    log = as_admin.get(f"{RUNS}{dead.run_id}/log/?level=error").json()["results"]
    assert [each["id"] for each in log] == [line.pk]
    assert as_admin.get(f"{RUNS}{other.pk}/steps/").json()["results"] == []
    assert as_admin.get(f"{RUNS}{other.pk}/log/").json()["results"] == []


def test_a_dead_step_tells_why_and_of_which_page(as_admin: APIClient, dead: QueueEntry) -> None:
    (told,) = as_admin.get(DEAD).json()["results"]
    assert (told["error"], told["raw_page"]) == ("PermanentError: no JSON", 4711)


def test_replaying_a_dead_step_lets_its_run_go_on(
    as_admin: APIClient, dead: QueueEntry, ours: World
) -> None:
    answer = as_admin.post(f"{DEAD}{dead.pk}/replay/")
    assert (answer.status_code, answer.json()) == (
        202,
        {"steps": [dead.pk], "runs": [dead.run_id]},
    )
    assert state_of(dead.run_id, ours) == "running"
    assert as_admin.post(f"{DEAD}{dead.pk}/replay/").status_code == 404


def test_dead_steps_are_replayed_by_run_and_by_id(
    as_admin: APIClient, dead: QueueEntry, theirs: World
) -> None:
    foreign = theirs.row(QueueEntry)
    path = f"{DEAD}replay/"
    assert as_admin.post(path, {"ids": [foreign.pk]}, format="json").status_code == 400
    both = as_admin.post(path, {"ids": [dead.pk], "run": 1}, format="json")
    assert both.status_code == 400
    assert as_admin.post(path, {"run": foreign.run_id}, format="json").status_code == 409
    again = as_admin.post(path, {"run": dead.run_id}, format="json")
    assert (again.status_code, again.json()["steps"]) == (202, [dead.pk])


def test_dead_steps_of_a_run_are_retried_once_for_a_key(
    as_admin: APIClient, dead: QueueEntry
) -> None:
    path = f"{RUNS}{dead.run_id}/retry/"
    first = as_admin.post(path, headers={"Idempotency-Key": "again"})
    second = as_admin.post(path, headers={"Idempotency-Key": "again"})
    assert (first.status_code, first.json()["steps"]) == (202, 1)
    assert (second.status_code, second.json()) == (202, first.json())
    assert as_admin.post(path).status_code == 409


def test_a_run_is_cancelled_once(as_admin: APIClient, dead: QueueEntry, ours: World) -> None:
    as_admin.post(f"{DEAD}{dead.pk}/replay/")
    answer = as_admin.post(f"{RUNS}{dead.run_id}/cancel/")
    assert (answer.status_code, answer.json()["run"]["state"]) == (202, "cancelled")
    again = as_admin.post(f"{RUNS}{dead.run_id}/cancel/")
    assert again.status_code == 409
    assert "has ended already" in again.json()["detail"]


def test_one_run_of_an_integration_goes_on_at_a_time(as_admin: APIClient, ours: World) -> None:
    jira = integration_of(ours, credentials="sealed")
    path = f"/api/v1/integrations/{jira.pk}/run/"
    first = as_admin.post(path, {}, format="json")
    assert (first.status_code, first.json()["mode"]) == (202, "incremental")
    second = as_admin.post(path, {"mode": "full"}, format="json")
    assert second.status_code == 409
    assert f"run {first.json()['id']}" in second.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"mode": "backfill"}, 409),
        ({"mode": "import"}, 400),
        ({"mode": "incremental", "since": "2026-01-01T00:00:00Z"}, 409),
        ({"modus": "full"}, 400),
    ],
)
def test_a_run_that_cannot_be_is_refused(
    as_admin: APIClient, ours: World, body: dict[str, str], status: int
) -> None:
    jira = integration_of(ours, credentials="sealed")
    answer = as_admin.post(f"/api/v1/integrations/{jira.pk}/run/", body, format="json")
    assert answer.status_code == status


def test_raw_pages_are_transformed_again_by_choice(as_admin: APIClient, ours: World) -> None:
    page: RawPage = ours.row(RawPage)
    with tenant_scope(ours.tenant.pk):
        RawPage.objects.filter(pk=page.pk).update(is_data=True)
    body = {"integration": page.integration_id, "stream": page.stream}
    answer = as_admin.post("/api/v1/retransform/", body, format="json")
    assert answer.status_code == 202
    (run,) = answer.json()["runs"]
    assert (run["mode"], run["integration"]) == ("retransform", page.integration_id)
    none = as_admin.post("/api/v1/retransform/", {**body, "stream": "other"}, format="json")
    assert none.status_code == 409


def test_only_who_may_run_starts_and_cancels(ours: World, dead: QueueEntry) -> None:
    viewer = client_of(ours, "viewer")
    jira = integration_of(ours, credentials="sealed")
    for path in (
        f"{RUNS}{dead.run_id}/cancel/",
        f"{RUNS}{dead.run_id}/retry/",
        f"{DEAD}{dead.pk}/replay/",
        f"{DEAD}replay/",
        f"/api/v1/integrations/{jira.pk}/run/",
        "/api/v1/retransform/",
    ):
        assert viewer.post(path).status_code == 403, path
    assert viewer.get(RUNS).status_code == 200


def test_a_schedule_is_changed_by_its_tag(as_admin: APIClient, ours: World) -> None:
    with tenant_scope(ours.tenant.pk):
        job = Job.objects.create(tenant=ours.tenant, integration=integration_of(ours))
        type(ours.tenant).objects.filter(pk=ours.tenant.pk).update(time_zone="Europe/Berlin")
    path = f"/api/v1/jobs/{job.pk}/"
    tag = as_admin.get(path)["ETag"]
    with tenant_scope(ours.tenant.pk):
        JobRun.objects.create(tenant=ours.tenant, job=job, integration=job.integration)
    changed = as_admin.patch(
        path, {"cron": "30 6 * * 1-5"}, format="json", headers={"If-Match": tag}
    )
    assert changed.status_code == 200
    assert changed.json()["schedule"] == "at 06:30, Monday through Friday (Europe/Berlin)"
    late = as_admin.patch(path, {"is_active": False}, format="json", headers={"If-Match": tag})
    assert late.status_code == 412
    assert len(as_admin.get(f"{path}next/").json()["next"]) == 5
    hourly = as_admin.patch(path, {"interval_minutes": 60}, format="json").json()
    assert (hourly["cron"], hourly["schedule"]) == ("", "every hour")
    off = as_admin.patch(path, {"is_active": False}, format="json").json()
    assert (off["is_active"], off["next_run_at"]) == (False, None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"cron": "every day"}, 400),
        ({"cron": "0 0 * * *", "interval_minutes": 5}, 400),
        ({"interval_minutes": 0}, 400),
        ({"blackouts": "some day"}, 409),
    ],
)
def test_a_schedule_that_is_none_is_refused(
    as_admin: APIClient, ours: World, body: dict[str, Any], status: int
) -> None:
    with tenant_scope(ours.tenant.pk):
        type(ours.tenant).objects.filter(pk=ours.tenant.pk).update(time_zone="UTC")
        job = Job.objects.create(tenant=ours.tenant, integration=integration_of(ours))
    assert as_admin.patch(f"/api/v1/jobs/{job.pk}/", body, format="json").status_code == status


def test_the_queue_is_counted_of_the_own_tenant(
    as_admin: APIClient, dead: QueueEntry, theirs: World
) -> None:
    theirs.add(QueueEntry)
    (row,) = as_admin.get("/api/v1/queue/").json()["queue"]
    assert (row["state"], row["depth"]) == ("dead", 1)


def test_processes_are_named_to_operators_only(
    as_admin: APIClient, ours: World, admin_user: Any
) -> None:
    Presence(Process.Role.WORKER).say()
    told = as_admin.get("/api/v1/workers/").json()
    assert (told["workers"], told["processes"]) == (1, [])
    operator = APIClient()
    operator.force_login(admin_user)
    assert len(operator.get("/api/v1/workers/").json()["processes"]) == 1


def test_health_tells_what_is_broken(as_admin: APIClient, ours: World, dead: QueueEntry) -> None:
    jira = integration_of(ours, is_active=True, is_healthy=False, health_message="no token")
    told = as_admin.get("/api/v1/health/").json()
    assert (told["status"], told["dead_steps"]) == ("degraded", 1)
    assert {"id": jira.pk, "name": "jira", "message": "no token"} in told["broken_integrations"]


def test_operators_are_told_of_the_servers_and_others_are_not(
    as_admin: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {
        "status": "degraded",
        "dependencies": [{"name": "broker", "level": "problem", "message": "no answer"}],
    }
    monkeypatch.setattr(site_health, "_asks", [lambda: told])
    operator = APIClient()
    operator.force_login(User.objects.create_superuser("operator"))
    assert operator.get("/api/v1/health/").json()["site"] == told
    assert as_admin.get("/api/v1/health/").json()["site"] is None


def test_the_site_tells_of_its_own_servers() -> None:
    report = site_health.report()
    assert report is not None
    assert {each["name"] for each in report["dependencies"]} >= {"database", "broker", "workers"}


def test_an_integration_that_has_never_run_is_scheduled(ours: World, as_admin: APIClient) -> None:
    row = integration_of(ours)
    path = f"/api/v1/integrations/{row.pk}/schedule/"
    refused = client_of(ours, "editor").patch(path, {"interval_minutes": 30}, format="json")
    assert refused.status_code == 403
    blocked = {"interval_minutes": 30, "catch_up": "skip", "blackouts": "mon-sun 00:00-24:00"}
    assert as_admin.patch(path, blocked, format="json").status_code == 409
    with tenant_scope(ours.tenant.pk):
        assert not Job.objects.filter(integration=row).exists()
    answer = as_admin.patch(path, {"interval_minutes": 30}, format="json")
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["integration"], told["schedule"]) == (row.pk, "every 30 minutes")
    assert told["next_run_at"] is not None
    assert as_admin.get(f"/api/v1/jobs/{told['id']}/").json() == told
    again = as_admin.patch(path, {"cron": "30 6 * * *"}, format="json").json()
    assert (again["id"], again["interval_minutes"]) == (told["id"], None)


@pytest.mark.parametrize("what", ["jobs", "runs", "dead-steps"])
def test_more_rows_take_no_more_queries(
    as_admin: APIClient, ours: World, dead: QueueEntry, what: str
) -> None:
    path = f"/api/v1/{what}/"

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as taken:
            assert as_admin.get(path).status_code == 200
        return len(taken)

    queries()
    few = queries()
    for number in range(20):
        run = ours.add(JobRun)
        with tenant_scope(ours.tenant.pk):
            step = ours.add(QueueEntry)
            QueueEntry.objects.filter(pk=step.pk).update(state="dead", run=run)
            row = Integration.objects.create(
                tenant=ours.tenant, provider="jira", name=f"jira {number}"
            )
            Job.objects.create(tenant=ours.tenant, integration=row, interval_minutes=60)
    assert queries() == few


def test_a_run_is_paused_and_resumed(as_admin: APIClient, dead: QueueEntry) -> None:
    as_admin.post(f"{DEAD}{dead.pk}/replay/")
    paused = as_admin.post(f"{RUNS}{dead.run_id}/pause/")
    assert (paused.status_code, paused.json()["run"]["is_paused"]) == (202, True)
    again = as_admin.post(f"{RUNS}{dead.run_id}/pause/")
    assert (again.status_code, "is paused already" in again.json()["detail"]) == (409, True)
    resumed = as_admin.post(f"{RUNS}{dead.run_id}/resume/")
    assert resumed.status_code == 202, resumed.json()
    assert (resumed.json()["run"]["is_paused"], resumed.json()["steps"]) == (False, 1)
    assert as_admin.post(f"{RUNS}{dead.run_id}/resume/").status_code == 409


def test_steps_are_skipped_and_discarded_with_a_reason(
    as_admin: APIClient, dead: QueueEntry
) -> None:
    path = f"/api/v1/steps/{dead.pk}/"
    assert as_admin.post(f"{path}discard/", {}, format="json").status_code == 400
    assert as_admin.post(f"{path}skip/", {"reason": "old"}, format="json").status_code == 409
    answer = as_admin.post(f"{path}discard/", {"reason": "no use"}, format="json")
    assert (answer.status_code, answer.json()["state"]) == (202, "left_out")
    assert answer.json()["error"].endswith("no use\nPermanentError: no JSON")
