"""The progress of a run: all that is shown of it, computed from its rows and nothing else."""

import time
from typing import Final, Literal, TypedDict

from integrations.models import QuarantinedRecord
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


class RunProgress(TypedDict):
    """All that the run page shows. percent: of the steps known so far.

    seconds_left: None while extracting goes on (nobody knows what is to come) and at the end.
    waiting_until, waiting_for: when and why it goes on, if every open step is put off.
    trace_id: by which log lines and SQL of all processes tell that they are of this run.
    version: grows with every message; an older one is to be ignored.
    """

    type: Literal["progress"]
    version: float
    id: int
    trace_id: str
    state: str
    state_label: str
    is_finished: bool
    is_cancelling: bool
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
    percent: int
    seconds: float
    rate: float
    seconds_left: float | None
    waiting_until: str | None
    waiting_for: str
    log: list[LogLine]
    dead_steps: list[DeadStep]
    set_aside: list[SetAside]


def progress_of(run: JobRun) -> RunProgress:
    """Return the progress of a run, from its rows. Four queries, inside the tenant scope."""
    at = time.time()
    sums = summary(run)
    stages = sorted(sums["stages"], key=lambda row: (_STAGES.index(row["stage"]), row["stream"]))
    closed = sum(row["done"] + row["dead"] + row["cancelled"] + row["left_out"] for row in stages)
    known = closed + sums["open"]
    return {
        "type": "progress",
        "version": at,
        "id": run.pk,
        "trace_id": run.trace_id,
        "state": run.state,
        "state_label": run.get_state_display(),
        "is_finished": run.state != JobRun.State.RUNNING,
        "is_cancelling": run.cancel_requested and run.state == JobRun.State.RUNNING,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "error": run.error,
        "stages": stages,
        "open": sums["open"],
        "done": closed,
        "dead": sums["dead"],
        "records": sums["records"],
        "rows": sums["rows"],
        "skipped": sums["skipped"],
        "quarantined": sums["quarantined"],
        "percent": closed * 100 // known if known else 0,
        "seconds": round(sums["seconds"], 1),
        "rate": round(sums["rate"], 1),
        "seconds_left": _seconds_left(stages, sums["seconds"]),
        "waiting_until": sums["waiting_until"].isoformat() if sums["waiting_until"] else None,
        "waiting_for": sums["waiting_for"],
        "log": _log(run),
        "dead_steps": _dead_steps(run),
        "set_aside": _set_aside(run),
    }


def _seconds_left(stages: list[StageSummary], seconds: float) -> float | None:
    """Guess by the share of transform steps that are done, once all of them are known."""
    open_extracts = sum(
        row["queued"] + row["running"] for row in stages if row["stage"] == Stage.EXTRACT
    )
    transforms = [row for row in stages if row["stage"] == Stage.TRANSFORM]
    waiting = sum(row["queued"] + row["running"] for row in transforms)
    done = sum(row["done"] for row in transforms)
    if open_extracts or not waiting or not done:
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
