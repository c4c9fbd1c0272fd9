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
from etl_project.demo import (
    TENANTS,
    Person,
    free_port,
    make_people,
    new_password,
    recording_of,
    web_server,
)
from jobs.console import progress, tell
from jobs.drive import drive
from jobs.embedded import EmbeddedEngine
from jobs.imports import start_import
from jobs.models import JobRun


class Command(BaseCommand):
    help = (
        "Start web server, worker and scheduler in this process, make two tenants, import the "
        "recordings that come along, and stay up until Ctrl-C. Needs no server. Each start gives "
        "the people of the demo a new password and prints it. Exit code 0: all went well; "
        "1: a run failed; 2: refused, nothing done."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="or the next free one (8000)")
        parser.add_argument("--once", action="store_true", help="end when the import has ended")
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
        engine = EmbeddedEngine()
        recordings = {slug: recording_of(slug) for slug in TENANTS}
        free = free_port(port)
        if free != port:
            self.stderr.write(f"Port {port} is taken; the demo is on {free}.")
        if fresh:
            _remove_database()
        call_command("migrate", verbosity=0, interactive=False)
        password = new_password()
        people = make_people(password)
        with engine, web_server(free) as address:
            if not json:
                self._greet(address, people, password)
            code = self._import(recordings, json, address, people, password)
            if not once:
                self._stay(address, json)
        return code

    def _import(
        self,
        recordings: dict[str, Path],
        as_json: bool,
        address: str,
        people: list[Person],
        password: str,
    ) -> int:
        runs = [
            run
            for slug, directory in recordings.items()
            for run in start_import(directory, slug, True, TENANTS[slug])
        ]
        with progress(quiet=as_json) as watch:
            drive(runs, watch)
        tell(
            runs,
            self.stdout,
            as_json,
            address=address,
            users=[person.name for person in people],
            password=password,
        )
        self.stdout.flush()
        failed = (JobRun.State.FAILED, JobRun.State.CANCELLED)
        return int(any(run.state in failed for run in runs))

    def _greet(self, address: str, people: list[Person], password: str) -> None:
        self.stdout.write(f"\n  {address}   password of all users: {password}\n\n")
        width = max(len(person.name) for person in people)
        for person in people:
            self.stdout.write(f"    {person.name:<{width}}  sees {person.sees}")
        self.stdout.write("")
        self.stdout.flush()

    def _stay(self, address: str, quiet: bool) -> None:
        if not quiet:
            self.stdout.write(f"\nLook at {address} – Ctrl-C ends the demo.")
            self.stdout.flush()
        threading.Event().wait()


def _remove_database() -> None:
    """Remove the files of the embedded database; refuse to empty a server's."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] != "django.db.backends.sqlite3":
        raise UsageError("--fresh removes SQLite files only; empty this database yourself")
    connections.close_all()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database['NAME']}{suffix}").unlink(missing_ok=True)
