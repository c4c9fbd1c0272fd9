"""`manage.py up`: web server, workers and schedulers on servers, in one terminal."""

import json
import signal
import sys
import threading
import time
from argparse import ArgumentTypeError
from contextlib import ExitStack
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from common.errors import UsageError
from etl_project.demo_session import Session
from etl_project.demo_sources import Source, permit_loopback, sources
from etl_project.processes import kept
from etl_project.processes.programs import Wanted, programs
from etl_project.processes.refusals import check_port, check_servers
from etl_project.processes.supervision import supervised
from etl_project.processes.watch import Watch

START_SECONDS: Final = 60.0


class Command(BaseCommand):
    help = (
        "Migrate, then run web server, workers and schedulers on the servers that the settings "
        "name, with all their lines in this terminal, and start again what dies, until Ctrl-C, "
        "SIGTERM or `manage.py down`. With --demo it does what `manage.py demo` does, with these "
        "processes. Exit code 0: stopped; 1: it could not go on, or the demo's sync failed or "
        "differs; 2: refused, nothing started."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web server (8000)")
        parser.add_argument("--no-web", action="store_true", help="no web server")
        parser.add_argument("--workers", type=_count, default=2, help="workers (2)")
        parser.add_argument("--schedulers", type=_count, default=2, help="schedulers (2)")
        parser.add_argument("--processes", type=_some, default=1, help="of each worker (1)")
        parser.add_argument("--threads", type=_some, default=4, help="of each of those (4)")
        parser.add_argument(
            "--demo",
            action="store_true",
            help="make the two tenants of the demo, serve their sources, and sync them",
        )
        parser.add_argument("--once", action="store_true", help="end when that sync has ended")
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        # Whoever ends the process by a plain kill gets the same tidy end as by Ctrl-C.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            code = self._up(**options)
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None
        except KeyboardInterrupt:
            return
        if code:
            sys.exit(code)

    def _up(self, **options: Any) -> int:
        directory = kept.up_directory()
        if options["once"] and not options["demo"]:
            raise UsageError("--once ends after the sync of the demo: give --demo, too")
        if options["no_web"] and not options["workers"] and not options["schedulers"]:
            raise UsageError("--no-web with no workers and no schedulers leaves nothing to run")
        check_servers()
        with kept.only_one(directory), ExitStack() as running:
            if left := kept.end_all(directory):
                self.stderr.write(f"up: {left} processes of an `up` that was killed are stopped")
            if not options["no_web"]:
                check_port(options["port"])
            call_command("migrate", verbosity=0, interactive=False)
            found, environment = None, {}
            if options["demo"]:
                environment = permit_loopback()
                found = running.enter_context(sources())
            planned = programs(_wanted(options))
            watch = running.enter_context(supervised(directory, planned, environment))
            return self._stay(watch, found, options)

    def _stay(self, watch: Watch, found: list[Source] | None, options: dict[str, Any]) -> int:
        code = 0
        try:
            address = "" if options["no_web"] else f"http://localhost:{options['port']}/"
            if address:
                _wait_until_it_answers(address)
            code = self._begin(watch, found, address, options)
            connections.close_all()
            if not options["once"]:
                threading.Event().wait()
        except KeyboardInterrupt:
            if watch.failure:
                self.stderr.write(f"up: {watch.failure}; everything is stopped")
                return 1
        finally:
            _ignore_signals()
        self.stderr.write("up: stopping")
        return code

    def _begin(
        self, watch: Watch, found: list[Source] | None, address: str, options: dict[str, Any]
    ) -> int:
        """Do the demo, if there is one, and say what runs; return the exit code."""
        processes = watch.wait_for_pids()
        if found is not None:
            session = Session(self.stdout, options["json"])
            code = session.sync(found, address, processes=processes)
            if not options["once"]:
                session.invite(address)
            return code
        if options["json"]:
            self.stdout.write(json.dumps({"address": address, "processes": processes}))
        else:
            names = ", ".join(processes)
            told = f"{address}   {names}" if address else names
            self.stdout.write(f"\n  {told}\n  Ctrl-C stops all of it.\n")
        self.stdout.flush()
        return 0


def _wanted(options: dict[str, Any]) -> Wanted:
    return Wanted(
        port=None if options["no_web"] else options["port"],
        workers=options["workers"],
        schedulers=options["schedulers"],
        processes=options["processes"],
        threads=options["threads"],
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ArgumentTypeError(f"{number} is less than 0")
    return number


def _some(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{number} is less than 1")
    return number


def _wait_until_it_answers(address: str) -> None:
    """Return when the web server answers, or after START_SECONDS: it is tried on and on anyway."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urlopen(f"{address}healthz", timeout=5):  # noqa: S310
                return
        except (URLError, OSError):
            time.sleep(0.1)


def _ignore_signals() -> None:
    """Stop in peace: that takes half a minute at most, whatever else is pressed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
