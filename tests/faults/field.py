"""Workers, schedulers and runs on servers of their own; and how long a run stood still."""

import os
import random
import signal
import statistics
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg2

from tests.end_to_end.system import System, until
from tests.faults.servers import Servers, descendants

ITEMS: Final = int(os.environ.get("FAULT_ITEMS", "2000"))
LINES_A_PAGE: Final = max(1, ITEMS * 300 // 20_000)
"""So that a run has about 200 transform steps, however many items there are."""

LEASE_SECONDS: Final = 5
SWEEP_SECONDS: Final = 2
START_SECONDS: Final = 5
"""What a process may take to begin, on a machine that is busy."""

RUN_SECONDS: Final = 240
_DONE: Final = "SELECT count(*) FROM etl_job_queue WHERE state = 'done' AND stage = 'transform'"
_STEPS: Final = "SELECT id FROM etl_job_queue WHERE stage IN ('transform', 'load')"
_FINISHED: Final = "SELECT extract(epoch FROM min(finished_at)) FROM etl_job_queue"


@dataclass
class Outcome:
    """What a fault did to its runs: seconds until the next step was begun and done, and until all
    that was in hand at that moment was done."""

    went_on: list[float] = field(default_factory=list)
    repaired: list[float] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


OUTCOMES: Final[dict[str, Outcome]] = defaultdict(Outcome)
"""By the fault, in the order in which they were tried."""


def table() -> list[str]:
    """Return the outcomes as lines of a table; seconds."""
    names = max(map(len, OUTCOMES), default=0)
    told = f"a lease of {LEASE_SECONDS} s, swept every {SWEEP_SECONDS} s"
    lines = [told, f"{'fault':{names}}  times  went on: median    max   in hand done again: max"]
    for name, outcome in OUTCOMES.items():
        told = f"{name:{names}}"
        if outcome.went_on:
            median, most = statistics.median(outcome.went_on), max(outcome.went_on)
            told += f"  {len(outcome.went_on):5}  {median:15.2f}  {most:5.2f}"
        if outcome.repaired:
            told += f"  {max(outcome.repaired):24.2f}"
        lines.append(told)
        lines += [f"{'':{names}}  {remark}" for remark in outcome.remarks]
    return lines


class Up:
    """Two workers and two schedulers, which `manage.py up` starts again when they end."""

    def __init__(self, system: System) -> None:
        scale = ("--workers", "2", "--threads", "2", "--schedulers", "2")
        self._up = system.start_manage("up", "--no-web", *scale)

    def groups(self, role: str) -> list[int]:
        """Return the process groups of `worker` or `scheduler` that run."""
        return [
            process.pid
            for supervisor in _children(self._up.pid)
            for process in _children(supervisor.pid)
            if _role_of(process) == role
        ]


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return []


def _role_of(process: psutil.Process) -> str:
    try:
        command = process.cmdline()
    except psutil.Error:
        return ""
    if "scheduler" in command:
        return "scheduler"
    return "worker" if {"worker", "jobs.boot"} & set(command) else ""


class Field:
    """Where runs are disturbed: servers, two workers, two schedulers; all names are its own."""

    def __init__(
        self, servers: Servers, var: Path, database: str, extra: dict[str, str] | None = None
    ) -> None:
        self.servers = servers
        self.system = System(var)
        self._log = var / "processes.log"
        self.chance = random.Random(5)
        self.system.env |= {
            "DATABASE_URL": servers.postgresql.database(database),
            "BROKER_URL": servers.rabbitmq.url,
            "CHANNEL_LAYER_URL": servers.redis.url,
            "STEP_LEASE_SECONDS": str(LEASE_SECONDS),
            "STEP_BACKOFF_SECONDS": "0.2",
            **(extra or {}),
        }
        with _autocommit(servers.postgresql.url) as cursor:
            cursor.execute(f"CREATE DATABASE {database}")
        self.system.manage("migrate", "-v0")
        self._up: Up | None = None

    def start(self) -> None:
        """Start workers and schedulers."""
        self._up = Up(self.system)
        until("two workers run", lambda: len(self.groups("worker")) == 2)
        until("two schedulers run", lambda: len(self.groups("scheduler")) == 2)

    def stop(self) -> None:
        """Stop every process."""
        self._up = None
        self.system.stop()

    def groups(self, role: str) -> list[int]:
        """Return the process groups of `worker` or `scheduler`."""
        return self._up.groups(role) if self._up is not None else []

    def kill_one(self, role: str) -> None:
        """Kill one of the processes of a role, with its children; wait for one to be there."""
        until(f"a {role} runs", lambda: bool(self.groups(role)))
        signal_group(self.chance.choice(self.groups(role)), signal.SIGKILL)

    def log(self) -> str:
        """Return what all processes have said."""
        return self._log.read_text(errors="replace")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query, as soon as the database answers."""
        deadline, pause = time.monotonic() + 60, threading.Event()
        while True:
            try:
                return self.system.rows(sql)
            except psycopg2.Error:
                assert time.monotonic() < deadline, "the database does not answer"
                pause.wait(0.1)

    def execute(self, sql: str) -> None:
        """Execute a statement and commit."""
        with _autocommit(self.system.env["DATABASE_URL"]) as cursor:
            cursor.execute(sql)

    def hashes(self, tenant: str) -> dict[str, str]:
        """Return the hash of every exported table of a tenant."""
        self.execute("ANALYZE")  # the planner can only guess of what was loaded this minute
        return self.system.hashes(tenant)


class Disturbed:
    """An import on the field, and the fault that hits it. Of a tenant of its own."""

    def __init__(self, on: Field, world: Path, fault: str) -> None:
        self.field = on
        self.fault = fault
        self.outcome = OUTCOMES[fault]
        self.tenant = f"t{len(OUTCOMES)}-{on.chance.randrange(10**6)}"
        self._in_hand: list[tuple[float, list[int]]] = []
        self._already = self._done()
        self.importing = start_import(on, world, self.tenant)

    @property
    def servers(self) -> Servers:
        """The servers that it runs on."""
        return self.field.servers

    def _done(self) -> int:
        return int(self.field.rows(_DONE)[0][0])

    def reach(self, steps: int) -> None:
        """Wait until so many of its transform steps are done."""
        until(
            f"{steps} transform steps are done",
            lambda: self._done() >= self._already + steps,
            seconds=RUN_SECONDS,
        )

    def goes_on(self, within: float) -> None:
        """Wait for a step that is begun and done from now on; note the seconds.

        Steps that workers do: those of extract are done by the command itself, without hints.
        """
        moment = time.time()
        running, waiting = (
            [step for (step,) in self.field.rows(f"{_STEPS} AND state = '{state}'")]
            for state in ("running", "queued")
        )
        assert running or waiting or not self._is_extracted(), "the run was over before the fault"
        self._in_hand.append((moment, running))
        ended = (
            f"{_FINISHED} WHERE state = 'done' AND stage IN ('transform', 'load')"
            f" AND started_at > to_timestamp({moment})"
        )
        until("a step is done", lambda: self.field.rows(ended)[0][0] is not None, RUN_SECONDS)
        seconds = float(self.field.rows(ended)[0][0]) - moment
        self.outcome.went_on.append(seconds)
        assert seconds <= within, f"it stood still for {seconds:.1f} s"

    def _is_extracted(self) -> bool:
        extracts = "stage = 'extract' AND state IN ('queued', 'running')"
        return not self.field.rows(f"SELECT 1 FROM etl_job_queue WHERE {extracts} LIMIT 1")

    def has_ended(self) -> bool:
        """Whether no run goes on."""
        return not self.field.rows("SELECT 1 FROM etl_job_runs WHERE state = 'running'")

    def ends(self) -> None:
        """Wait for the end of the run and of the command; nothing is open or dead then."""
        until("the run ends", self.has_ended, seconds=RUN_SECONDS)
        assert self.importing.wait(60) == 0
        assert not_done(self.field) == []
        for moment, steps in self._in_hand:
            if steps:
                ids = ", ".join(map(str, steps))
                last = _FINISHED.replace("min", "max")
                finished = self.field.rows(f"{last} WHERE id IN ({ids})")[0][0]
                self.outcome.repaired.append(float(finished) - moment)

    def run_seconds(self) -> float:
        """Return how long the run took, by its own clock."""
        sql = (
            "SELECT extract(epoch FROM max(r.finished_at) - min(r.started_at)) FROM etl_job_runs r"
            f" JOIN tenants t ON t.id = r.tenant_id WHERE t.slug = '{self.tenant}'"
        )
        return float(self.field.rows(sql)[0][0])


def start_import(on: Field, world: Path, tenant: str) -> "subprocess.Popen[bytes]":
    """Start importing the generated recording into a tenant."""
    lines = ("--lines-a-page", str(LINES_A_PAGE))
    return on.system.start_manage(
        "import_raw", str(world), "--tenant", tenant, "--create", "--json", *lines
    )


def not_done(on: Field) -> list[tuple[Any, ...]]:
    """Return steps that are open or dead; a load that another took over is cancelled."""
    return on.rows(
        "SELECT run_id, stage, key, state, error FROM etl_job_queue"
        " WHERE state NOT IN ('done', 'cancelled')"
    )


def signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group and to the groups of its descendants."""
    groups = {group} | {_group_of(pid) for pid in descendants(group)} - {0}
    for each in groups:
        with suppress(ProcessLookupError):
            os.killpg(each, number)


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


@contextmanager
def _autocommit(url: str) -> Iterator[Any]:
    """A cursor whose statements commit at once."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()
