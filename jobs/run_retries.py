"""What the schedule makes of the end of a run: after a failed one it tries again soon."""

import logging
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from common.errors import UsageError
from jobs.clock import database_now
from jobs.models import Job, JobRun
from jobs.planning import Plan, plan_of

logger = logging.getLogger(__name__)

TRIES: Final = 8
_LONGEST: Final = timedelta(days=366)
_GOOD: Final = (JobRun.State.COMPLETED, JobRun.State.COMPLETED_WITH_ERRORS)
_MODES: Final = (JobRun.Mode.INCREMENTAL, JobRun.Mode.FULL)


def after_run(run: JobRun, state: str, now: datetime | None = None) -> None:
    """Plan another try if a scheduled run has failed; drop one that a good run made needless.

    It is due after the job's retry time, doubled with every failure in a row, if that is before
    the next slot. To be called in the transaction that ends the run, when its state is written.
    """
    is_failed = state == JobRun.State.FAILED and run.trigger == JobRun.Trigger.SCHEDULE
    is_good = state in _GOOD and run.mode in _MODES
    if not (is_failed or is_good):
        return
    job = Job.objects.select_related("tenant").get(pk=run.job_id)
    slot, due = job.next_slot_at, job.next_run_at
    if not job.is_active or slot is None or due is None:
        return
    try:
        plan = plan_of(job)
    except UsageError as error:
        logger.warning("no run follows run %s: %s", run.pk, error)
        return
    is_to_try_again = due < slot
    if plan is None or is_good != is_to_try_again:
        return
    again = plan.when(slot) if is_good else _next_try(plan, now or database_now())
    if again is not None and (is_good or again < slot):
        # Unless it was moved on meanwhile, which is as good.
        untouched = Job.objects.filter(pk=job.pk, next_slot_at=slot, next_run_at=due)
        untouched.update(next_run_at=again)


def _next_try(plan: Plan, now: datetime) -> datetime | None:
    minutes = plan.job.retry_minutes
    failures = _failures_in_a_row(plan.job)
    if not minutes or not 0 < failures <= TRIES:
        return None
    wait = min(timedelta(minutes=minutes) * 2 ** (failures - 1), _LONGEST)
    return plan.blackouts.end_of(now + wait)


def _failures_in_a_row(job: Job) -> int:
    """Return how many scheduled runs have failed since one did not; cancelled ones are neither."""
    runs = JobRun.objects.filter(job=job, trigger=JobRun.Trigger.SCHEDULE)
    ended = runs.exclude(state__in=(JobRun.State.CANCELLED, JobRun.State.RUNNING))
    states = ended.order_by("-id").values_list("state", flat=True)[: TRIES + 1]
    return len(list(takewhile(lambda state: state == JobRun.State.FAILED, states)))
