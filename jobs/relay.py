"""The relay: the only publisher. It turns due steps into hints on the broker.

A step is marked as dispatched before its hint is sent: the other way round a worker could take
the hint before the mark, and the mark would stand without one. A mark whose hint was lost is
taken back, here when publishing fails and otherwise by the sweeper.
"""

import logging
import select
import threading
from collections import Counter
from typing import Any, Final, Protocol

import dramatiq
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Count, Min
from django.utils import timezone
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker

from jobs.actors import ACTORS, queue_name
from jobs.models import QueueEntry, Stage
from jobs.queue import CHANNEL, PRIORITIES, WAKE
from tenants.scope import every_tenant

logger = logging.getLogger(__name__)

BATCH: Final = 200
OUTSTANDING: Final = 500
"""Hints of one stage and tier that may be under way; a higher tier never waits for a lower."""

POLL_SECONDS: Final = 1.0
EMBEDDED_POLL_SECONDS: Final = 0.5
FULL_POLL_SECONDS: Final = 0.05
BACKOFF_SECONDS: Final = (0.5, 1.0, 2.0, 5.0)

_WHOLE_QUEUE = "the relay publishes for every tenant"

_GOES_ON = """
    run_id NOT IN (SELECT id FROM etl_job_runs WHERE paused_at IS NOT NULL)
"""
_DUE = f"""
EXISTS (SELECT 1 FROM etl_job_queue WHERE state = 'queued' AND dispatched_at IS NULL
    AND stage = %s AND priority = %s AND run_at <= %s AND {_GOES_ON})
"""
_FIRST_DUE = f"""
    SELECT id FROM etl_job_queue
    WHERE state = 'queued' AND dispatched_at IS NULL
        AND stage = %s AND priority = %s AND run_at <= %s AND {_GOES_ON}
    ORDER BY run_at, id LIMIT %s
"""
# Tenants take turns in asking sources (`queue.claim`), and only what is dispatched is claimed: of
# each tenant come the first ones before the second ones of any, however many one tenant has. Nor
# is more dispatched of an integration than may be worked of it at once.
_FIRST_OF_EACH_TENANT = f"""
    WITH busy AS (
        SELECT q.integration_id, COUNT(*) AS steps FROM etl_job_queue q
        JOIN integrations i ON i.id = q.integration_id
        WHERE i.max_parallel IS NOT NULL AND q.stage = 'extract' AND (q.state = 'running'
            OR (q.state = 'queued' AND q.dispatched_at IS NOT NULL))
        GROUP BY q.integration_id
    )
    SELECT id FROM etl_job_queue WHERE id IN (
        SELECT numbered.id FROM (
            SELECT id, run_at, integration_id,
                ROW_NUMBER() OVER (PARTITION BY tenant_id ORDER BY run_at, id) AS n,
                ROW_NUMBER() OVER (PARTITION BY integration_id ORDER BY run_at, id) AS nth
            FROM etl_job_queue
            WHERE state = 'queued' AND dispatched_at IS NULL
                AND stage = %s AND priority = %s AND run_at <= %s AND {_GOES_ON}
        ) AS numbered
        JOIN integrations i ON i.id = numbered.integration_id
        LEFT JOIN busy ON busy.integration_id = numbered.integration_id
        WHERE i.max_parallel IS NULL OR nth + COALESCE(busy.steps, 0) <= i.max_parallel
        ORDER BY n, run_at, numbered.id LIMIT %s
    )
"""
_ONE_BY_ONE = "SELECT pg_advisory_xact_lock(4713, 1)"
"""Of several relays one at a time counts what is under way, or together they would exceed it."""
_MARK = """
WITH due AS ({due} {lock})
UPDATE etl_job_queue SET dispatched_at = %s
WHERE id IN (SELECT id FROM due) AND state = 'queued' AND dispatched_at IS NULL
RETURNING run_at, id
"""
_LANES: Final = tuple(
    (stage, priority) for priority in sorted(PRIORITIES.values()) for stage in Stage
)
"""Stage and priority, the best tier first."""


def dispatch() -> tuple[int, bool]:
    """Publish hints for what is due; return how many, and whether more must wait for room.

    Raises what the broker raises when it cannot be reached; nothing stays marked then.
    """
    with every_tenant(_WHOLE_QUEUE):
        lanes = _due_lanes()
        if not lanes:
            return 0, False
        under_way = _under_way()
        sent, full = 0, False
        for stage, priority in lanes:
            room = min(BATCH, OUTSTANDING - under_way[stage, priority])
            if room > 0:
                sent += _publish(stage, _mark(stage, priority, room))
            else:
                full = True
        return sent, full


