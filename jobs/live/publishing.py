"""Publishes how runs go on: an event holds all there is to show, and has the run's next number.

The scheduler calls `publish_due` about every 100 ms. It reads the truth (the rows), never the
pipeline's transactions, and an event that gets lost costs nothing: the next one holds everything,
and the hub of each web process (`jobs.live.hub`) notices by the number when none follows. What
changed since the event before is found there, against what its sockets were sent.
"""

import asyncio
import logging
import threading
import time
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, Final

from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Max, Q
from django.utils import timezone

from jobs.live.cards import card_of
from jobs.live.topics import Topic
from jobs.models import JobRun
from jobs.progress import RunProgress, progress_of
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
_REASON: Final = "progress of whichever runs are active"


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
        runs = JobRun.objects.filter(Q(state=JobRun.State.RUNNING) | ended)
        runs = runs.select_related("integration")[:500]
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
        self._send(run, progress)
        if is_finished:
            for known in (self._sent, self._due, self._sending):
                known.pop(run.pk, None)
        else:
            self._sent[run.pk] = _news(progress)
        return True

    def _send(self, run: JobRun, progress: RunProgress) -> None:
        layer = get_channel_layer()
        loop = self._loop()
        if layer is None or loop is None:
            return
        sent = asyncio.run_coroutine_threadsafe(
            asyncio.wait_for(_send_all(layer, _events(run, progress)), SEND_SECONDS), loop
        )
        sent.add_done_callback(self._sent_or_failed)
        self._sending[run.pk] = sent

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


def _events(run: JobRun, progress: RunProgress) -> list[tuple[Topic, dict[str, Any]]]:
    """Return what is sent of a run, and to whom: all to who watches it, a card to the others."""
    numbered = {"type": "live.event", "run": run.pk, "seq": run.progress_seq}
    card = {**numbered, "card": card_of(run, progress)}
    return [
        (Topic("run", run.pk), {**numbered, "progress": progress}),
        (Topic("job", run.job_id), card),
        (Topic("tenant", run.tenant_id), card),
    ]


async def _send_all(layer: Any, events: list[tuple[Topic, dict[str, Any]]]) -> None:
    for topic, event in events:
        await layer.group_send(topic.group, {**event, "topic": topic.name})


def _wins(run: JobRun, now: datetime) -> bool:
    """Take the run's next number for an event; False if another publisher did, or did just now."""
    rows = JobRun.objects.filter(pk=run.pk, progress_seq=run.progress_seq)
    if run.finished_at is not None:
        announced = run.finished_at + ANNOUNCED
        rows = rows.filter(Q(progress_at=None) | Q(progress_at__lt=announced))
        progress_at = max(now, announced)
    else:
        before = now - timedelta(seconds=EVENT_SECONDS)
        rows = rows.filter(Q(progress_at=None) | Q(progress_at__lte=before))
        rows = rows.filter(state=JobRun.State.RUNNING)
        progress_at = now
    if not rows.update(progress_at=progress_at, progress_seq=run.progress_seq + 1):
        return False
    run.progress_seq += 1
    return True


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
