"""Runs: started, summed up, and finished exactly when no step of them is open."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict

from django.db import connection, transaction
from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from common.tracing import bind, current_trace, new_trace
from integrations.models import Integration, QuarantinedRecord
from jobs import checkpoints, phases, remap_steps, retries
from jobs.models import Job, JobRun, QueueEntry, RunLog, Stage
from jobs.run_notices import tell_end
from jobs.run_retries import after_run
from tenants.scope import every_tenant
from warehouse.models.staging import StagedPage

logger = logging.getLogger(__name__)

_SHORT_WAIT: Final = timedelta(seconds=2)
_WHOLE_QUEUE = "a run is finished by whoever ended its last step"


def start(
    integration: Integration,
    trigger: JobRun.Trigger,
    mode: JobRun.Mode,
    params: Mapping[str, Any] | None = None,
) -> JobRun:
    """Make a run of an integration, and its job if it has none; return the run.

    It keeps the trace that is bound here, or a new one, and its steps have that, too.

    Enqueue its first step in the same transaction: a run without a step never finishes.
    """
    with transaction.atomic():
        job, _ = Job.objects.get_or_create(
            integration=integration, defaults={"tenant_id": integration.tenant_id}
        )
        run: JobRun = JobRun.objects.create(
            tenant_id=integration.tenant_id,
            job=job,
            integration=integration,
            trigger=trigger,
            mode=mode,
            params=dict(params or {}),
            trace_id=current_trace() or new_trace(),
        )
        retries.log_line(run.tenant_id, run.pk, f"{run.get_mode_display()} started")
        with bind(run.trace_id, tenant=run.tenant_id, run=run.pk):
            logger.info("%s of %s started", run.get_mode_display(), integration)
    return run


def finish_if_done(run_id: int) -> str | None:
    """Finish a running run that has nothing open; return its new state, or None.

    A live run goes on with its next phase instead, until it has none. Called after the commit of
    each step and again by the sweeper, so that neither two last steps that see each other open
    nor a worker that dies after its commit leave a run hanging.
    """
    if _goes_on(run_id):
        return None
    with every_tenant(_WHOLE_QUEUE):
        if not _done().filter(pk=run_id).exists():
            return None
        with transaction.atomic():
            # Locked before it is looked at again: `retries.replay` locks it too.
            run = JobRun.objects.select_for_update(no_key=True).get(pk=run_id)
            if not _done().filter(pk=run_id).exists() or phases.go_on(run):
                return None
            return _finish(run)


_OPEN = """
SELECT r.cancel_requested,
    EXISTS (SELECT 1 FROM etl_job_queue q WHERE q.run_id = r.id AND q.state = 'queued'),
    EXISTS (SELECT 1 FROM etl_job_queue q WHERE q.run_id = r.id AND q.state = 'running')
