"""Which processes belong to the `up` of a directory, and how all of them are ended.

They carry a mark in their environment, which a child takes over from its parent. So whatever an
`up` that was killed has left is found, by pid, and nothing else is.
"""

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil
from django.conf import settings

from common.errors import UsageError

MARK: Final = "ETL_UP_DIR"
STOP_SECONDS: Final = 27.0
"""How long processes may take to stop before they are killed."""
_LOOK_EVERY_SECONDS: Final = 0.1
_KILL_SECONDS: Final = 2.0


def up_directory() -> Path:
    """Return the directory of this installation's `up`: configuration, log and lock."""
    place: Path = settings.VAR_DIR.resolve() / "up"
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    return place


@contextmanager
def only_one(directory: Path) -> Iterator[None]:
    """Hold the directory for this process; raise UsageError if another `up` holds it.

    The lock ends with the process, however that ends.
    """
    with _lock_file(directory).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = running(directory)
            raise UsageError(
                f"it is up already (pid {pid}); `manage.py down` stops it, and another VAR_DIR "
                "is another installation"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        try:
            yield
        finally:
            lock.truncate(0)


def running(directory: Path) -> int | None:
    """Return the pid of the `up` that holds the directory, None if none does."""
    try:
        with _lock_file(directory).open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(lock.read() or 0) or None
    except FileNotFoundError:
        pass
    return None


def _lock_file(directory: Path) -> Path:
    return directory / "up.pid"


def marked(directory: Path) -> list[psutil.Process]:
    """Return the living processes that an `up` of the directory has started, and their children."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK) == str(directory) and process.pid != os.getpid():
                found.append(process)
    return found


def end_all(directory: Path, seconds: float = STOP_SECONDS) -> int:
    """Stop the marked processes, kindly first; return how many there were.

    Only those are told that no other of them looks after: a worker's children hear it from the
    worker, and would die at once of a second SIGTERM.
    """
    found = marked(directory)
    told: set[int] = set()
    deadline = time.monotonic() + seconds
    while (left := marked(directory)) and time.monotonic() < deadline:
        for process in _heads(left):
            if process.pid not in told:
                told.add(process.pid)
                _signal(process, signal.SIGTERM)
        time.sleep(_LOOK_EVERY_SECONDS)
    deadline = time.monotonic() + _KILL_SECONDS
    while (left := marked(directory)) and time.monotonic() < deadline:
        for process in left:
            _signal(process, signal.SIGKILL)
        time.sleep(_LOOK_EVERY_SECONDS)
    return len(found)


def end_orphans(directory: Path, group: int) -> None:
    """Stop what a program that died has left in its process group: they would work on unseen."""
    for process in marked(directory):
        with suppress(OSError):
            if os.getpgid(process.pid) == group and process.pid != group:
                _signal(process, signal.SIGTERM)


def _heads(processes: list[psutil.Process]) -> list[psutil.Process]:
    pids = {process.pid for process in processes}
    heads = []
    for process in processes:
        with suppress(psutil.Error):
            if process.ppid() not in pids:
                heads.append(process)
    return heads


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.Error):
        process.send_signal(number)
