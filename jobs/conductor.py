"""The scheduler's threads: relay; sweeper and schedule; what shows progress; couriers."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from django.db import DatabaseError, InterfaceError, connection

from jobs import schedule, sweeper, webhook_pruning, webhooks_in
from jobs.live import publishing
from jobs.queue import WAKE
from jobs.relay import Relay
from notices import courier, expiry, pruning
from notices.telling import WAKE as WAKE_COURIERS

logger = logging.getLogger(__name__)

SWEEP_SECONDS: Final = 2.0


class Conductor:
    """Runs relay, sweeper, schedule, progress and couriers at once; several processes may."""

    def __init__(
        self, start_run: schedule.StartRun = schedule.refuse, sweep_seconds: float = SWEEP_SECONDS
    ) -> None:
        self._start_run = start_run
        self._sweep_seconds = sweep_seconds
        self._stop = threading.Event()
        self._threads = (
            threading.Thread(target=Relay().run, args=(self._stop,), name="relay", daemon=True),
            threading.Thread(target=self._mend, name="sweeper", daemon=True),
            threading.Thread(
                target=publishing.run, args=(self._stop,), name="progress", daemon=True
            ),
            *(
                threading.Thread(
                    target=courier.run, args=(way, self._stop), name="courier", daemon=True
                )
                for way in courier.COURIERS
            ),
        )

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 4.0) -> bool:
        """Ask the threads to end and wait for them; return False if one is still busy."""
        self._stop.set()
        WAKE.set()
        WAKE_COURIERS.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _mend(self) -> None:
        while not self._stop.is_set():
            mend(self._start_run)  # the next round does what this one could not
            self._stop.wait(self._sweep_seconds)
        connection.close()


def mend(start_run: schedule.StartRun) -> list[Exception]:
    """Sweep once, start what is due by schedule, and see to what notices take now and then.

    A step that fails is logged and keeps no later one from being done, unless the database is
    away. Return what went wrong.
    """
    steps: tuple[Callable[[], object], ...] = (
        sweeper.sweep,
        schedule.plan,
        lambda: schedule.fire(start_run),
        schedule.prune,
        webhooks_in.take_up,
        webhook_pruning.prune,
        expiry.look,
        pruning.prune,
    )
    failures = []
    for step in steps:
        try:
            step()
        except Exception as error:
            failures.append(error)
            is_of_database = isinstance(error, (DatabaseError, InterfaceError))
            logger.warning("the sweeper waits: %r", error, exc_info=not is_of_database)
            if is_of_database and not connection.is_usable():
                connection.close()
                break  # nothing further can be done without it
    return failures
