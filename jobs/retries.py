"""What becomes of a step that was not completed: put back, buried, replayed, cancelled."""

import random
import traceback
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from common.errors import PermanentError, PipelineError, TransientError, UsageError, WaitError
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from jobs.queue import WHOLE_QUEUE, as_claimed, wake_relay
from tenants.scope import every_tenant

LONGEST_WAIT_SECONDS: Final = 3600.0
TRACEBACK_LINES: Final = 12
LONGEST_REASON: Final = 8000


def fail(step: QueueEntry, error: BaseException) -> str:
    """Put a claimed step back for later, or set it aside as dead; return its new state.

    PermanentError is dead at once; WaitError is no attempt; everything else is tried again until
    the attempts are used up. A step that is no longer held is left alone, and its present state
    returned.
    """
    reason = describe(error)
    if isinstance(error, WaitError):
        _postpone(step, error)
    elif isinstance(error, PermanentError) or step.attempts >= _most_attempts(step, error):
        bury(step, as_claimed(step), reason)
    else:
        put_back(step, as_claimed(step), reason, timezone.now() + _wait(step.attempts, error))
    with every_tenant(WHOLE_QUEUE):
        state: str = QueueEntry.objects.values_list("state", flat=True).get(pk=step.pk)
    return state


def _most_attempts(step: QueueEntry, error: BaseException) -> int:
    """Return how often a step is tried: a source that does not answer gets more patience."""
    is_source = step.stage == Stage.EXTRACT and isinstance(error, TransientError)
    most: int = settings.FETCH_MAX_ATTEMPTS if is_source else settings.STEP_MAX_ATTEMPTS
    return most


def _postpone(step: QueueEntry, error: WaitError) -> None:
    """Put a step off until the source may be asked again, and give its attempt back.

    Without chance: all that wait for one moment are due together, so that the tenants' turns and
    not luck decide who asks first.
    """
    with every_tenant(WHOLE_QUEUE), transaction.atomic():
        held = as_claimed(step)
        QueueEntry.objects.filter(**held).update(attempts=step.attempts - 1)
        seconds = min(max(0.0, error.retry_after_seconds or 0.0), LONGEST_WAIT_SECONDS)
        run_at = timezone.now() + timedelta(seconds=seconds)
        put_back(step, held, f"{type(error).__name__}: {error}", run_at)


def give_back(step_id: int, fence: int, worker: str, reason: str = "") -> bool:
    """Queue a step again that its worker has to leave; that is no attempt.

    reason: why, if it is not that the worker stops.
    """
    held = {"pk": step_id, "fence": fence, "leased_by": worker}
    held["state"] = QueueEntry.State.RUNNING
    reason = reason or f"the worker {worker} was stopped while it worked on this step"
    with every_tenant(WHOLE_QUEUE), transaction.atomic():
        step = QueueEntry.objects.filter(**held).first()
        if step is None:
            return False
        step.attempts = max(0, step.attempts - 1)
        QueueEntry.objects.filter(**held).update(attempts=step.attempts)
        return put_back(step, held, reason, timezone.now())


def leave_out(step: QueueEntry, record: int, reason: str) -> bool:
    """Queue a claimed transform step again, to read its page but for one more deadly record.

    That is no attempt: a page with several of them is read once for each. Returns False if the
    record had been left out already, or the step is no longer held.
    """
    deadly = step.params.get("deadly", [])
    if step.stage != Stage.TRANSFORM or record in deadly:
        return False
    with every_tenant(WHOLE_QUEUE), transaction.atomic():
        held = QueueEntry.objects.filter(**as_claimed(step))
        params = {**step.params, "deadly": [*deadly, record]}
        held.update(params=params, attempts=step.attempts - 1)
        return put_back(step, as_claimed(step), reason, timezone.now())


