"""The servers that benchmarks/api.py asks, and how much of the processors each takes."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from processes import BenchError

ROOT: Final = Path(__file__).resolve().parent.parent
WORKERS: Final = 2
OURS: Final = ("etl_project.asgi:application",)
RIVAL: Final = ("django.core.asgi:get_asgi_application", "--factory")
_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 30


class Server(NamedTuple):
    """A web server that answers. pid: of the process whose children serve."""

    port: int
    pid: int

    def get(self, path: str, token: str = "") -> float:
        """Ask; return the milliseconds. Raises BenchError for any answer but 200."""
        begun = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != 200:
            raise BenchError(f"{path} was answered {answer.status}: {body[:500]!r}")
        return (time.perf_counter() - begun) * 1000


@contextmanager
def served(application: tuple[str, ...], given: Mapping[str, str]) -> Iterator[Server]:
    """Serve an application by uvicorn, with these environment variables."""
    port = _free_port()
    command = (
        *(sys.executable, "-m", "uvicorn", *application, "--app-dir", str(ROOT / "benchmarks")),
        *("--port", str(port), "--workers", str(WORKERS), "--log-level", "warning"),
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **given}
    with tempfile.NamedTemporaryFile("w+") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(port, server, Path(log.name))
            yield Server(port, server.pid)
        finally:
            server.terminate()
            server.wait(_STOP_SECONDS)


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise BenchError(f"the site does not answer: {log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


class Processors:
    """Seconds of processors that were taken since it was made."""

    def __init__(self, server: Server) -> None:
        self._web = psutil.Process(server.pid)
        self._database = _postmaster()
        psutil.cpu_percent()
        self._began = self._seconds()

    def taken(self) -> tuple[float, float | None, float]:
        """Return those of the web server and of PostgreSQL, and per cent that all were busy.

        None for a PostgreSQL that is not on this machine.
        """
        web, database = (now - then for now, then in zip(self._seconds(), self._began, strict=True))
        return web, database if self._database is not None else None, psutil.cpu_percent()

    def _seconds(self) -> tuple[float, float]:
        return _with_children(self._web), _with_children(self._database)


def _with_children(process: psutil.Process | None) -> float:
    """Return what a process and its children took, with those that have ended."""
    if process is None:
        return 0.0
    total = sum(process.cpu_times()[:4])
    for child in process.children(recursive=True):
        with suppress(psutil.Error):
            total += sum(child.cpu_times()[:4])
    return float(total)


def _postmaster() -> psutil.Process | None:
    """Return the PostgreSQL server's process, if the database's is one of this machine."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return process.parent() if process.name().startswith("postgres") else None
    return None
