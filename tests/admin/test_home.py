"""Home: its numbers are right, it leads on, asks little, and keeps to the tenant."""

import json
import random
import statistics
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from etl_project.home.charts import by_month, month_starts
from integrations.models import Integration, QuarantinedRecord
from jobs.models import Job, JobRun, Process, QueueEntry
from mappings.models import StatusResolution, WitResolution
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.admin.world import World, make_world
from warehouse.models import WorkItem

HOME = reverse("admin:index")


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


def entered(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def operator() -> Client:
    return entered(User.objects.create(username="operator", is_superuser=True))


def add_item(world: World, done_at: datetime | None, seconds: float | None) -> None:
    item = world.add(WorkItem)
    with tenant_scope(world.tenant.pk):
        WorkItem.objects.filter(pk=item.pk).update(
            deleted_at=None, done_at=done_at, cycle_time_seconds=seconds
        )


def add_run(world: World, state: str, **more: Any) -> JobRun:
    first = world.row(JobRun)
    with tenant_scope(world.tenant.pk):
        run: JobRun = JobRun.objects.create(
            tenant=world.tenant,
            job=first.job,
            integration=first.integration,
            trigger="manual",
            mode="incremental",
            state=state,
            **more,
        )
    return run


def add_step(world: World, run: JobRun, **values: Any) -> QueueEntry:
    with tenant_scope(world.tenant.pk):
        step: QueueEntry = QueueEntry.objects.create(
            tenant=world.tenant,
            run=run,
            integration=run.integration,
            priority=2,
            run_at=timezone.now(),
            **{"stage": "transform", "stream": "issues", "state": "done", **values},
        )
    return step


# Charts


@pytest.mark.parametrize("seed", range(5))
def test_throughput_and_medians_are_those_of_plain_python(seed: int, ours: World) -> None:
    with tenant_scope(ours.tenant.pk):
        WorkItem.objects.all().delete()
    drawn = random.Random(seed)
    zone = ZoneInfo(drawn.choice(["UTC", "Asia/Tokyo", "America/Los_Angeles"]))
    now = datetime(2026, 3, 15, 12, tzinfo=UTC)
    items = []
    for _ in range(60):
        done_at = now - timedelta(seconds=drawn.uniform(0, 450 * 86_400))
        seconds = drawn.choice([None, drawn.uniform(0, 9e6), 3600.0])
        items.append((done_at, seconds))
        add_item(ours, done_at, seconds)
    add_item(ours, None, None)
    months = by_month(ours.tenant.pk, zone, now)
    starts = month_starts(now.astimezone(zone))
    for index, month in enumerate(months):
        inside = [each for each in items if starts[index] <= each[0] < starts[index + 1]]
        timed = [seconds for _, seconds in inside if seconds is not None]
        assert month.done == len(inside)
        expected = round(statistics.median(timed) / 86_400, 2) if timed else None
        assert month.median_days == pytest.approx(expected, abs=0.011)


def test_a_month_begins_at_midnight_of_the_tenants_zone(ours: World) -> None:
    with tenant_scope(ours.tenant.pk):
        WorkItem.objects.all().delete()
    add_item(ours, datetime(2026, 1, 31, 15, 30, tzinfo=UTC), 86_400.0)
    now = datetime(2026, 2, 10, tzinfo=UTC)
    done = {
        zone: [month.done for month in by_month(ours.tenant.pk, ZoneInfo(zone), now)][-2:]
        for zone in ("UTC", "Asia/Tokyo")
    }
    assert done == {"UTC": [1, 0], "Asia/Tokyo": [0, 1]}


def test_charts_leave_out_what_was_deleted_and_what_is_not_ours(
    ours: World, theirs: World, as_admin: Client
) -> None:
    add_item(theirs, timezone.now(), 5.0)
    add_item(ours, timezone.now(), 5.0)
    with tenant_scope(ours.tenant.pk):
        WorkItem.objects.update(deleted_at=timezone.now())
    assert as_admin.get(HOME).context["charts"].is_empty
    add_item(ours, timezone.now(), 86_400.0)
    cache.clear()
    page = as_admin.get(HOME)
    charts = page.context["charts"]
    assert (charts.months[-1].done, charts.months[-1].median_days) == (1, 1.0)
    assert json.loads(charts.throughput)["datasets"][0]["data"] == [0] * 11 + [1]
    assert "As a table" in page.content.decode()


# Figures, jobs, failures


def test_a_number_without_a_rule_leads_to_where_it_is_mended(ours: World) -> None:
    with tenant_scope(ours.tenant.pk):
        WitResolution.objects.update(mapping=None)
        StatusResolution.objects.update(mapping=None)
        QuarantinedRecord.objects.update(severity="record")
    figures = {
        each.title: each for each in entered(ours.members["viewer"]).get(HOME).context["figures"]
    }
    for title in ("Unmapped types", "Unmapped statuses", "Quarantined"):
        assert (figures[title].value, figures[title].tone) == ("1", "warning"), title
        assert entered(ours.members["viewer"]).get(figures[title].link).status_code == 200


def test_a_job_card_tells_of_the_last_run_and_the_next(ours: World) -> None:
    run = add_run(ours, "completed", finished_at=timezone.now())
    add_step(ours, run, key="t", record_count=1200)
    add_step(ours, run, key="l", stage="load", row_count=3400, quarantined_count=5)
    add_step(ours, run, key="d", state="dead")
    due = timezone.now() + timedelta(hours=3)
    with tenant_scope(ours.tenant.pk):
        Job.objects.update(
            is_active=True,
            cron="",
            interval_minutes=180,
            next_slot_at=due,
            next_run_at=due,
            blackouts="",
        )
        Integration.objects.update(is_active=True, is_healthy=False, health_message="401: no")
    page = entered(ours.members["viewer"]).get(HOME)
    (card,) = page.context["jobs"].cards
    assert (card.run, card.counts.records, card.counts.rows) == (run, 1200, 3400)
    assert (card.counts.set_aside, card.counts.dead) == (5, 1)
    assert card.next_run_at == due
    text = page.content.decode()
    for words in ("1,200 read", "3,400 rows written, 5 set aside, 1 step given up", "401: no"):
        assert words in text


def test_a_run_that_goes_on_shows_its_progress_and_is_asked_for_often(ours: World) -> None:
    client = entered(ours.members["viewer"])
    assert "every 20s" in client.get(HOME).content.decode()
    run = add_run(ours, "running")
    for number in range(4):
        add_step(ours, run, key=str(number), state="done" if number < 3 else "queued")
    fragment = client.get(reverse("admin:home_jobs")).content.decode()
    assert "every 2s" in fragment
    assert 'aria-valuenow="75"' in fragment
    with tenant_scope(ours.tenant.pk):
        JobRun.objects.filter(pk=run.pk).update(state="completed", finished_at=timezone.now())
    assert "progressbar" not in client.get(reverse("admin:home_jobs")).content.decode()


def test_home_says_of_a_job_what_the_jobs_page_says_and_leads_to_it(ours: World) -> None:
    with tenant_scope(ours.tenant.pk):
        Integration.objects.update(is_active=True)
    run = add_run(ours, "running", paused_at=timezone.now())
    client = entered(ours.members["viewer"])
    page = client.get(HOME)
    (card,) = page.context["jobs"].cards
    (row,) = client.get(reverse("admin:jobs_job_changelist")).context["jobs"].rows
    assert (card.run, card.state, card.tone) == (run, "Paused", "warning")
    assert (row.state, row.counts, row.next_run_at) == (card.state, card.counts, card.next_run_at)
    assert reverse("admin:jobs_job_change", args=(run.job_id,)) in page.content.decode()


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("editor", True)])
def test_whoever_may_run_starts_a_run_from_home(role: str, may: bool, ours: World) -> None:
    with tenant_scope(ours.tenant.pk):
        Integration.objects.update(is_active=True, credentials="sealed")
    page = entered(ours.members[role]).get(HOME).content.decode()
    assert ("Run now" in page) is may


