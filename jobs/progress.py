"""The progress of a run: all that is shown of it, computed from its rows and nothing else."""

import time
from typing import Final, Literal, TypedDict

from django.db.models import Q, QuerySet
from django.utils import timezone

from integrations.models import Integration, QuarantinedRecord, RequestBudget
from integrations.own_budget import own_key
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from jobs.runs import StageSummary, summary

SHOWN_LINES: Final = 50
SHOWN_STEPS: Final = 20

_STAGES: Final = list(Stage.values)


class LogLine(TypedDict):
    """A line of the run's log. at: ISO 8601, as all instants here."""

    at: str
    level: str
    message: str


class DeadStep(TypedDict):
    """A step that was given up, with its reason."""

    id: int
    stage: str
    stream: str
    key: str
    attempts: int
    error: str


class SetAside(TypedDict):
    """A quarantined record or value."""

    id: int
    severity: str
    reason: str
    place: str
    detail: str


class RunFigures(TypedDict):
    """A run in figures. Counts of records, rows and steps done never fall.

    open, done, dead: steps; done: those that nothing more is to be done about.
    is_total_known: nothing further will be read, so that there are as many pages as there are.
    percent: of the pages, those that are done with; None while their total is not known; 99 until
    the last is loaded, too. seconds_left: a guess, None while it cannot be known and at the end.
    is_paused: nothing of it is begun; is_pausing: what was under way still ends.
    requests_left, budget_resets_at: what the source, or the limit that people set, allows until
    when, if that is scarce; else None.
    waiting_until, waiting_for: when and why it goes on, if every open step is put off.
    trace_id: by which log lines and SQL of all processes tell that they are of this run.
    version: grows with every message; an older one is to be ignored.
    """

    version: float
    id: int
    trace_id: str
    state: str
    state_label: str
    is_finished: bool
    is_cancelling: bool
    is_paused: bool
    is_pausing: bool
    started_at: str
    finished_at: str | None
    error: str
    stages: list[StageSummary]
    open: int
    done: int
    dead: int
    records: int
    rows: int
    skipped: int
    quarantined: int
    is_total_known: bool
    percent: int | None
    seconds: float
    rate: float
    seconds_left: float | None
    waiting_until: str | None
    waiting_for: str
    requests_left: int | None
    budget_resets_at: str | None


class RunProgress(RunFigures):
    """All that the run page shows: the last lines of its log, and what went wrong first."""

    type: Literal["progress"]
    log: list[LogLine]
    dead_steps: list[DeadStep]
    set_aside: list[SetAside]


def progress_of(run: JobRun) -> RunProgress:
    """Return the progress of a run, from its rows, inside the tenant scope."""
    return {
        "type": "progress",
        **figures_of(run),
        "log": _log(run),
        "dead_steps": _dead_steps(run),
        "set_aside": _set_aside(run),
    }


def figures_of(run: JobRun) -> RunFigures:
    """Return the figures of a run, from its steps, inside the tenant scope."""
    at = time.time()
    sums = summary(run)
    stages = sorted(sums["stages"], key=lambda row: (_STAGES.index(row["stage"]), row["stream"]))
    done = sum(row["done"] + row["cancelled"] + row["left_out"] for row in stages)
    is_known = _is_total_known(run, stages)
    is_paused = run.paused_at is not None and run.state == JobRun.State.RUNNING
    budget = _budget(run)
    return {
        "version": at,
        "id": run.pk,
        "trace_id": run.trace_id,
        "state": run.state,
        "state_label": run.get_state_display(),
        "is_finished": run.state != JobRun.State.RUNNING,
        "is_cancelling": run.cancel_requested and run.state == JobRun.State.RUNNING,
        "is_paused": is_paused,
        "is_pausing": is_paused and any(row["running"] for row in stages),
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "error": run.error,
        "stages": stages,
        "open": sums["open"],
        "done": done,
        "dead": sums["dead"],
        "records": sums["records"],
        "rows": sums["rows"],
        "skipped": sums["skipped"],
        "quarantined": sums["quarantined"],
        "is_total_known": is_known,
        "percent": _percent(run, stages) if is_known else None,
        "seconds": round(sums["seconds"], 1),
        "rate": round(sums["rate"], 1),
        "seconds_left": _seconds_left(stages, sums["seconds"]) if is_known else None,
        "waiting_until": sums["waiting_until"].isoformat() if sums["waiting_until"] else None,
        "waiting_for": sums["waiting_for"],
        "requests_left": budget.remaining if budget else None,
        "budget_resets_at": budget.resets_at.isoformat() if budget and budget.resets_at else None,
    }


