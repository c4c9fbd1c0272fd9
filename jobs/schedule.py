"""The schedule: jobs that are due start a run, once, however many schedulers there are."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from common.errors import PipelineError, UsageError
from jobs.models import Job, JobRun
from tenants.scope import every_tenant, tenant_scope

logger = logging.getLogger(__name__)

StartRun: TypeAlias = Callable[[Job], JobRun]

_EVERY_JOB = "the schedule serves every tenant"


def next_time(job: Job, after: datetime) -> datetime | None:
    """Return when a job is due next, later than `after`; None if it has no schedule.

    cron is read in the tenant's time zone. Raises UsageError if it, or the zone, is none.
    Times that were missed are not made up for: the job runs once, and next in the future.
    """
    if job.cron:
        try:
            local = after.astimezone(ZoneInfo(job.tenant.time_zone))
            due: datetime = croniter(job.cron, local).get_next(datetime)
        except (CroniterError, KeyError, ValueError) as error:
            raise UsageError(
                f"the schedule {job.cron!r} of {job} in {job.tenant.time_zone}: {error}"
            ) from error
        return due.astimezone(after.tzinfo)
    if job.interval_minutes:
        return after + timedelta(minutes=job.interval_minutes)
    return None


def plan() -> int:
    """Give active scheduled jobs that have no next time one; return how many."""
    planned = 0
    with every_tenant(_EVERY_JOB):
        for job in _scheduled().filter(next_run_at=None):
            due = _next_or_none(job, timezone.now())
            if due is not None:
                planned += Job.objects.filter(pk=job.pk, next_run_at=None).update(next_run_at=due)
    return planned


def fire(start_run: StartRun) -> int:
    """Start a run of each due job and set its next time, in one transaction each.

    A job whose last run still goes on waits for its next time. When the run cannot be started,
    the job is tried again after its retry time. Returns how many runs were started.
    """
    now = timezone.now()
    with every_tenant(_EVERY_JOB):
        due = list(_scheduled().filter(next_run_at__lte=now).order_by("next_run_at"))
    return sum(_fire(job, now, start_run) for job in due)


def _fire(job: Job, now: datetime, start_run: StartRun) -> bool:
    with tenant_scope(job.tenant_id):
        due = _next_or_none(job, now)
        try:
            with transaction.atomic():
                if not _take(job, due) or _runs(job):
                    return False
                start_run(job)
                return True
        except PipelineError as error:
            logger.warning("%s cannot be started: %s", job, error)
            again = now + timedelta(minutes=job.retry_minutes)
            _take(job, again if due is None else min(due, again))
            return False


def _take(job: Job, due: datetime | None) -> bool:
    """Move the job on to its next time, unless another scheduler has done so."""
    untouched = Job.objects.filter(pk=job.pk, next_run_at=job.next_run_at, is_active=True)
    return bool(untouched.update(next_run_at=due))


def _runs(job: Job) -> bool:
    return bool(JobRun.objects.filter(job=job, state=JobRun.State.RUNNING).exists())


def _next_or_none(job: Job, after: datetime) -> datetime | None:
    try:
        return next_time(job, after)
    except UsageError as error:
        logger.warning("%s", error)
        return None


def _scheduled() -> QuerySet[Job]:
    jobs: QuerySet[Job] = Job.objects.filter(
        Q(interval_minutes__gt=0) | ~Q(cron=""),
        is_active=True,
        integration__is_active=True,
        tenant__is_active=True,
    )
    return jobs.select_related("tenant", "integration")


def refuse(job: Job) -> JobRun:
    """Start nothing: say that the job's integration is fed by imports and not by a live source."""
    raise UsageError(
        f"integration {job.integration.name!r} has no live source: "
        "load recordings with `manage.py import_raw`"
    )