def test_failures_are_shown_with_reason_and_link(ours: World, theirs: World) -> None:
    run = add_run(
        ours, "failed", error="The token was refused.\nTraceback", finished_at=timezone.now()
    )
    step = add_step(
        ours, run, key="x", state="dead", error="TooLarge: 9 GB", finished_at=timezone.now()
    )
    foreign = add_run(theirs, "failed", error="secret reason")
    page = entered(ours.members["viewer"]).get(HOME)
    text = page.content.decode()
    assert [each.what for each in page.context["failures"]][:2] == [
        f"Step {step.pk}: transform issues",
        f"Run {run.pk}",
    ]
    assert "The token was refused." in text and "Traceback" not in text
    assert reverse("admin:jobs_jobrun_change", args=(run.pk,)) in text
    assert "secret reason" not in text and f"Run {foreign.pk}<" not in text


def test_home_asks_no_more_for_more_rows(ours: World) -> None:
    client = entered(ours.members["editor"])
    counts = []
    for _ in range(3):
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            assert client.get(HOME).status_code == 200
        counts.append(len(asked))
        for number in range(12):
            ours.rows.pop(JobRun)
            ours.rows.pop(Job)
            integration = ours.add(Integration)
            ours.rows[Integration] = integration
            run = add_run(ours, "failed" if number % 2 else "completed")
            add_step(ours, run, key="x", state="dead", error="no")
            add_item(ours, timezone.now(), 60.0)
    # The first time it also looks whether the first steps are done.
    assert counts[0] - 2 <= counts[1] == counts[2] <= 32


