"""The sweeper mends what died: leases that ran out, hints that were lost, runs left hanging."""

import logging
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from jobs import isolation, relay, retries, runs, sessions
from jobs.control import stopping
from jobs.models import JobRun, QueueEntry, Stage
from jobs.queue import as_claimed, ensure_load_step, load_is_due, wake_relay
from tenants.scope import every_tenant
from warehouse.models.staging import StagedPage

logger = logging.getLogger(__name__)

EXPIRED_A_SWEEP: Final = 1000
_WHOLE_QUEUE = "the sweeper mends the queue of every tenant"


def sweep() -> None:
    """Do everything once; idempotent, and safe beside workers and other sweepers."""
    sessions.limit_silence()
    with every_tenant(_WHOLE_QUEUE):
        sweep_expired()
        stopping.cut_off()
        sweep_cancelled()
        sweep_staged()
        sweep_runs()
        sweep_hints()


def sweep_expired() -> int:
    """Queue again, or bury, the steps whose lease ran out; return how many."""
    now = timezone.now()
    expired = QueueEntry.objects.filter(state=QueueEntry.State.RUNNING, leased_until__lt=now)
    swept = 0
    for step in expired.order_by("leased_until")[:EXPIRED_A_SWEEP]:
        sessions.end_session(step)  # or the next line waits for what a frozen worker has locked
        swept += release(step, leased_until__lt=now)
    return swept


def release(step: QueueEntry, **still: object) -> bool:
    """Take a running step from its dead worker, if it is still as `still` says.

    Its last attempt is made in a process of its own (`jobs.isolation`): if the worker dies even
    then, the step is hardly to blame, so it gets as many attempts again.
    """
    held = as_claimed(step) | still
    most = settings.STEP_MAX_ATTEMPTS
    reason = (
        f"the worker {step.leased_by} stopped answering while it worked on this step; "
        f"that was attempt {step.attempts} of {most}"
    )
    on_behalf = {"trace": step.trace_id, "run": step.run_id, "step": step.pk}
    logger.warning("step %s (%s): %s", step.pk, step, reason, extra=on_behalf)
    if step.attempts >= (2 * most if isolation.is_wanted(step) else most):
        return retries.bury(step, held, reason)
    isolate = step.attempts >= most - 1
    return retries.put_back(step, held, reason, timezone.now(), isolate=isolate)


def sweep_cancelled() -> int:
    """Cancel queued steps that were made after their run was cancelled; return how many."""
    runs_ = JobRun.objects.filter(state=JobRun.State.RUNNING, cancel_requested=True)
    return sum(retries.cancel_queued(run_id) for run_id in runs_.values_list("pk", flat=True))


def sweep_staged() -> int:
    """Give staged pages without an open or dead load step a load step; return how many."""
    made = 0
    for run in JobRun.objects.filter(state=JobRun.State.RUNNING, cancel_requested=False):
        staged = StagedPage.objects.filter(run_id=run.pk)
        kept = QueueEntry.objects.filter(
            run=run, stage=Stage.LOAD, state__in=(*QueueEntry.OPEN, QueueEntry.State.DEAD)
        )
        orphaned = staged.exclude(stream__in=kept.values("stream"))
        for stream in set(orphaned.order_by().values_list("stream", flat=True).distinct()):
            logger.warning("run %s: staged pages of %s had no load step", run.pk, stream)
            ensure_load_step(run, run.integration_id, stream, load_is_due(run.pk, stream))
            made += 1
    return made


def sweep_runs() -> int:
    """Finish the runs in which nothing is open any more; return how many."""
    running = JobRun.objects.filter(state=JobRun.State.RUNNING).values_list("pk", flat=True)
    return sum(runs.finish_if_done(run_id) is not None for run_id in list(running))


def sweep_hints() -> int:
    """Have hints published again that the broker has lost; return how many.

    Only as many as the broker has fewer than were dispatched, so that a long backlog is not
    published twice.
    """
    long_ago = timezone.now() - timedelta(seconds=settings.STEP_REDISPATCH_SECONDS)
    dispatched = QueueEntry.objects.filter(
        state=QueueEntry.State.QUEUED, dispatched_at__isnull=False
    )
    if not dispatched.filter(dispatched_at__lt=long_ago).exists():
        return 0
    try:
        depths = relay.queue_depths()
    except DatabaseError:
        raise
    except Exception as error:
        logger.warning("the broker cannot be asked for its depths: %r", error)
        return 0
    lost = 0
    for stage in Stage:
        of_stage = dispatched.filter(stage=stage)
        missing = of_stage.count() - depths[stage]
        if missing > 0:
            stale = of_stage.filter(dispatched_at__lt=long_ago).order_by("dispatched_at", "id")
            lost += relay.forget_hints(list(stale.values_list("pk", flat=True)[:missing]))
    if lost:
        logger.warning("%s hints were lost and are published again", lost)
        wake_relay()
    return lost
