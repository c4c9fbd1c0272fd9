"""The whole system as processes of its own on real servers, in names of its own there."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2

from tests.services import BROKER_URL, CHECKS, DATABASE_URL, REDIS_URL

ROOT = Path(__file__).resolve().parent.parent.parent
SERVERS = ("DATABASE_URL", "BROKER_URL", "RABBITMQ_URL", "RABBITMQ_HOST", "CHANNEL_LAYER_URL")
"""What names a server; not taken over from whoever runs the tests."""

NEEDED = ("PostgreSQL", "RabbitMQ", "Redis")
STOP_SECONDS = 30


def missing_services() -> list[str]:
    """Return the servers that the system needs and that cannot be reached."""
    return [name for name in NEEDED if not CHECKS[name]()]


def until(what: str, true: Callable[[], Any], seconds: float = 60) -> None:
    """Wait until a condition holds; fail with what was waited for after so many seconds."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        pause.wait(0.05)


def rabbitmqctl(*arguments: str) -> None:
    """Run rabbitmqctl; fail if it is not there or refuses."""
    program = shutil.which("rabbitmqctl")
    assert program, "rabbitmqctl is not on the path"
    subprocess.run([program, *arguments], check=True, capture_output=True, timeout=120)


def _with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


class System:
    """Servers' names, and the processes started on them."""

    def __init__(self, var: Path, embedded: bool = False) -> None:
        self.name = f"etl_e2e_{secrets.token_hex(4)}"
        self.processes: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self._log = (var / "processes.log").open("ab")
        given = {name: value for name, value in os.environ.items() if name not in SERVERS}
        self.env = given | {"VAR_DIR": str(var), "SECRET_KEY": secrets.token_hex(32)}
        if not embedded:
            self.env |= {
                "DATABASE_URL": _with_path(DATABASE_URL, self.name),
                "BROKER_URL": _with_path(BROKER_URL, self.name),
                "CHANNEL_LAYER_URL": REDIS_URL,
                "CHANNEL_LAYER_PREFIX": self.name,
                "CONN_MAX_AGE": "600",
                "STEP_LEASE_SECONDS": "5",
                "STEP_REDISPATCH_SECONDS": "3",
                "STEP_MAX_ATTEMPTS": "10",
            }

    def manage(self, *arguments: str, expect: int = 0) -> str:
        """Run a management command to its end, as `run`."""
        return self.run(sys.executable, "manage.py", *arguments, expect=expect)

    def run(self, *command: str, expect: int = 0) -> str:
        """Run a command to its end and return what it printed; fail on another exit code."""
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, capture_output=True, timeout=600, text=True
        )
        assert done.returncode == expect, f"{command}: {done.returncode}\n{done.stderr[-3000:]}"
        return done.stdout

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a process in a group of its own."""
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.env,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def start_manage(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a management command as a process."""
        return self.start(sys.executable, "manage.py", *arguments)

    def hashes(self, tenant: str) -> dict[str, str]:
        """Return the hash of every exported table of a tenant."""
        found: dict[str, str] = json.loads(
            self.manage("export", "all", "--tenant", tenant, "--hash")
        )
        return found

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with (
            psycopg2.connect(self.env["DATABASE_URL"]) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)
            return cursor.fetchall()

    def steps_done(self, stage: str) -> int:
        """Return how many steps of a stage are done."""
        counted = "SELECT count(*) FROM etl_job_queue WHERE state = 'done' AND stage = "
        return int(self.rows(f"{counted} '{stage}'")[0][0])

    def stop(self) -> None:
        """Stop every process, kindly first."""
        for process in self.processes:
            _signal_group(process, signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                kill(process)
        self._log.close()


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and its children outright."""
    _signal_group(process, signal.SIGKILL)
    process.wait(STOP_SECONDS)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)


@contextmanager
def servers(system: System) -> Iterator[None]:
    """Make the system's database and virtual host, and remove them afterwards."""
    _admin_sql(f"CREATE DATABASE {system.name}")
    rabbitmqctl("add_vhost", system.name)
    user = urlsplit(BROKER_URL).username or "guest"
    rabbitmqctl("set_permissions", "-p", system.name, user, ".*", ".*", ".*")
    try:
        yield
    finally:
        rabbitmqctl("delete_vhost", system.name)
        _admin_sql(f"DROP DATABASE {system.name} WITH (FORCE)")


def _admin_sql(sql: str) -> None:
    connection = psycopg2.connect(DATABASE_URL)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


def worker_command() -> Sequence[str]:
    """The worker as the tests start it."""
    return ("worker", "--processes", "1", "--threads", "2")