# First steps


def steps_of(client: Client) -> list[tuple[str, str]]:
    return [(step.title, step.state) for step in client.get(HOME).context["steps"]]


def test_with_nothing_set_up_home_leads_through_connect_choose_run_map(db: None) -> None:
    world = make_bare()
    client = entered(world.members["admin"])
    assert steps_of(client) == [
        ("Connect", "next"),
        ("Choose", "later"),
        ("Run", "later"),
        ("Map", "later"),
    ]
    page = client.get(HOME).content.decode()
    assert f'href="{reverse("admin:integrations_integration_add")}">Connect a source' in page
    with tenant_scope(world.tenant.pk):
        row = Integration.objects.create(
            tenant=world.tenant, provider="jira", name="jira", credentials="sealed"
        )
        assert steps_of(client)[1] == ("Choose", "next")
        row.settings = {"projects": ["PAY"]}
        row.save()
        assert steps_of(client)[2] == ("Run", "next")
        job = Job.objects.get(integration=row)  # made by the first look
        JobRun.objects.create(
            tenant=world.tenant,
            job=job,
            integration=row,
            trigger="manual",
            mode="full",
            state="completed",
        )
        WitResolution.objects.create(
            tenant=world.tenant, integration=row, project_source_id="1", type_source_id="2"
        )
        assert steps_of(client)[3] == ("Map", "next")
        WitResolution.objects.all().delete()
    assert steps_of(client) == []


def make_bare() -> World:
    """A tenant with an administrator and nothing else."""
    world = make_world("bare")
    with tenant_scope(world.tenant.pk):
        for model in (WitResolution, StatusResolution, QueueEntry, JobRun, Job, Integration):
            model.objects.all().delete()
    return world


# The platform


def test_an_operator_sees_a_row_a_tenant_the_queue_and_the_processes(
    ours: World, theirs: World
) -> None:
    run = add_run(ours, "failed")
    add_step(ours, run, key="q", state="queued", stage="load")
    add_item(ours, None, None)
    Process.objects.create(
        name="w1",
        role="worker",
        host="h",
        pid=1,
        version="1",
        started_at=timezone.now(),
        seen_at=timezone.now(),
    )
    Process.objects.create(
        name="w2",
        role="worker",
        host="h",
        pid=2,
        version="1",
        started_at=timezone.now(),
        seen_at=timezone.now() - timedelta(minutes=5),
    )
    page = operator().get(HOME)
    platform = page.context["platform"]
    rows = {row.tenant.pk: row for row in platform.tenants}
    assert (rows[ours.tenant.pk].failed, rows[ours.tenant.pk].last_run) == (1, run)
    assert rows[ours.tenant.pk].items == "1"
    assert rows[theirs.tenant.pk].failed == 0
    stages = {row.stage: row for row in platform.stages}
    assert stages["Load"].queued == 1 and stages["Load"].due_since is not None
    assert {role: (there, silent) for role, there, silent in platform.processes} == {
        "Worker": (1, 1),
        "Scheduler": (0, 0),
        "Web": (0, 0),
    }
    assert ours.tenant.name in page.content.decode()


def test_home_of_the_platform_asks_no_more_for_more_tenants(ours: World) -> None:
    client = operator()
    counts = []
    for _ in range(2):
        cache.clear()
        with CaptureQueriesContext(connection) as asked:
            assert client.get(HOME).status_code == 200
        counts.append(len(asked))
        for number in range(5):
            Tenant.objects.create(name=f"T{number}", slug=f"t{number}-{len(counts)}")
        add_run(ours, "failed")
    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_a_platform_without_tenants_says_what_to_do() -> None:
    page = operator().get(HOME).content.decode()
    assert "There is no tenant yet." in page
    assert reverse("admin:tenants_tenant_add") in page