def _is_total_known(run: JobRun, stages: list[StageSummary]) -> bool:
    """Whether all pages of a run are there: no step reads, and no phase will begin."""
    if run.state != JobRun.State.RUNNING:
        return True
    phases = run.params.get("phases", [])
    if phases and run.params.get("phase") != phases[-1]:
        return False
    reading = (row for row in stages if row["stage"] == Stage.EXTRACT)
    return bool(stages) and not any(row["queued"] + row["running"] for row in reading)


def _percent(run: JobRun, stages: list[StageSummary]) -> int:
    """Return the share of pages that are transformed: loading makes its steps as it goes on."""
    if run.state != JobRun.State.RUNNING:
        return 100
    pages = [row for row in stages if row["stage"] == Stage.TRANSFORM]
    total = sum(
        row["queued"] + row["running"] + row["done"] + row["dead"] + row["left_out"]
        for row in pages
    )
    done = sum(row["done"] + row["left_out"] for row in pages)
    return min(99, 100 * done // total) if total else 99


def _budget(run: JobRun) -> RequestBudget | None:
    """Return the scarcest of the budgets by which a run that goes on asks its source."""
    if run.state != JobRun.State.RUNNING:
        return None
    rows = RequestBudget.objects.filter(
        Q(key=own_key(run.integration_id)) | Q(key__in=_key_of(run)),
        resets_at__gt=timezone.now(),
        remaining__isnull=False,
    )
    return rows.order_by("remaining").first()


def _key_of(run: JobRun) -> "QuerySet[Integration, str]":
    keyed = Integration.objects.filter(pk=run.integration_id).exclude(budget_key="")
    return keyed.values_list("budget_key", flat=True)


def _seconds_left(stages: list[StageSummary], seconds: float) -> float | None:
    """Guess by the share of transform steps that are done."""
    transforms = [row for row in stages if row["stage"] == Stage.TRANSFORM]
    waiting = sum(row["queued"] + row["running"] for row in transforms)
    done = sum(row["done"] for row in transforms)
    if not waiting or not done:
        return None
    return round(seconds / done * waiting, 1)


def _log(run: JobRun) -> list[LogLine]:
    newest = RunLog.objects.filter(run=run).order_by("-id")[:SHOWN_LINES]
    return [
        {"at": line.created_at.isoformat(), "level": line.level, "message": line.message[:2000]}
        for line in reversed(newest)
    ]


def _dead_steps(run: JobRun) -> list[DeadStep]:
    dead = QueueEntry.objects.filter(run=run, state=QueueEntry.State.DEAD).order_by("id")
    return [
        {
            "id": step.pk,
            "stage": step.stage,
            "stream": step.stream,
            "key": step.key,
            "attempts": step.attempts,
            "error": step.error[:2000],
        }
        for step in dead[:SHOWN_STEPS]
    ]


def _set_aside(run: JobRun) -> list[SetAside]:
    rows = QuarantinedRecord.objects.filter(tenant_id=run.tenant_id, run_id=run.pk)
    return [
        {
            "id": row.pk,
            "severity": row.severity,
            "reason": row.reason,
            "place": row.place[:300],
            "detail": row.detail[:500],
        }
        for row in rows.order_by("id")[:SHOWN_STEPS]
    ]
