"""The Jobs page: what it shows is so, it finds, and its buttons do what they say."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration
from jobs.models import Job, JobRun, QueueEntry, Stage
from jobs.progress import progress_of
from tenants.models import Membership, Role
from tenants.scope import tenant_scope
from tests.admin.world import World, make_world

pytestmark = pytest.mark.django_db

PAGE = reverse("admin:jobs_job_changelist")


@pytest.fixture
def world() -> World:
    made = make_world("ours")
    with tenant_scope(made.tenant.pk):
        JobRun.objects.all().delete()
        Job.objects.all().delete()
        Integration.objects.exclude(pk=made.row(Integration).pk).delete()
        Integration.objects.update(
            name="jira", provider="jira", is_active=True, is_healthy=True, credentials="sealed"
        )
    return made


def entered(world: World, role: Role) -> Client:
    user = User.objects.create(username=f"the-{role}")
    with tenant_scope(world.tenant.pk):
        Membership.objects.create(tenant=world.tenant, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def add_integration(world: World, name: str, **more: Any) -> Job:
    with tenant_scope(world.tenant.pk):
        values = {"provider": "github", "is_active": True, "credentials": "sealed"} | more
        row = Integration.objects.create(tenant=world.tenant, name=name, **values)
        job: Job = Job.objects.create(tenant=world.tenant, integration=row)
        return job


def add_run(job: Job, state: str, **more: Any) -> JobRun:
    with tenant_scope(job.tenant_id):
        values = {"trigger": "manual", "mode": "incremental", "state": state} | more
        run: JobRun = JobRun.objects.create(
            tenant_id=job.tenant_id, job=job, integration_id=job.integration_id, **values
        )
        if state != "running":
            ended = {"finished_at": run.started_at + timedelta(seconds=75)}
            JobRun.objects.filter(pk=run.pk).update(**ended)
        return run


def add_step(run: JobRun, stage: Stage, state: str, **counts: int) -> None:
    with tenant_scope(run.tenant_id):
        QueueEntry.objects.create(
            tenant_id=run.tenant_id,
            run=run,
            integration_id=run.integration_id,
            stage=stage,
            stream="issues",
            key=f"{stage}:{QueueEntry.objects.count()}",
            state=state,
            priority=1,
            run_at=timezone.now(),
            **counts,
        )


def fresh(job: Job) -> Job:
    with tenant_scope(job.tenant_id):
        found: Job = Job.objects.get(pk=job.pk)
        return found


def names(client: Client, query: str = "") -> list[str]:
    page = client.get(f"{PAGE}?{query}")
    return [row.job.integration.name for row in page.context["jobs"].rows]


def test_every_integration_has_its_row_from_the_first_look_on(world: World) -> None:
    text = entered(world, Role.VIEWER).get(PAGE).content.decode()
    assert "Never run" in text
    assert "No schedule" in text
    with tenant_scope(world.tenant.pk):
        assert Job.objects.get().integration.name == "jira"


def test_a_share_is_told_only_once_the_total_is_known_and_is_that_of_the_live_progress(
    world: World,
) -> None:
    job = add_integration(world, "hub")
    run = add_run(job, "running")
    client = entered(world, Role.VIEWER)

    def shares() -> tuple[int | None, int | None]:
        row = next(row for row in client.get(PAGE).context["jobs"].rows if row.job == job)
        with tenant_scope(job.tenant_id):
            return row.percent, progress_of(JobRun.objects.get(pk=run.pk))["percent"]

    assert shares() == (None, None)
    add_step(run, Stage.EXTRACT, "running")
    for state in ("done", "left_out", "queued", "cancelled"):
        add_step(run, Stage.TRANSFORM, state)
    assert shares() == (None, None)
    assert "read so far" in client.get(PAGE).content.decode()
    with tenant_scope(job.tenant_id):
        QueueEntry.objects.filter(stage=Stage.EXTRACT).update(state="done")
    assert shares() == (66, 66)
    with tenant_scope(job.tenant_id):
        JobRun.objects.update(params={"phases": ["sync", "census"], "phase": "sync"})
    assert shares() == (None, None)
    with tenant_scope(job.tenant_id):
        JobRun.objects.update(params={"phases": ["sync", "census"], "phase": "census"})
    assert shares() == (66, 66)


def test_a_row_tells_state_counts_duration_and_what_comes_next(world: World) -> None:
    job = add_integration(world, "hub")
    with tenant_scope(world.tenant.pk):
        Job.objects.filter(pk=job.pk).update(interval_minutes=30)
    run = add_run(job, "completed_with_errors")
    add_step(run, Stage.TRANSFORM, "done", record_count=1234, quarantined_count=3)
    add_step(run, Stage.LOAD, "done", row_count=5678)
    add_step(run, Stage.LOAD, "dead")
    client = entered(world, Role.EDITOR)
    row = next(row for row in client.get(PAGE).context["jobs"].rows if row.job == job)
    assert (row.state, row.tone, row.lasted) == ("Completed with errors", "warning", "1 min 15 s")
    assert (row.counts.records, row.counts.rows) == (1234, 5678)
    assert (row.counts.set_aside, row.counts.dead) == (3, 1)
    assert row.schedule == "every 30 minutes"
    assert row.next_run_at is not None
    assert [bar.words for bar in row.bars] == [f"Run {run.pk}: completed with errors, 1 min 15 s"]
    text = client.get(PAGE).content.decode()
    for told in ("1,234", "5,678", "3 set aside, 1 step given up", "Every 30 minutes"):
        assert told in text


def test_a_slot_that_a_blackout_skips_is_not_what_comes_next(world: World) -> None:
    job = add_integration(world, "hub")
    with tenant_scope(world.tenant.pk):
        soon = timezone.now() + timedelta(minutes=1)
        Job.objects.filter(pk=job.pk).update(
            cron="0 * * * *",
            catch_up="skip",
            blackouts="daily 00:00-23:00",
            next_slot_at=soon,
            next_run_at=soon,
        )
    rows = entered(world, Role.VIEWER).get(PAGE).context["jobs"].rows
    found = next(row.next_run_at for row in rows if row.job == job)
    assert found is not None
    assert found.astimezone(timezone.get_default_timezone()).minute == 0


def test_buttons_are_of_the_state_and_of_the_role(world: World) -> None:
    going, paused = add_integration(world, "a"), add_integration(world, "b")
    add_integration(world, "c", credentials="")
    add_run(going, "running")
    add_run(paused, "running", paused_at=timezone.now())
    rows = entered(world, Role.EDITOR).get(PAGE).context["jobs"].rows
    may = {row.job.integration.name: list(row.may) for row in rows}
    assert may == {"a": ["pause", "cancel"], "b": ["resume", "cancel"], "c": [], "jira": ["run"]}
    assert [row.state for row in rows][:2] == ["Running", "Paused"]
    viewer = entered(world, Role.VIEWER).get(PAGE)
    assert all(not row.may for row in viewer.context["jobs"].rows)
    assert "jobs-bulk" not in viewer.content.decode()


def test_jobs_are_found_by_name_state_provider_health_and_schedule(world: World) -> None:
    good, bad = add_integration(world, "good", is_healthy=True), add_integration(world, "bad")
    with tenant_scope(world.tenant.pk):
        Integration.objects.filter(pk=bad.integration_id).update(is_healthy=False)
        Job.objects.filter(pk=good.pk).update(interval_minutes=5)
        Job.objects.filter(pk=bad.pk).update(cron="@daily", is_active=False)
    add_run(good, "running")
    add_run(bad, "failed")
    client = entered(world, Role.VIEWER)
    assert names(client) == ["bad", "good", "jira"]
    assert names(client, "q=OO") == ["good"]
    assert names(client, "state=running") == ["good"]
    assert names(client, "state=failed") == ["bad"]
    assert names(client, "state=never") == ["jira"]
    assert names(client, "provider=jira") == ["jira"]
    assert names(client, "health=broken") == ["bad"]
    assert names(client, "schedule=on") == ["good"]
    assert names(client, "schedule=off") == ["bad"]
    assert names(client, "schedule=none") == ["jira"]
    assert names(client, "order=-started") == ["bad", "good", "jira"]
    assert names(client, "state=nonsense&health=%00&p=x") == ["bad", "good", "jira"]
    assert "No job is as you ask" in client.get(f"{PAGE}?q=zzz").content.decode()


def test_many_are_switched_off_and_each_that_cannot_be_is_told(world: World) -> None:
    first, second = add_integration(world, "a"), add_integration(world, "b")
    with tenant_scope(world.tenant.pk):
        Job.objects.filter(pk=first.pk).update(interval_minutes=5)
    client = entered(world, Role.ADMIN)
    address = reverse("admin:jobs_job_bulk")
    page = client.post(address, {"action": "off", "jobs": [first.pk, second.pk]}, follow=True)
    assert "Schedule off: a, b." in page.content.decode()
    assert not fresh(first).is_active
    page = client.post(address, {"action": "pause", "all": 1, "filters": "q=b"}, follow=True)
    assert "b: no run of it goes on." in page.content.decode()
    assert "a: " not in page.content.decode()
    page = client.post(address, {"action": "run", "jobs": []}, follow=True)
    assert "No job is chosen" in page.content.decode()


def test_several_runs_are_paused_and_resumed_at_once(world: World) -> None:
    jobs = [add_integration(world, name) for name in "ab"]
    runs = [add_run(job, "running") for job in jobs]
    client = entered(world, Role.EDITOR)
    address = reverse("admin:jobs_job_bulk")
    client.post(address, {"action": "pause", "all": 1, "filters": "state=running"})
    with tenant_scope(world.tenant.pk):
        assert JobRun.objects.filter(paused_at__isnull=False).count() == 2
    client.post(address, {"action": "resume", "jobs": [jobs[0].pk]})
    with tenant_scope(world.tenant.pk):
        assert JobRun.objects.get(paused_at__isnull=False) == runs[1]


def test_schedules_are_switched_by_administrators_alone(world: World) -> None:
    job = add_integration(world, "a")
    with tenant_scope(world.tenant.pk):
        Job.objects.filter(pk=job.pk).update(interval_minutes=5)
    address = reverse("admin:jobs_job_switch", args=(job.pk,))
    bulk = reverse("admin:jobs_job_bulk")
    editor = entered(world, Role.EDITOR)
    assert editor.post(address, {"is_on": 0}).status_code == 403
    assert editor.post(bulk, {"action": "off", "jobs": [job.pk]}).status_code == 403
    client = entered(world, Role.ADMIN)
    client.post(address, {"is_on": 0})
    assert not fresh(job).is_active
    client.post(address, {"is_on": 1})
    assert fresh(job).next_run_at is not None


def test_jobs_of_another_tenant_are_as_none(world: World) -> None:
    theirs = make_world("theirs")
    with tenant_scope(theirs.tenant.pk):
        job, other = Job.objects.first(), theirs.row(JobRun)
        before = list(JobRun.objects.values()), list(Job.objects.values())
    assert job is not None
    client = entered(world, Role.ADMIN)
    for name, key in (("job_switch", job.pk), ("run_pause", other.pk), ("run_resume", other.pk)):
        foreign = client.post(reverse(f"admin:jobs_{name}", args=(key,)), {"is_on": 0})
        missing = client.post(reverse(f"admin:jobs_{name}", args=(987_654,)), {"is_on": 0})
        assert foreign.status_code == missing.status_code == 404
        assert foreign.content == missing.content
    page = client.post(
        reverse("admin:jobs_job_bulk"), {"action": "off", "jobs": [job.pk]}, follow=True
    )
    assert "No job is chosen" in page.content.decode()
    with tenant_scope(theirs.tenant.pk):
        assert (list(JobRun.objects.values()), list(Job.objects.values())) == before


def test_a_page_takes_as_many_queries_for_many_jobs_as_for_few(world: World) -> None:
    client = entered(world, Role.VIEWER)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(PAGE).status_code == 200
        return len(captured)

    add_run(add_integration(world, "first"), "completed")
    queries()
    few = queries()
    for number in range(12):
        job = add_integration(world, f"hub-{number}")
        for _ in range(3):
            add_run(job, "completed")
    assert queries() == few


def test_without_an_integration_the_page_leads_to_one(world: World) -> None:
    with tenant_scope(world.tenant.pk):
        Job.objects.all().delete()
        Integration.objects.all().delete()
    add = reverse("admin:integrations_integration_add")
    assert f'href="{add}"' in entered(world, Role.ADMIN).get(PAGE).content.decode()
    text = entered(world, Role.VIEWER).get(PAGE).content.decode()
    assert "There is nothing to run yet" in text
    assert f'href="{add}"' not in text
