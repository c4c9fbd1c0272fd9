"""`manage.py up`: web server, workers and schedulers on servers, in one terminal."""

import json
import signal
import sys
import threading
import time
from argparse import ArgumentTypeError
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from common.errors import UsageError
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
        "SIGTERM or `manage.py down`. Exit code 0: stopped; 1: it could not go on; 2: refused, "
        "nothing started."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="of the web server (8000)")
        parser.add_argument("--no-web", action="store_true", help="no web server")
        parser.add_argument("--workers", type=_count, default=2, help="workers (2)")
        parser.add_argument("--schedulers", type=_count, default=2, help="schedulers (2)")
        parser.add_argument("--processes", type=_some, default=1, help="of each worker (1)")
        parser.add_argument("--threads", type=_some, default=4, help="of each of those (4)")
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
        port = None if options["no_web"] else options["port"]
        wanted = Wanted(
            port=port, **{name: options[name] for name in Wanted.__annotations__ if name != "port"}
        )
        check_servers()
        with kept.only_one(directory):
            if left := kept.end_all(directory):
                self.stderr.write(f"up: {left} processes of an `up` that was killed are stopped")
            if port is not None:
                check_port(port)
            call_command("migrate", verbosity=0, interactive=False)
            connections.close_all()
            with supervised(directory, programs(wanted), {}) as watch:
                return self._stay(watch, options)

    def _stay(self, watch: Watch, options: dict[str, Any]) -> int:
        try:
            self._greet(watch, options)
            threading.Event().wait()
        except KeyboardInterrupt:
            _ignore_signals()
            if watch.failure:
                self.stderr.write(f"up: {watch.failure}; everything is stopped")
                return 1
            self.stderr.write("up: stopping")
        return 0

    def _greet(self, watch: Watch, options: dict[str, Any]) -> None:
        address = None
        if not options["no_web"]:
            address = f"http://localhost:{options['port']}/"
            _wait_until_it_answers(address)
        processes = watch.wait_for_pids()
        told = {"ok": True, "address": address, "processes": processes}
        if options["json"]:
            self.stdout.write(json.dumps(told))
        else:
            names = ", ".join(processes)
            self.stdout.write(f"\n  {address or 'Up'}   {names}\n  Ctrl-C stops all of it.\n")
        self.stdout.flush()


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
