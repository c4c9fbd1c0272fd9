"""Live progress: one publisher, one message, to the group of one run.

The scheduler calls `publish_due` about every 100 ms. It reads the truth (the rows), never the
pipeline's transactions, and a message that gets lost costs nothing: each holds all there is to
show, and a page that reconnects gets the same by `progress_of`.
"""

import asyncio
import logging
import threading
import time
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypedDict

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Max, Q
from django.utils import timezone

from integrations.models import QuarantinedRecord
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from jobs.runs import StageSummary, summary
from tenants.scope import every_tenant

logger = logging.getLogger(__name__)

EVENT_SECONDS: Final = 0.25
"""No run is published more often than this, by however many publishers."""
SEND_SECONDS: Final = 0.2
ANNOUNCED: Final = timedelta(seconds=1)
"""How far `progress_at` lies behind `finished_at`, at least, once the end was published: an event
of the run that is written while it finishes must not pass for that of its end."""
COST_SHARE: Final = 10
"""A run whose summary takes t seconds is summed up again after this many times t at the soonest."""
BUSY_SECONDS: Final = 0.1
IDLE_SECONDS: Final = 0.5
QUIET_ROUNDS: Final = 20
FINISHED_LOOKBACK: Final = 200
SHOWN_LINES: Final = 50
SHOWN_STEPS: Final = 20

_STAGES: Final = list(Stage.values)
_REASON: Final = "progress of whichever runs are active"


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


def group_of(run_id: int) -> str:
    """Return the name of the channel group that watches a run."""
    return f"run.{run_id}"


def progress_of(run: JobRun) -> RunProgress:
    """Return the progress of a run, from its rows. Four queries, inside the tenant scope."""
    at = time.time()
    sums = summary(run)
    stages = sorted(sums["stages"], key=lambda row: (_STAGES.index(row["stage"]), row["stream"]))
    closed = sum(row["done"] + row["dead"] + row["cancelled"] for row in stages)
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


class Publisher:
    """Sends the progress of active runs; keeps what it sent, so that it sends only changes."""

    def __init__(self) -> None:
        self._server_loop: asyncio.AbstractEventLoop | None = None
        self._own_loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._sent: dict[int, dict[str, Any]] = {}
        self._due: dict[int, float] = {}
        self._sending: dict[int, Future[None]] = {}
        self._is_failing = False

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop that serves sockets in this process.

        The in-memory layer is made of that loop's queues: a put from another does not wake it.
        """
        self._server_loop = loop

    def publish_due(self) -> int:
        """Publish the runs that changed, the finished ones once more; return how many."""
        try:
            with every_tenant(_REASON):
                return sum(self._publish(run) for run in self._candidates())
        except (DatabaseError, InterfaceError) as error:
            self._failed(error)
            connection.close()
            return 0

    def _candidates(self) -> list[JobRun]:
        if self._loop() is None:
            return []
        newest = JobRun.objects.aggregate(newest=Max("pk"))["newest"]
        if newest is None:
            return []
        recent = Q(pk__in=list(self._sent)) | Q(pk__gt=newest - FINISHED_LOOKBACK)
        ended = Q(finished_at__gt=timezone.now() - timedelta(minutes=1)) & recent
        runs = JobRun.objects.filter(Q(state=JobRun.State.RUNNING) | ended)[:500]
        return [run for run in runs if not _is_announced(run)]

    def _publish(self, run: JobRun) -> bool:
        is_finished = run.state != JobRun.State.RUNNING
        sending = self._sending.get(run.pk)
        started = time.monotonic()
        if not is_finished and (
            started < self._due.get(run.pk, 0) or (sending and not sending.done())
        ):
            return False
        progress = progress_of(run)
        cost = time.monotonic() - started
        self._due[run.pk] = started + max(EVENT_SECONDS, COST_SHARE * cost)
        if not is_finished and _news(progress) == self._sent.get(run.pk):
            return False
        if not _wins(run, timezone.now()):
            return False
        self._send(run.pk, progress)
        if is_finished:
            for known in (self._sent, self._due, self._sending):
                known.pop(run.pk, None)
        else:
            self._sent[run.pk] = _news(progress)
        return True

    def _send(self, run_id: int, progress: RunProgress) -> None:
        layer = get_channel_layer()
        loop = self._loop()
        if layer is None or loop is None:
            return
        message = {"type": "run.progress", "progress": progress}
        sent = asyncio.run_coroutine_threadsafe(
            asyncio.wait_for(layer.group_send(group_of(run_id), message), SEND_SECONDS), loop
        )
        sent.add_done_callback(self._sent_or_failed)
        self._sending[run_id] = sent

    def _sent_or_failed(self, sent: "Future[None]") -> None:
        error = None if sent.cancelled() else sent.exception()
        if error is not None:
            self._failed(error)
        else:
            self._is_failing = False

    def _failed(self, error: BaseException) -> None:
        """Say once that progress is not shown; the pipeline does not notice."""
        if not self._is_failing:
            logger.warning("progress is not published: %s: %s", type(error).__name__, error)
        self._is_failing = True

    def _loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop to send on; None where nobody of this process could be listening."""
        if isinstance(get_channel_layer(), InMemoryChannelLayer):
            loop = self._server_loop
            return loop if loop is not None and loop.is_running() else None
        with self._lock:
            if self._own_loop is None:
                # async_to_sync would open a connection to Redis for every message.
                self._own_loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._own_loop.run_forever, name="progress", daemon=True
                ).start()
            return self._own_loop


def _news(progress: RunProgress) -> dict[str, Any]:
    """What makes a message worth sending: all but the clocks."""
    clocks = ("version", "seconds", "rate", "seconds_left")
    return {name: value for name, value in progress.items() if name not in clocks}


def _wins(run: JobRun, now: datetime) -> bool:
    """Mark the run as published now; False if another publisher was here just before."""
    rows = JobRun.objects.filter(pk=run.pk)
    if run.finished_at is not None:
        announced = run.finished_at + ANNOUNCED
        rows = rows.filter(Q(progress_at=None) | Q(progress_at__lt=announced))
        return bool(rows.update(progress_at=max(now, announced)))
    before = now - timedelta(seconds=EVENT_SECONDS)
    rows = rows.filter(Q(progress_at=None) | Q(progress_at__lte=before))
    return bool(rows.filter(state=JobRun.State.RUNNING).update(progress_at=now))


def _is_announced(run: JobRun) -> bool:
    """Whether the end of the run was published."""
    return (
        run.finished_at is not None
        and run.progress_at is not None
        and run.progress_at >= run.finished_at + ANNOUNCED
    )


publisher = Publisher()


def publish_due() -> int:
    """Publish what is due; see `Publisher.publish_due`. Raises nothing of database or broker."""
    return publisher.publish_due()


def run(stop: threading.Event) -> None:
    """Publish until `stop` is set: every 100 ms while runs change, every half second otherwise."""
    quiet = 0
    while not stop.is_set():
        quiet = 0 if publish_due() else quiet + 1
        stop.wait(BUSY_SECONDS if quiet < QUIET_ROUNDS else IDLE_SECONDS)
    connection.close()