FROM etl_job_runs r WHERE r.id = %s AND r.state = 'running'
"""


def _goes_on(run_id: int) -> bool:
    """Say cheaply, for it is asked after every step, whether a run has more to do or is over."""
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, (run_id,))
        row = cursor.fetchone()
    if row is None:
        return True
    cancelled, queued, running = row
    return bool(running or (queued and not cancelled))


def _done() -> QuerySet[JobRun]:
    """Running runs that have steps, none of them open, and no staged page that will be loaded."""
    steps = QueueEntry.objects.filter(run_id=OuterRef("pk"))
    open_steps = steps.filter(state__in=QueueEntry.OPEN)
    dead_loads = QueueEntry.objects.filter(
        run_id=OuterRef("run_id"),
        stream=OuterRef("stream"),
        stage=Stage.LOAD,
        state=QueueEntry.State.DEAD,
    )
    # Pages that a dead load step left behind wait for its replay, the run does not.
    waiting = StagedPage.objects.filter(~Exists(dead_loads), run_id=OuterRef("pk"))
    stopped = ~Exists(steps.filter(state=QueueEntry.State.RUNNING))
    done = Exists(steps) & ~Exists(open_steps) & ~Exists(waiting)
    running: QuerySet[JobRun] = JobRun.objects.filter(state=JobRun.State.RUNNING)
    return running.filter(done | (Q(cancel_requested=True) & stopped))


def _finish(run: JobRun) -> str:
    if run.cancel_requested:
        retries.cancel_queued(run.pk)
        StagedPage.objects.filter(run_id=run.pk).delete()
        checkpoints.forget_pending(run)
    state, error = _outcome(run)
    run.state, run.error, run.finished_at = state, error, timezone.now()
    JobRun.objects.filter(pk=run.pk, state=JobRun.State.RUNNING).update(
        state=state, error=error, finished_at=run.finished_at, paused_at=None, stop_asked_at=None
    )
    if run.mode in phases.LIVE_MODES and state != JobRun.State.CANCELLED:
        _note_health(run, state, error)
    if run.mode == JobRun.Mode.REMAP:
        remap_steps.ended(run, state)
    after_run(run, state)
    tell_end(run)
    level = {
        JobRun.State.FAILED: RunLog.Level.ERROR,
        JobRun.State.COMPLETED_WITH_ERRORS: RunLog.Level.WARNING,
    }.get(state, RunLog.Level.INFO)
    retries.log_line(run.tenant_id, run.pk, f"{run.get_mode_display()}: {state.label}", level)
    with bind(run.trace_id, tenant=run.tenant_id, run=run.pk):
        logger.info("%s ended: %s", run.get_mode_display(), state.label)
    return state.value


def _note_health(run: JobRun, state: JobRun.State, error: str) -> None:
    """Keep with the integration whether its source gave what was asked, and if not, why."""
    is_healthy = state != JobRun.State.FAILED
    message = error.partition("\n")[0].partition(": ")[2]
    Integration.objects.filter(pk=run.integration_id).update(
        is_healthy=is_healthy,
        health_message="" if is_healthy else message,
        health_checked_at=timezone.now(),
    )


def _outcome(run: JobRun) -> tuple[JobRun.State, str]:
    """Return the state of a run in which nothing is open, and the reason if it failed."""
    if run.cancel_requested:
        return JobRun.State.CANCELLED, ""
    dead = QueueEntry.objects.filter(run=run, state=QueueEntry.State.DEAD).order_by("id")
    first = dead.first()
    if first is None:
        if told := _left_out(run):
            return JobRun.State.COMPLETED_WITH_ERRORS, told
        set_aside = QuarantinedRecord.objects.filter(
            run_id=run.pk,
            severity__in=(QuarantinedRecord.Severity.RECORD, QuarantinedRecord.Severity.VALUE),
        )
        if set_aside.exists():
            return JobRun.State.COMPLETED_WITH_ERRORS, ""
        return JobRun.State.COMPLETED, ""
    if run.mode == JobRun.Mode.REMAP:
        return JobRun.State.FAILED, _reason(first)
    # A dead extract step with something set aside has kept a page that cannot be read.
    fatal = dead.filter(stage=Stage.EXTRACT, quarantined_count=0).first()
    fatal = fatal or _first_of_lost_stream(run, dead)
    if fatal is not None:
        return JobRun.State.FAILED, _reason(fatal)
    return JobRun.State.COMPLETED_WITH_ERRORS, _reason(first)


def _left_out(run: JobRun) -> str:
    """Return what of a run was left out by a person, or when it was cancelled before; or ""."""
    steps = QueueEntry.objects.filter(run=run).order_by("id")
    step = steps.filter(state=QueueEntry.State.LEFT_OUT).first()
    if step is not None:
        return f"{step.stage} {step.stream}: {step.error.partition(chr(10))[0]}"
    cancelled = steps.filter(state=QueueEntry.State.CANCELLED).exclude(stage=Stage.LOAD).count()
    if not cancelled:
        return ""
    return f"{cancelled} steps were cancelled before it went on: the next run makes up for them"


def _reason(step: QueueEntry) -> str:
    """Return which step is dead and why; of an error that was raised on purpose its message, and
    of another one its type and traceback, too."""
    is_traced = '\n  File "' in step.error
    message = step.error if is_traced else step.error.partition(": ")[2]
    return f"{step.stage} {step.stream}: {message or step.error}"


def _first_of_lost_stream(run: JobRun, dead: QuerySet[QueueEntry]) -> QueueEntry | None:
    """Return the first dead step of a stream of which nothing was loaded, or nothing even read."""
    done = QueueEntry.objects.filter(run=run, state=QueueEntry.State.DONE)
    loaded = done.filter(stage=Stage.LOAD).values("stream")
    read = done.filter(stage__in=(Stage.TRANSFORM, Stage.LOAD)).values("stream")
    lost_load = Q(stage=Stage.LOAD) & ~Q(stream__in=loaded)
    return dead.filter(lost_load | ~Q(stream__in=read)).first()


class StageSummary(TypedDict):
    """Counts of one stage of one stream: steps by state, and what the done ones did."""

    stage: str
    stream: str
    queued: int
    running: int
    done: int
    dead: int
    cancelled: int
    left_out: int
    records: int
    rows: int
    skipped: int
    quarantined: int


class RunSummary(TypedDict):
    """A run in numbers. seconds: of run time so far. rate: records transformed a second.

    waiting_until: when the first of its steps is due, if none is due before; waiting_for: why.
    """

    state: str
    stages: list[StageSummary]
    open: int
    dead: int
    records: int
    rows: int
    skipped: int
    quarantined: int
    seconds: float
    rate: float
    waiting_until: datetime | None
    waiting_for: str


def summary(run: JobRun) -> RunSummary:
    """Sum up a run with one aggregate query over its steps.

    records counts those of the transform steps and rows those of the load steps, so
    that nothing is counted once a stage.
    """
    by_stage = _by_stage(run)
    stages = [_stage_summary(row) for row in by_stage]
    seconds = ((run.finished_at or timezone.now()) - run.started_at).total_seconds()
    records = sum(row["records"] for row in stages if row["stage"] == Stage.TRANSFORM)
    loads = [row for row in stages if row["stage"] == Stage.LOAD]
    waiting_until = _waiting_until(run, by_stage)
    return {
        "state": run.state,
        "stages": stages,
        "open": sum(row["queued"] + row["running"] for row in stages),
        "dead": sum(row["dead"] for row in stages),
        "records": records,
        "rows": sum(row["rows"] for row in loads),
        "skipped": sum(row["skipped"] for row in stages),
        "quarantined": sum(row["quarantined"] for row in stages),
        "seconds": seconds,
        "rate": records / seconds if seconds > 0 else 0.0,
        "waiting_until": waiting_until,
        "waiting_for": _waiting_for(run) if waiting_until else "",
    }


def _waiting_until(run: JobRun, by_stage: list[dict[str, Any]]) -> datetime | None:
    """Return when the run goes on, if all of its open steps are put off."""
    due = [row["next_at"] for row in by_stage if row["next_at"] is not None]
    if not due or run.paused_at is not None or any(row["running"] for row in by_stage):
        return None
    first: datetime = min(due)
    return first if first > timezone.now() + _SHORT_WAIT else None


def _waiting_for(run: JobRun) -> str:
    """Return why the step that is due first was put off."""
    queued = QueueEntry.objects.filter(run=run, state=QueueEntry.State.QUEUED)
    error = queued.order_by("run_at").values_list("error", flat=True).first() or ""
    reason = error.partition("\n")[0].partition(": ")[2]
    # A held budget says until when itself, which is told already.
    return reason.partition(" UTC: ")[2] if reason.startswith("waiting until ") else reason


def _by_stage(run: JobRun) -> list[dict[str, Any]]:
    states = {state: Count("pk", filter=Q(state=state)) for state in QueueEntry.State.values}
    totals = {
        name: Sum(f"{column}_count")
        for name, column in (
            ("records", "record"),
            ("rows", "row"),
            ("skipped", "skipped"),
            ("quarantined", "quarantined"),
        )
    }
    steps = QueueEntry.objects.filter(run=run).values("stage", "stream").order_by("stage", "stream")
    next_at = Min("run_at", filter=Q(state=QueueEntry.State.QUEUED))
    return list(steps.annotate(**states, **totals, next_at=next_at))


def _stage_summary(row: dict[str, Any]) -> StageSummary:
    return {
        "stage": row["stage"],
        "stream": row["stream"],
        "queued": row["queued"],
        "running": row["running"],
        "done": row["done"],
        "dead": row["dead"],
        "cancelled": row["cancelled"],
        "left_out": row["left_out"],
        "records": row["records"],
        "rows": row["rows"],
        "skipped": row["skipped"],
        "quarantined": row["quarantined"],
    }
