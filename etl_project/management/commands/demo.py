"""`manage.py demo`: all of it in one process, with two tenants and something to look at."""

import signal
import sys
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from common.errors import UsageError
from etl_project.demo import free_port, web_server
from etl_project.demo_session import Session
from etl_project.demo_sources import permit_loopback, sources
from jobs.embedded import EmbeddedEngine
from jobs.sync import start_scheduled


class Command(BaseCommand):
    help = (
        "Start a made-up Jira and GitHub for each of two tenants, web server, worker and scheduler "
        "in this process, sync both sources live, compare what was loaded with the sources' own "
        "ledger, and stay up until Ctrl-C. Needs no server. Each start gives the people of the "
        "demo a new password and prints it. Exit code 0: all was loaded; 1: a run failed or "
        "something differs; 2: refused, nothing done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="or the next free one (8000)")
        parser.add_argument("--once", action="store_true", help="end when the sync has ended")
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")
        parser.add_argument(
            "--fresh", action="store_true", help="begin with an empty database (SQLite only)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # Whoever ends the process by a plain kill gets the same tidy end as by Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            code = self._demonstrate(**options)
        except KeyboardInterrupt:
            self.stderr.write("\nStopped. What was loaded stays; the next start goes on from it.")
            return
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None
        if code:
            sys.exit(code)

    def _demonstrate(
        self, *, port: int, once: bool, json: bool, fresh: bool, **options: Any
    ) -> int:
        engine = EmbeddedEngine(start_run=start_scheduled)
        free = free_port(port)
        if free != port:
            self.stderr.write(f"Port {port} is taken; the demo is on {free}.")
        if fresh:
            _remove_database()
        call_command("migrate", verbosity=0, interactive=False)
        permit_loopback()
        session = Session(self.stdout, json)
        with sources() as found, engine, web_server(free) as address:
            code = session.sync(found, address)
            if not once:
                session.invite(address)
                threading.Event().wait()
        return code


def _remove_database() -> None:
    """Remove the files of the embedded database; refuse to empty a server's."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] != "django.db.backends.sqlite3":
        raise UsageError("--fresh removes SQLite files only; empty this database yourself")
    connections.close_all()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database['NAME']}{suffix}").unlink(missing_ok=True)
