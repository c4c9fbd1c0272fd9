"""Jobs start when they are due, once, in their tenant's time."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from common.errors import UsageError
from jobs import runs, schedule
from jobs.models import Job, JobRun, RunLog
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.jobs.conftest import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(run: JobRun) -> Job:
    """An hourly job that is due since a minute and has no run going on."""
    with every_tenant("test"):
        JobRun.objects.update(state="completed")
        Job.objects.update(interval_minutes=60, next_run_at=timezone.now() - timedelta(minutes=1))
        kept: Job = Job.objects.select_related("tenant").get()
        return kept


def start(job: Job) -> JobRun:
    """Start an incremental run."""
    return runs.start(job.integration, JobRun.Trigger.SCHEDULE, JobRun.Mode.INCREMENTAL)


def scheduled_runs() -> int:
    """Return how many runs the schedule has started."""
    with every_tenant("test"):
        return JobRun.objects.filter(trigger="schedule").count()


def next_run(job: Job) -> datetime | None:
    """Return the job's next time as it is in the database now."""
    with every_tenant("test"):
        due: datetime | None = Job.objects.values_list("next_run_at", flat=True).get(pk=job.pk)
        return due


def test_a_due_job_starts_one_run_and_is_due_again_after_its_interval(job: Job) -> None:
    assert schedule.fire(start) == 1
    assert schedule.fire(start) == 0
    due = next_run(job)
    assert due is not None
    assert timedelta(minutes=59) < due - timezone.now() <= timedelta(minutes=60)


def test_several_schedulers_start_a_due_job_once(job: Job) -> None:
    in_threads(4, lambda _: schedule.fire(start))
    assert scheduled_runs() == 1


def test_a_job_whose_run_goes_on_waits_for_its_next_time(job: Job) -> None:
    with every_tenant("test"):
        JobRun.objects.update(state="running")
    assert schedule.fire(start) == 0
    due = next_run(job)
    assert due is not None
    assert due > timezone.now()


@pytest.mark.parametrize(
    "off",
    [
        lambda job: Job.objects.update(is_active=False),
        lambda job: type(job.integration).objects.update(is_active=False),
        lambda job: Tenant.objects.update(is_active=False),
        lambda job: Job.objects.update(interval_minutes=None),
    ],
)
def test_what_is_switched_off_does_not_start(job: Job, off: schedule.StartRun) -> None:
    with every_tenant("test"):
        off(job)
    assert schedule.fire(start) == 0


def test_a_job_that_cannot_start_leaves_no_run_and_is_tried_again_later(job: Job) -> None:
    def half(job: Job) -> JobRun:
        start(job)
        raise UsageError("the site is not configured")

    with every_tenant("test"):
        Job.objects.update(retry_minutes=5)
    assert schedule.fire(half) == 0
    assert scheduled_runs() == 0
    due = next_run(job)
    assert due is not None
    assert timedelta(minutes=4) < due - timezone.now() <= timedelta(minutes=5)


def test_an_integration_without_a_live_source_starts_nothing(job: Job) -> None:
    with every_tenant("test"):
        lines = RunLog.objects.count()
    assert schedule.fire(schedule.refuse) == 0
    assert scheduled_runs() == 0
    with every_tenant("test"):
        assert RunLog.objects.count() == lines


def test_a_new_schedule_gets_its_first_time(job: Job) -> None:
    with every_tenant("test"):
        Job.objects.update(next_run_at=None)
    assert schedule.plan() == 1
    assert schedule.plan() == 0
    assert next_run(job) is not None


@pytest.mark.parametrize(
    ("zone", "after", "due"),
    [
        ("UTC", "2026-01-10T12:00Z", "2026-01-11T06:00Z"),
        ("Asia/Tokyo", "2026-01-10T12:00Z", "2026-01-10T21:00Z"),
        ("Europe/Berlin", "2026-03-27T12:00Z", "2026-03-28T05:00Z"),
        # Summer time begins in between.
        ("Europe/Berlin", "2026-03-28T12:00Z", "2026-03-29T04:00Z"),
    ],
)
def test_a_cron_is_read_in_the_tenants_zone(job: Job, zone: str, after: str, due: str) -> None:
    job.cron = "0 6 * * *"
    job.tenant.time_zone = zone
    assert schedule.next_time(job, datetime.fromisoformat(after)) == datetime.fromisoformat(due)


@pytest.mark.parametrize(("cron", "zone"), [("every day", "UTC"), ("0 6 * * *", "Mars/Base")])
def test_a_schedule_that_is_none_is_refused_and_stops_no_other(
    job: Job, cron: str, zone: str
) -> None:
    job.cron = cron
    job.tenant.time_zone = zone
    with pytest.raises(UsageError):
        schedule.next_time(job, timezone.now())
    job.tenant.save()
    with every_tenant("test"):
        Job.objects.update(cron=cron, next_run_at=None)
    assert schedule.plan() == 0
