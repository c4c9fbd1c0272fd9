"""What runs: web server, workers, schedulers, each a command of its own."""

import sys
from dataclasses import dataclass
from typing import Final

GROUP: Final = "etl"
"""What Supervisor calls all of them together."""
CLOSE_SECONDS: Final = 10
"""How long the web server lets open requests and WebSockets go on when it is told to stop."""
LARGEST_MESSAGE: Final = 65_536
"""Bytes of a message that a client may send over a WebSocket; the server hangs up on a larger."""


@dataclass(frozen=True)
class Program:
    """One process to keep running. name: unique among them, as logs show it."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """How many of each. port: of the web server, None for no web server.

    processes, threads: of each worker.
    """

    port: int | None
    workers: int
    schedulers: int
    processes: int
    threads: int


def programs(wanted: Wanted) -> list[Program]:
    """Return the programs to run, web server first."""
    found = []
    if wanted.port is not None:
        found.append(Program("web", web_server(wanted.port)))
    scale = ("--processes", str(wanted.processes), "--threads", str(wanted.threads))
    for number in range(1, wanted.workers + 1):
        found.append(Program(f"worker-{number}", _manage("worker", *scale)))
    for number in range(1, wanted.schedulers + 1):
        found.append(Program(f"scheduler-{number}", _manage("scheduler")))
    return found


def _manage(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "manage.py", *arguments)


def web_server(port: int) -> tuple[str, ...]:
    """Return the command of a web server process.

    Messages of the WebSocket are not compressed: that would take each socket a third of a
    megabyte, and more time than all the rest.
    """
    server = (sys.executable, "-m", "uvicorn", "etl_project.asgi:application")
    place = ("--host", "127.0.0.1", "--port", str(port))
    sockets = ("--ws-per-message-deflate", "false", "--ws-max-size", str(LARGEST_MESSAGE))
    ending = ("--timeout-graceful-shutdown", str(CLOSE_SECONDS))
    return (*server, *place, *sockets, *ending)
