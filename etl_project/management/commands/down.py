"""`manage.py down`: stop what `manage.py up` started, and what a killed `up` has left."""

import os
import signal
import time
from contextlib import suppress
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from etl_project.processes import kept

PATIENCE_SECONDS: Final = 35.0


class Command(BaseCommand):
    help = (
        "Stop the processes that `manage.py up` of the same VAR_DIR runs, those of a killed `up` "
        "too, and wait until they are gone; running steps end first, for half a minute at most. "
        "Exit code 0: nothing runs; 1: something could not be stopped."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        directory = kept.up_directory()
        pid = kept.running(directory)
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
            deadline = time.monotonic() + PATIENCE_SECONDS
            while kept.running(directory) == pid and time.monotonic() < deadline:
                time.sleep(0.1)
            if kept.running(directory) == pid:
                # It hangs: its children are ours to stop.
                os.kill(pid, signal.SIGKILL)
        left = kept.end_all(directory)
        if remaining := kept.marked(directory):
            pids = ", ".join(str(process.pid) for process in remaining)
            raise CommandError(f"these processes could not be stopped: {pids}")
        if pid is None and not left:
            self.stdout.write("Nothing is running.")
        else:
            self.stdout.write("Everything is stopped.")
