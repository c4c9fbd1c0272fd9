"""The servers of an organisation as one ASGI application, and running it."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.control import control_routes
from sandbox.faults.transport import TRANSPORT
from sandbox.gate import Gate
from sandbox.github.accounts import github_settings
from sandbox.github.routes import github_routes
from sandbox.jira.accounts import jira_settings
from sandbox.jira.routes import jira_routes
from sandbox.ledger import ledger_routes
from sandbox.organisation import Organisation


def build_app(organisation: Organisation) -> ASGIApp:
    """Return the application that serves an organisation.

    Below it are `/jira`, `/github`, `/ledger` and `/control`; nothing is kept in modules, so
    that several can run in one process.
    """
    app = Starlette(
        routes=[
            Mount("/jira", routes=jira_routes(organisation)),
            Mount("/github", routes=github_routes(organisation)),
            *ledger_routes(organisation),
            *control_routes(organisation),
        ]
    )
    app.state.organisation = organisation
    app.router.redirect_slashes = False
    return Gate(app, organisation)


def ready_line(organisation: Organisation, base: str) -> dict[str, Any]:
    """Return where everything is and what `connect` needs; base: scheme, host and port."""
    jira = next(organisation.accounts.tokens("jira", account="full"))
    github = next(organisation.accounts.tokens("github", account="full"))
    return {
        "jira": {
            "base_url": f"{base}/jira",
            "user": jira.account.email,
            "token": jira.value,
            "settings": jira_settings(organisation.jira),
        },
        "github": {
            "base_url": f"{base}/github",
            "user": github.account.name,
            "token": github.value,
            "settings": github_settings(organisation.github),
        },
        "ledger": f"{base}/ledger",
    }


class _Protocol(HttpToolsProtocol):
    """HTTP that lets a fault get at the connection."""

    def on_message_begin(self) -> None:
        """See uvicorn."""
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]


class Server(uvicorn.Server):
    """Serves an organisation until it is told to stop by `should_exit`; signals are left alone."""

    def __init__(self, organisation: Organisation) -> None:
        config = uvicorn.Config(
            build_app(organisation),
            http=_Protocol,
            ws="none",
            lifespan="off",
            log_level="critical",
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self.organisation = organisation

    async def run_on(self, listening: socket.socket, ready: Callable[[str], None]) -> None:
        """Serve a bound socket; `ready` gets the base URL once requests are answered."""
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        serving = asyncio.ensure_future(self._serve(sockets=[listening]))
        while not self.started and not serving.done():
            await asyncio.sleep(0.005)
        if self.started:
            ready(f"http://{shown}:{port}")
        await serving


def bound(host: str, port: int) -> socket.socket:
    """Return a listening socket; raise OSError. Port 0 is any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except BaseException:
        listening.close()
        raise
    return listening


def serve(organisation: Organisation, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; print the ready line, one JSON object, when it answers."""
    server = Server(organisation)

    def stop() -> None:
        server.should_exit = True

    def ready(base: str) -> None:
        sys.stdout.write(json.dumps(ready_line(organisation, base)) + "\n")
        sys.stdout.flush()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        await server.run_on(listening, ready)

    asyncio.run(main())
