"""Each worker, scheduler and web process says of itself, every few seconds, that it is there.

That is a row of etl_processes, written by a thread and a connection of its own: the work neither
waits for it nor notices that the database is away.
"""

import logging
import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from common.version import VERSION
from jobs.heartbeat import worker_id
from jobs.models import Process

logger = logging.getLogger(__name__)

SAY_SECONDS: Final = 5.0
MAX_AGE_SECONDS: Final = 30
"""A process that was not seen for longer does not count as being there."""
CLEAR_SECONDS: Final = 3600.0
FORGOTTEN: Final = timedelta(days=1)
STOP_SECONDS: Final = 2.0


class Presence:
    """Says that this process is there until it is stopped, and then takes it back.

    stages: those that a worker works, none for all. threads: that work steps.
    """

    def __init__(self, role: Process.Role, stages: Sequence[str] = (), threads: int = 0) -> None:
        self._role = role
        self._stages = ",".join(stages)
        self._threads = threads
        self._started_at = timezone.now()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="presence", daemon=True)
        self._is_failing = False
        self._cleared_at: float | None = None

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Remove the row and stop; a database that does not answer is waited for shortly."""
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def say(self) -> bool:
        """Say once that this process is there; return whether the database took it."""
        try:
            self._clear()
            Process.objects.bulk_create(
                [self._row()],
                update_conflicts=True,
                unique_fields=["name"],
                update_fields=["stages", "threads", "version", "memory_bytes", "seen_at"],
            )
        except (DatabaseError, InterfaceError) as error:
            if not self._is_failing:
                logger.warning("this process cannot say that it is there: %s", error)
            self._is_failing = True
            connection.close()
            return False
        self._is_failing = False
        return True

    def _run(self) -> None:
        while True:
            self.say()
            if self._stop.wait(SAY_SECONDS):
                break
        try:
            Process.objects.filter(name=worker_id()).delete()
        except (DatabaseError, InterfaceError):
            logger.info("the row of this process stays for a day: the database is away")
        connection.close()

    def _row(self) -> Process:
        return Process(
            name=worker_id(),
            role=self._role,
            host=host(),
            pid=os.getpid(),
            stages=self._stages,
            threads=self._threads,
            version=VERSION,
            memory_bytes=memory_bytes(),
            started_at=self._started_at,
            # The database's clock: those of the machines may differ.
            seen_at=Now(),
        )

    def _clear(self) -> None:
        """Remove who left no word: the dead of this host, at first, and now and then the old."""
        now = time.monotonic()
        if self._cleared_at is not None and now - self._cleared_at < CLEAR_SECONDS:
            return
        mine = Process.objects.filter(host=host()).exclude(name=worker_id())
        dead = [row.pk for row in mine if row.pid == os.getpid() or not is_alive(row.pid)]
        Process.objects.filter(Q(pk__in=dead) | Q(seen_at__lt=Now() - FORGOTTEN)).delete()
        self._cleared_at = now


@dataclass(frozen=True)
class Seen:
    """A process as it last said of itself, and how long ago that was by the database's clock."""

    process: Process
    age_seconds: float


def seen() -> list[Seen]:
    """Return every process that said anything of itself within a day, the newest word first."""
    rows = Process.objects.annotate(now=Now()).order_by("-seen_at")
    return [Seen(row, (row.now - row.seen_at).total_seconds()) for row in rows]


def recent(role: Process.Role, max_age_seconds: float = MAX_AGE_SECONDS) -> list[Process]:
    """Return the processes of a role, on whichever machine, that were seen lately."""
    return [
        each.process
        for each in seen()
        if each.process.role == role and each.age_seconds <= max_age_seconds
    ]


def here(role: Process.Role) -> list[Seen]:
    """Return the processes of a role that live on this host, seen lately or not."""
    return [
        each
        for each in seen()
        if each.process.role == role and each.process.host == host() and is_alive(each.process.pid)
    ]


def host() -> str:
    """Return this machine's name; in a container, the container's."""
    return socket.gethostname()[:80]


def is_alive(pid: int) -> bool:
    """Say whether a process of this host runs under this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def memory_bytes() -> int:
    """Return the memory that this process holds; where that is not told, the most it ever held."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
    return pages * resource.getpagesize()
