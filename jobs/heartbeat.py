"""One thread a process keeps the leases of the steps that this process is working on, and looks
which of them are to stop."""

import contextlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from typing import Final

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q

from jobs import queue, retries
from jobs.models import QueueEntry
from tenants.scope import every_tenant

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0

_held: set[tuple[int, int]] = set()  # step id and fence
_to_stop: set[tuple[int, int]] = set()
_current: ContextVar[tuple[int, int] | None] = ContextVar("step in hand", default=None)


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
    mine = (step.pk, step.fence)
    _held.add(mine)
    before = _current.set(mine)
    try:
        yield
    finally:
        _current.reset(before)
        _held.discard(mine)
        _to_stop.discard(mine)


def is_to_stop() -> bool:
    """Say whether the step that this thread works on was asked to stop, as its run was."""
    return _current.get() in _to_stop


def give_back() -> int:
    """Queue the steps again that this process still holds as it stops; return how many."""
    steps = tuple(_held)
    try:
        return sum(retries.give_back(pk, fence, worker_id()) for pk, fence in steps)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("%s steps are left to the sweeper: %s", len(steps), error)
        return 0


class Heartbeat:
    """Renews the leases of the held steps every third of a lease, and looks every second which
    are to stop, until it is stopped."""

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
        every = settings.STEP_LEASE_SECONDS / 3
        beaten_at = time.monotonic()
        while not self._stop.wait(min(LOOK_SECONDS, every)):
            look()
            if time.monotonic() - beaten_at >= every:
                beaten_at = time.monotonic()
                beat()
        connection.close()


def look() -> int:
    """Note which of the held steps are to stop, as their runs were paused or cancelled."""
    held = tuple(_held)
    if not held:
        return 0
    asked = Q(run__cancel_requested=True) | Q(run__paused_at__isnull=False)
    try:
        with every_tenant("the heartbeat looks at the steps of whichever tenant are in hand"):
            rows = QueueEntry.objects.filter(asked, pk__in=[step_id for step_id, _ in held])
            stopped = set(rows.values_list("pk", "fence"))
    except (DatabaseError, InterfaceError):
        connection.close()
        return 0
    _to_stop.update(stopped & _held)
    return len(stopped)


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