def describe(error: BaseException) -> str:
    """Return `Type: message`, in storable characters; of an error that was not raised on purpose
    the last lines of the traceback, too."""
    lines: list[str] = []
    if not isinstance(error, PipelineError):
        lines = "".join(traceback.format_tb(error.__traceback__)).splitlines()[-TRACEBACK_LINES:]
    text = "\n".join([f"{type(error).__name__}: {error}"[: LONGEST_REASON // 2], *lines])
    text = text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")
    return text[:LONGEST_REASON]


def _wait(attempts: int, error: BaseException) -> timedelta:
    seconds = settings.STEP_BACKOFF_SECONDS * 2 ** (attempts - 1) * random.uniform(0.5, 1.5)  # noqa: S311
    if isinstance(error, TransientError) and error.retry_after_seconds is not None:
        seconds = max(0.0, error.retry_after_seconds) + random.uniform(0, 1)  # noqa: S311
    return timedelta(seconds=min(seconds, LONGEST_WAIT_SECONDS))


def bury(step: QueueEntry, held: Mapping[str, Any], reason: str) -> bool:
    """Set a step aside as dead if it is still as `held` says; say so in the run's log."""
    with every_tenant(WHOLE_QUEUE), transaction.atomic():
        dead = QueueEntry.objects.filter(**held).update(
            state=QueueEntry.State.DEAD,
            finished_at=timezone.now(),
            leased_until=None,
            error=reason,
        )
        if dead:
            log_line(
                step.tenant_id,
                step.run_id,
                f"{step.stage} step {step.key!r} is dead in attempt {step.attempts}: "
                f"{reason.splitlines()[0]}",
                RunLog.Level.ERROR,
            )
    return bool(dead)


def put_back(
    step: QueueEntry,
    held: Mapping[str, Any],
    reason: str,
    run_at: datetime,
    *,
    isolate: bool = False,
) -> bool:
    """Queue a step again if it is still as `held` says; isolate: to be worked alone next time.

    When its stream has another load step queued, that one takes over its pages and attempts.
    """
    queued: dict[str, Any] = {
        "state": QueueEntry.State.QUEUED,
        "run_at": run_at,
        "dispatched_at": None,
        "leased_until": None,
        "finished_at": None,
        "error": reason,
    }
    if isolate:
        queued["needs_isolation"] = True
    while True:
        try:
            with every_tenant(WHOLE_QUEUE), transaction.atomic():
                moved = QueueEntry.objects.filter(**held).update(**queued)
                wake_relay()
                return bool(moved)
        except IntegrityError:
            if step.stage != Stage.LOAD:
                raise
        absorbed = _absorb(step, held, reason, isolate)
        if absorbed is not None:
            return absorbed


def _absorb(step: QueueEntry, held: Mapping[str, Any], reason: str, isolate: bool) -> bool | None:
    """Leave the pages of a load step to the queued one; None if none is queued any more."""
    with every_tenant(WHOLE_QUEUE), transaction.atomic():
        queued = QueueEntry.objects.select_for_update(no_key=True).filter(
            run_id=step.run_id,
            stream=step.stream,
            stage=Stage.LOAD,
            state=QueueEntry.State.QUEUED,
        )
        heir = queued.first()
        if heir is None:
            return None
        moved = QueueEntry.objects.filter(**held).update(
            state=QueueEntry.State.CANCELLED,
            finished_at=timezone.now(),
            leased_until=None,
            error=f"its pages are left to step {heir.key!r}; it had failed:\n{reason}",
        )
        if moved and held["state"] == QueueEntry.State.RUNNING:
            attempts = max(heir.attempts, min(step.attempts, settings.STEP_MAX_ATTEMPTS - 1))
            isolate = isolate or heir.needs_isolation
            queued.filter(pk=heir.pk).update(attempts=attempts, needs_isolation=isolate)
        return bool(moved)


def cancel_run(run_id: int) -> int:
    """Ask a run to stop: cancel its queued steps, let the running ones end; return how many."""
    with every_tenant(WHOLE_QUEUE), transaction.atomic():
        running = JobRun.objects.filter(pk=run_id, state=JobRun.State.RUNNING)
        stop = {"stop_asked_at": timezone.now(), "paused_at": None}
        if not running.update(cancel_requested=True, **stop):
            return 0
        return cancel_queued(run_id)


def cancel_queued(run_id: int) -> int:
    """Cancel the queued steps of a run; return how many there were."""
    with every_tenant(WHOLE_QUEUE):
        queued = QueueEntry.objects.filter(run_id=run_id, state=QueueEntry.State.QUEUED)
        return queued.update(state=QueueEntry.State.CANCELLED, finished_at=timezone.now())


def cancel_step(held: Mapping[str, Any]) -> bool:
    """Cancel a running step if it is still as `held` says."""
    with every_tenant(WHOLE_QUEUE):
        return bool(
            QueueEntry.objects.filter(**held).update(
                state=QueueEntry.State.CANCELLED, finished_at=timezone.now(), leased_until=None
            )
        )


def replay(step: QueueEntry) -> bool:
    """Queue a dead step again with its attempts back at 0; its run runs again.

    Returns False when the step is not dead any more. Raises UsageError while another run of the
    integration fetches from its source, and while its own is being cancelled.
    """
    try:
        return _replay(step)
    except IntegrityError:
        raise UsageError(
            f"step {step.pk} cannot be tried again while another run of its integration goes on: "
            "wait for that run, or cancel it"
        ) from None


def _replay(step: QueueEntry) -> bool:
    held = {"pk": step.pk, "state": QueueEntry.State.DEAD}
    with every_tenant(WHOLE_QUEUE), transaction.atomic():
        # The run's row is locked first, as by `runs.finish_if_done`, so that neither misses
        # what the other does.
        run = JobRun.objects.select_for_update(no_key=True).get(pk=step.run_id)
        if run.cancel_requested and run.state == JobRun.State.RUNNING:
            raise UsageError(f"run {run.pk} is being cancelled: wait until it has ended")
        if not put_back(step, held, step.error, timezone.now()):
            return False
        QueueEntry.objects.filter(pk=step.pk).update(attempts=0)
        run.state, run.finished_at, run.error = JobRun.State.RUNNING, None, ""
        run.cancel_requested = False
        run.stop_asked_at = None if run.paused_at is None else run.stop_asked_at
        run.save(
            update_fields=("state", "finished_at", "error", "cancel_requested", "stop_asked_at")
        )
        log_line(run.tenant_id, run.pk, f"{step.stage} step {step.key!r} is tried again")
    return True


def log_line(
    tenant_id: int, run_id: int, message: str, level: RunLog.Level = RunLog.Level.INFO
) -> None:
    """Add a line to a run's log."""
    RunLog.objects.create(tenant_id=tenant_id, run_id=run_id, message=message, level=level)
