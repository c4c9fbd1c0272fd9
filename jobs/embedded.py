"""The whole engine in this process: for the demo, for imports without servers, and for tests."""

import os
import socket
from typing import Final

import dramatiq
from dramatiq.brokers.stub import StubBroker

from common.errors import UsageError
from jobs import schedule, sweeper
from jobs.conductor import SWEEP_SECONDS, Conductor
from jobs.heartbeat import worker_id
from jobs.models import QueueEntry
from jobs.queue import wake_relay
from tenants.scope import every_tenant

THREADS: Final = 4
WORKER_TIMEOUT_MS: Final = 100

_booted: set[int] = set()  # brokers whose process_boot was emitted; their threads start once


class EmbeddedEngine:
    """Relay, sweeper, schedule, workers and heartbeat in this process, on the in-process broker.

    Raises UsageError when BROKER_URL names a broker: then workers are processes of their own.
    """

    def __init__(
        self,
        threads: int = THREADS,
        start_run: schedule.StartRun = schedule.refuse,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        broker = dramatiq.get_broker()
        if not isinstance(broker, StubBroker):
            raise UsageError(
                "BROKER_URL names a broker, so nothing is worked in this process: "
                "start `manage.py worker` and `manage.py scheduler`"
            )
        self._broker = broker
        self._middleware = list(broker.middleware)
        self._worker = dramatiq.Worker(
            broker, worker_threads=threads, worker_timeout=WORKER_TIMEOUT_MS
        )
        self._conductor = Conductor(start_run, sweep_seconds)

    def start(self) -> None:
        """Take up what an earlier process left, then start everything."""
        with every_tenant("the embedded engine serves all tenants of its database"):
            release_orphans()
            _forget_all_hints()
        if id(self._broker) not in _booted:
            # Outside Dramatiq's own command nothing else starts the time limit's thread.
            self._broker.emit_after("process_boot")
            _booted.add(id(self._broker))
        self._worker.start()
        self._conductor.start()

    def stop(self) -> None:
        """Let running steps end, then stop everything; what is queued stays queued."""
        self._conductor.stop()
        self._worker.stop()
        # Worker.start() adds a middleware of its own and never takes it away.
        self._broker.middleware[:] = self._middleware
        self._broker.flush_all()
        with every_tenant("hints of this process are gone with it"):
            _forget_all_hints()

    def __enter__(self) -> "EmbeddedEngine":
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()


def release_orphans() -> int:
    """Take running steps from processes of this machine that are gone; return how many."""
    running = QueueEntry.objects.filter(state=QueueEntry.State.RUNNING)
    return sum(sweeper.release(step) for step in running if _is_orphan(step.leased_by))


def _is_orphan(worker: str) -> bool:
    host, _, rest = worker.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname()[:80] or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    # A process that lives by our own id under another token was another process.
    return int(pid) == os.getpid() and worker != worker_id()


def _forget_all_hints() -> None:
    dispatched = QueueEntry.objects.filter(
        state=QueueEntry.State.QUEUED, dispatched_at__isnull=False
    )
    dispatched.update(dispatched_at=None)
    wake_relay()
