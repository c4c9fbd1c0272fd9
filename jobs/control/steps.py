"""Steps skipped, discarded and replayed, one or many.

What is left out is closed like what is done, but nothing stands on it: the checkpoint of its part
stays, so that the next run reads the part again; raw pages stay, so that a re-transform brings
back what they hold. by: the name of who asks.
"""

from typing import Final

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from common.errors import UsageError
from jobs import retries
from jobs.control.runs import said
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from jobs.runs import finish_if_done
from tenants.scope import tenant_scope
from warehouse.models.staging import StagedPage

LONGEST_REASON: Final = 500


def skip(step: QueueEntry, reason: str, by: str = "") -> None:
    """Leave out a step that waits. Raises UsageError for another one, or without a reason."""
    _leave_out(step, QueueEntry.State.QUEUED, "skipped", reason, by)


def discard(step: QueueEntry, reason: str, by: str = "") -> None:
    """Give a dead step up for good. Raises UsageError for another one, or without a reason."""
    _leave_out(step, QueueEntry.State.DEAD, "discarded", reason, by)


def replay(step: QueueEntry, by: str = "") -> None:
    """Queue a dead step again, with its attempts counted anew; its run goes on."""
    with tenant_scope(step.tenant_id), transaction.atomic():
        if not retries.replay(step):
            raise UsageError(f"step {step.pk} is not dead, so there is nothing to replay")
        told = said(f"{step.stage} step {step.key!r} is replayed", by)
        retries.log_line(step.tenant_id, step.run_id, told)


def replay_all(steps: QuerySet[QueueEntry], by: str = "") -> int:
    """Replay the dead ones of these steps, all or none; return how many there were."""
    with transaction.atomic():
        dead = list(steps.filter(state=QueueEntry.State.DEAD).order_by("id"))
        for step in dead:
            replay(step, by)
    return len(dead)


def discard_all(steps: QuerySet[QueueEntry], reason: str, by: str = "") -> int:
    """Discard the dead ones of these steps, all or none; return how many there were."""
    with transaction.atomic():
        dead = list(steps.filter(state=QueueEntry.State.DEAD).order_by("id"))
        for step in dead:
            discard(step, reason, by)
    return len(dead)


def _leave_out(step: QueueEntry, state: str, done: str, reason: str, by: str) -> None:
    reason = " ".join(reason.split())[:LONGEST_REASON]
    if not reason:
        raise UsageError(f"say why step {step.pk} is {done}: the reason is kept with it")
    with tenant_scope(step.tenant_id), transaction.atomic():
        # The run's row first, as by `retries.replay` and `runs.finish_if_done`.
        run = JobRun.objects.select_for_update(no_key=True).get(pk=step.run_id)
        if run.mode == JobRun.Mode.REMAP:
            raise UsageError(
                "a change of mappings takes effect as a whole or not at all, so no step of it "
                "can be left out: cancel its run instead"
            )
        told = f"{said(done, by)}: {reason}"
        left = QueueEntry.objects.filter(pk=step.pk, state=state).update(
            state=QueueEntry.State.LEFT_OUT,
            finished_at=timezone.now(),
            leased_until=None,
            error=f"{told}\n{step.error}" if step.error else told,
        )
        if not left:
            now = QueueEntry.objects.get(pk=step.pk).get_state_display().lower()
            raise UsageError(f"step {step.pk} cannot be {done}: it is {now}")
        if step.stage == Stage.LOAD:
            _throw_pages_away(step)
        line = f"{step.stage} step {step.key!r} is {told}"
        retries.log_line(step.tenant_id, step.run_id, line, RunLog.Level.WARNING)
    transaction.on_commit(lambda: _see_to_the_end(step.run_id))


def _throw_pages_away(step: QueueEntry) -> None:
    """Delete what a load that is left out would have loaded, and nothing that another one will.

    What a load under way has in hand is locked by it; what a queued one of the stream gathers,
    it gathers also of what a dead one left behind.
    """
    loads = QueueEntry.objects.filter(run_id=step.run_id, stream=step.stream, stage=Stage.LOAD)
    if loads.filter(state=QueueEntry.State.QUEUED).exists():
        return
    pages = StagedPage.objects.filter(run_id=step.run_id, stream=step.stream)
    if connection.features.has_select_for_update_skip_locked:
        free = pages.select_for_update(skip_locked=True).values_list("pk", flat=True)
        pages = pages.filter(pk__in=list(free))
    pages.delete()


def _see_to_the_end(run_id: int) -> None:
    finish_if_done(run_id)
