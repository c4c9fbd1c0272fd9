"""What must be so before anything is started, each told with what to do."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final

from django.conf import settings

from common.errors import UsageError
from etl_project.checkup import database, services
from etl_project.checkup.finding import Finding, hide_passwords

HOW: Final = (
    "`make services` starts servers on this machine, and `make up` uses those; "
    "`manage.py demo` needs none"
)


def check_servers() -> None:
    """Raise UsageError unless database, broker and channel layer are servers that answer."""
    missing = []
    if database.is_sqlite():
        missing.append("DATABASE_URL=postgres://user:password@host:5432/name")
    if not settings.BROKER_URL:
        missing.append("BROKER_URL=amqp://user:password@host:5672/vhost")
    if missing:
        raise UsageError(
            "processes of their own need servers that they share; set "
            f"{' and '.join(missing)}. {HOW}"
        )
    for check in (database.connects, services.broker, services.channel_layer):
        finding = _first(check)
        if finding.level == "problem":
            raise UsageError(f"{finding.message} → {finding.remedy}. {HOW}")


def _first(check: Callable[[], Iterator[Finding]]) -> Finding:
    """Return whether the server is there; what a check says next is of queues and workers."""
    return hide_passwords(next(check()))


def check_port(port: int) -> None:
    """Raise UsageError unless the web server can have the port."""
    if not 0 < port < 65536:
        raise UsageError(f"--port {port} is no port: give one from 1 to 65535")
    with closing(socket.socket()) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            raise UsageError(f"port {port} is taken; give another by --port") from None
