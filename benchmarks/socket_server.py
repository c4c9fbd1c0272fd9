"""One web server process as it is run, with the servers that it needs, for clients on this host."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from our_path import ROOT
from processes import BenchError, service

_START_SECONDS: Final = 60


def allow_files(number: int) -> None:
    """Let this process and those that it starts have so many files open, sockets among them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < number:
        raise BenchError(
            f"{number} files have to be open at once, and at most {hard} may be: raise the limit "
            f"(ulimit -Hn, as root, or LimitNOFILE) or ask for fewer --sockets."
        )
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (number, hard))


@contextmanager
def web(var: Path) -> Iterator[tuple[str, int]]:
    """Serve the site by one process; give the address of the WebSocket, and the process's id."""
    from etl_project.processes.programs import web_server

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    log = var / "web.log"
    command = (*web_server(port), "--log-level", "warning")
    with service(command, {}, ROOT, log) as process:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and process.poll() is None:
            with socket.socket() as tried:
                if tried.connect_ex(("127.0.0.1", port)) == 0:
                    yield f"ws://127.0.0.1:{port}/ws/v1/", process.pid
                    return
            time.sleep(0.2)
        raise BenchError(f"the site does not answer: {log.read_text()[-2000:]}")