def _due_lanes() -> list[tuple[Stage, int]]:
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT " + ", ".join([_DUE] * len(_LANES)),
            [value for stage, priority in _LANES for value in (stage.value, priority, now)],
        )
        row = cursor.fetchone()
    return [lane for lane, due in zip(_LANES, row, strict=True) if due]


def _under_way() -> Counter[tuple[str, int]]:
    dispatched = QueueEntry.objects.filter(
        state=QueueEntry.State.QUEUED, dispatched_at__isnull=False
    )
    counts = dispatched.values_list("stage", "priority").annotate(steps=Count("pk"))
    return Counter({(stage, priority): steps for stage, priority, steps in counts})


def _mark(stage: str, priority: int, limit: int) -> list[int]:
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    lock = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    is_extract = stage == Stage.EXTRACT
    due = _FIRST_OF_EACH_TENANT if is_extract else _FIRST_DUE
    with transaction.atomic(), connection.cursor() as cursor:
        if is_extract and connection.vendor == "postgresql":
            cursor.execute(_ONE_BY_ONE)
        cursor.execute(_MARK.format(due=due, lock=lock), (stage, priority, now, limit, now))
        return [step_id for _, step_id in sorted(cursor.fetchall())]


def _publish(stage: str, step_ids: list[int]) -> int:
    broker = dramatiq.get_broker()
    sent = 0
    try:
        for step_id in step_ids:
            broker.enqueue(ACTORS[Stage(stage)].message(step_id))
            sent += 1
    finally:
        if sent < len(step_ids):
            forget_hints(step_ids[sent:])
    return sent


def forget_hints(step_ids: list[int]) -> int:
    """Have the hints of these steps published again; return how many were queued."""
    steps = QueueEntry.objects.filter(pk__in=step_ids, state=QueueEntry.State.QUEUED)
    return steps.update(dispatched_at=None)


def queue_depths() -> dict[str, int]:
    """Return, by stage, the hints that wait at the broker. Raises what the broker raises."""
    broker = dramatiq.get_broker()
    depths = {}
    for stage in Stage:
        name = queue_name(stage)
        if isinstance(broker, StubBroker):
            depths[stage.value] = broker.queues[name].unfinished_tasks
        elif isinstance(broker, RabbitmqBroker):
            try:
                depths[stage.value] = broker.get_queue_message_counts(name)[0]
            except Exception:
                del broker.connection
                raise
    return depths


class _Waiter(Protocol):
    longest: float

    def wait(self, seconds: float) -> None: ...
    def close(self) -> None: ...


class _EventWaiter:
    """Waits for a commit of this process."""

    longest = EMBEDDED_POLL_SECONDS

    def wait(self, seconds: float) -> None:
        WAKE.wait(seconds)
        WAKE.clear()

    def close(self) -> None:
        """Nothing is open."""


class _Listener:
    """Waits for a NOTIFY of any process, on a connection of its own."""

    longest = POLL_SECONDS

    def __init__(self) -> None:
        self._connection: Any = connection.get_new_connection(connection.get_connection_params())
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")

    def wait(self, seconds: float) -> None:
        select.select([self._connection], [], [], seconds)
        self._connection.poll()
        self._connection.notifies.clear()

    def close(self) -> None:
        self._connection.close()


class Relay:
    """The loop: dispatch what is due, wait for more; broker and database may go and come back."""

    def __init__(self) -> None:
        self._waiter: _Waiter | None = None

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set (and, to be quick, `WAKE` too)."""
        failures = 0
        while not stop.is_set():
            try:
                self._turn()
                failures = 0
            except Exception as error:
                # Whatever is away, the rows are where they were: nothing is lost by waiting.
                expected = (DatabaseError, InterfaceError, dramatiq.BrokerConnectionError, OSError)
                logger.warning(
                    "the relay waits: %r", error, exc_info=not isinstance(error, expected)
                )
                self._let_go()
                stop.wait(BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)])
                failures += 1
        self._let_go()

    def _turn(self) -> None:
        if self._waiter is None:
            self._waiter = _Listener() if connection.vendor == "postgresql" else _EventWaiter()
        sent, full = dispatch()
        if not sent:
            self._waiter.wait(FULL_POLL_SECONDS if full else _pause(self._waiter.longest))

    def _let_go(self) -> None:
        waiter, self._waiter = self._waiter, None
        try:
            if waiter is not None:
                waiter.close()
        finally:
            connection.close()


def _pause(longest: float) -> float:
    """Return the seconds until the next step is due, at most `longest`."""
    now = timezone.now()
    with every_tenant(_WHOLE_QUEUE):
        later = QueueEntry.objects.filter(
            state=QueueEntry.State.QUEUED, dispatched_at__isnull=True, run_at__gt=now
        )
        due = later.aggregate(due=Min("run_at"))["due"]
    return longest if due is None else max(0.0, min(longest, (due - now).total_seconds()))
