"""Runs paused, resumed, cancelled and retried: what a button, a command or a program asks for.

A paused or cancelled run gets no new claim from the moment on that this commits. What is under
way ends at its next batch, or is cut off some seconds later (`jobs.control.stopping`). Called in
the scope of the run's tenant; by: the name of who asks, for the run's log.
"""

from django.db import transaction
from django.utils import timezone

from common.errors import UsageError
from jobs import retries
from jobs.models import JobRun, QueueEntry
from jobs.queue import wake_relay
from jobs.runs import finish_if_done
from tenants.scope import tenant_scope


def pause(run: JobRun, by: str = "") -> int:
    """Let nothing more of a run be begun until it is resumed; return the steps still under way."""
    with tenant_scope(run.tenant_id), transaction.atomic():
        held = _held(run)
        if held.cancel_requested:
            raise UsageError(f"run {run.pk} is being cancelled, so it cannot be paused")
        if held.paused_at is not None:
            raise UsageError(f"run {run.pk} is paused already: resume it to go on")
        now = timezone.now()
        JobRun.objects.filter(pk=run.pk).update(paused_at=now, stop_asked_at=now)
        _take_hints_back(run)
        retries.log_line(run.tenant_id, run.pk, said("Paused", by))
        return _steps(run, QueueEntry.State.RUNNING)


def resume(run: JobRun, by: str = "") -> int:
    """Let a paused run go on; return how many of its steps wait."""
    with tenant_scope(run.tenant_id), transaction.atomic():
        if _held(run).paused_at is None:
            raise UsageError(f"run {run.pk} is not paused")
        JobRun.objects.filter(pk=run.pk).update(paused_at=None, stop_asked_at=None)
        _take_hints_back(run)
        retries.log_line(run.tenant_id, run.pk, said("Resumed", by))
        wake_relay()
        waiting = _steps(run, QueueEntry.State.QUEUED)
    finish_if_done(run.pk)
    return waiting


def cancel(run: JobRun, by: str = "") -> int:
    """Stop a run for good and keep what it has loaded; return how many steps are left out.

    Cancelling again does nothing, as the run ends anyway.
    """
    with tenant_scope(run.tenant_id), transaction.atomic():
        if _held(run).cancel_requested:
            return 0
        left = retries.cancel_run(run.pk)
        retries.log_line(run.tenant_id, run.pk, said("Cancelled", by))
    finish_if_done(run.pk)
    return left


def retry_failed(run: JobRun, by: str = "") -> int:
    """Queue every dead step of a run again, from where it stopped; return how many there were."""
    with tenant_scope(run.tenant_id), transaction.atomic():
        dead = QueueEntry.objects.filter(run_id=run.pk, state=QueueEntry.State.DEAD)
        retried = sum(retries.replay(step) for step in list(dead.order_by("id")))
        if not retried:
            raise UsageError(f"run {run.pk} has no dead step to retry")
        retries.log_line(run.tenant_id, run.pk, said(f"{retried} dead steps are retried", by))
    return retried


def said(what: str, by: str) -> str:
    """Return a line of the log that names who asked."""
    return f"{what} by {by}" if by else what


def _held(run: JobRun) -> JobRun:
    """Return the run's row, locked, as by `finish_if_done`; raise UsageError if it has ended."""
    held: JobRun = JobRun.objects.select_for_update(no_key=True).get(pk=run.pk)
    if held.state != JobRun.State.RUNNING:
        raise UsageError(f"run {run.pk} has ended already: {held.get_state_display().lower()}")
    return held


def _take_hints_back(run: JobRun) -> None:
    """Have the hints of queued steps published anew once they may be claimed: what became of
    those under way nobody knows."""
    queued = QueueEntry.objects.filter(run_id=run.pk, state=QueueEntry.State.QUEUED)
    queued.update(dispatched_at=None)


def _steps(run: JobRun, state: str) -> int:
    return QueueEntry.objects.filter(run_id=run.pk, state=state).count()
