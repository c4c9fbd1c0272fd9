"""One thread a process keeps the leases of the steps that this process is working on."""

import contextlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from functools import cache

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from jobs import queue, retries
from jobs.models import QueueEntry

logger = logging.getLogger(__name__)

_held: set[tuple[int, int]] = set()  # step id and fence


def worker_id() -> str:
    """Return this process's name as a lease holder: host, process id and a token of its own."""
    return _worker_id(os.getpid())


@cache
def _worker_id(pid: int) -> str:
    # By process id, for a worker process is forked from one that may have asked already.
    return f"{socket.gethostname()[:80]}:{pid}:{secrets.token_hex(4)}"


@contextlib.contextmanager
def held(step: QueueEntry) -> Iterator[None]:
    """Renew the lease of a claimed step as long as the block runs, and no longer.

    A step that could neither be completed nor failed is so let go, and swept when its lease ends.
    """
    _held.add((step.pk, step.fence))
    try:
        yield
    finally:
        _held.discard((step.pk, step.fence))


def give_back() -> int:
    """Queue the steps again that this process still holds as it stops; return how many."""
    steps = tuple(_held)
    try:
        return sum(retries.give_back(pk, fence, worker_id()) for pk, fence in steps)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("%s steps are left to the sweeper: %s", len(steps), error)
        return 0


class Heartbeat:
    """Renews the leases of the held steps every third of a lease, until it is stopped."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread and wait for it."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(settings.STEP_LEASE_SECONDS / 3):
            beat()
        connection.close()


def beat() -> int:
    """Renew the leases of the held steps once; return how many are still ours."""
    step_ids = [step_id for step_id, _ in tuple(_held)]
    if not step_ids:
        return 0
    try:
        return queue.renew(worker_id(), step_ids)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("leases could not be renewed: %s", error)
        connection.close()
        return 0
