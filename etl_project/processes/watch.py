"""Follows what Supervisor does, and says so in a line each."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from etl_project.processes import kept
from etl_project.processes.programs import GROUP

_LOOK_EVERY_SECONDS: Final = 0.2
_LONGEST_LOG: Final = 1024 * 1024
_SPAWNED: Final = re.compile(r"spawned: '([\w-]+)' with pid (\d+)")
_EXITED: Final = re.compile(
    r"exited: ([\w-]+) \((?:exit status (\d+)|terminated by (\w+)[^;]*);[^)]*\)"
)
_MISCONFIGURED: Final = "2"


class Watch(threading.Thread):
    """Tells which program ended and was started again, on standard error.

    When nothing is left to watch it sets `failure` and interrupts the main thread.
    """

    def __init__(
        self, directory: Path, child: "subprocess.Popen[bytes]", log: Path, names: list[str]
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self.pids: dict[str, int] = {}
        self.failure = ""
        self._directory = directory
        self._child = child
        self._log = log
        self._names = names
        self._left = set(names)
        self._stopped = threading.Event()
        self._is_interrupted = False

    def wait_for_pids(self, seconds: float = 10.0) -> dict[str, int]:
        """Return the pid of each program by its name, once all were started."""
        deadline = time.monotonic() + seconds
        while len(self.pids) < len(self._names) and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_SECONDS)
        return {name: self.pids[name] for name in self._names if name in self.pids}

    def stop(self) -> None:
        """End the watch: what ends from here on was asked to."""
        self._stopped.set()
        self.join()

    def run(self) -> None:
        """Follow the log until the watch is stopped or nothing is left."""
        with self._log.open() as lines:
            while not self._stopped.wait(_LOOK_EVERY_SECONDS):
                for line in lines:
                    self._take(line)
                if lines.tell() > _LONGEST_LOG:
                    os.truncate(self._log, 0)  # Supervisor appends to whatever is there
                    lines.seek(0)
                if self._child.poll() is not None:
                    self._give_up("Supervisor itself has ended")
                elif not self._left:
                    self._give_up("no program is left")

    def _take(self, line: str) -> None:
        if spawned := _SPAWNED.search(line):
            name, pid = spawned[1], int(spawned[2])
            if name in self.pids:
                self._tell(f"{name} is started again, pid {pid}")
            self.pids[name] = pid
        elif exited := _EXITED.search(line):
            name, code, signal_name = exited.groups()
            how = f"ended with exit code {code}" if code else f"was ended by {signal_name}"
            self._tell(f"{name} {how}")
            if name in self.pids:
                kept.end_orphans(self._directory, self.pids[name])
            if code == _MISCONFIGURED:
                self._leave(name)

    def _leave(self, name: str) -> None:
        """Let a program be that says that its settings are wrong."""
        self._left.discard(name)
        self._tell(
            f"{name} is not started again: exit code 2 means that a setting or an option is wrong; "
            "its own lines above say which. Mend it, then `manage.py down` and `manage.py up`"
        )
        command = [sys.executable, "-m", "supervisor.supervisorctl"]
        command += ["-c", str(self._directory / "supervisord.conf"), "stop", f"{GROUP}:{name}"]
        subprocess.run(command, capture_output=True, check=False, timeout=60)  # noqa: S603

    def _give_up(self, why: str) -> None:
        if not self._is_interrupted:
            self._is_interrupted = True
            self.failure = why
            os.kill(os.getpid(), signal.SIGTERM)

    def _tell(self, text: str) -> None:
        sys.stderr.write(f"up: {text}\n")
        sys.stderr.flush()
