"""An hourly job, and words in which tests say what its schedule does."""

from datetime import UTC, datetime, timedelta

from common.errors import UsageError
from jobs import runs
from jobs.models import Job, JobRun, ScheduleSlot
from jobs.run_retries import after_run
from tenants.models import Tenant
from tenants.scope import every_tenant

BEGIN = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)  # a Monday
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def change(**values: object) -> None:
    """Change the only job there is."""
    with every_tenant("test"):
        Job.objects.update(**values)


def at(text: str, day: int = 5) -> datetime:
    """Return a time of a day of January."""
    hour, minute = text.split(":")
    return datetime(2026, 1, day, int(hour), int(minute), tzinfo=UTC)


def hourly_job(run: JobRun) -> Job:
    """Make the run's job hourly: slots are the full hours, that of 11:00 is next, none runs."""
    with every_tenant("test"):
        JobRun.objects.update(state="completed")
        Tenant.objects.update(time_zone="UTC")
        Job.objects.update(interval_minutes=60, next_slot_at=BEGIN + HOUR, next_run_at=BEGIN + HOUR)
        kept: Job = Job.objects.select_related("tenant", "integration").get()
        return kept


def start(job: Job) -> JobRun:
    """Start an incremental run."""
    return runs.start(job.integration, JobRun.Trigger.SCHEDULE, JobRun.Mode.INCREMENTAL)


def no_start(job: Job) -> JobRun:
    """Start half a run, and find that it cannot be."""
    start(job)
    raise UsageError("the site is not configured")


def end_runs(state: str = "completed", now: datetime = BEGIN) -> None:
    """End all runs that go on."""
    with every_tenant("test"):
        for run in JobRun.objects.filter(state="running"):
            run.state = state
            run.save()
            after_run(run, state, now)


def scheduled_runs() -> int:
    """Return how many runs the schedule has started."""
    with every_tenant("test"):
        return JobRun.objects.filter(trigger="schedule").count()


def slots() -> list[tuple[str, str, int]]:
    """Return time, outcome and missed slots of all that was dealt with, in order."""
    with every_tenant("test"):
        rows = ScheduleSlot.objects.order_by("slot_at")
        return [(f"{row.slot_at:%H:%M}", row.outcome, row.missed_count) for row in rows]


def planned(job: Job) -> tuple[str, str]:
    """Return the next slot and when it is to be fired."""
    with every_tenant("test"):
        row = Job.objects.get(pk=job.pk)
        return f"{row.next_slot_at:%H:%M}", f"{row.next_run_at:%H:%M}"
