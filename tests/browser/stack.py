"""The real stack for browser tests: web server, workers, scheduler and servers, and a source.

On a database and a virtual host of its own; Redis is a process of its own, which tests stop. Each
piece can be killed, stopped and started again. The source is slow until a test hurries it.
"""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from sandbox.generate.world import World
from sandbox.options import Options
from tests.end_to_end.system import System, kill, missing_services, servers, until
from tests.faults.servers import Redis, descendants, free_port
from tests.live.served import Served, served

TENANT: Final = "acme"
ITEMS: Final = 300
SLOW_MS: Final = 400
"""What the source takes for an answer, so that a run takes half a minute unless it is hurried."""
LEASE_SECONDS: Final = 4
PAGE_SIZE: Final = 10
WORKERS: Final = 2

Process = subprocess.Popen[bytes]


class Stack:
    """All that runs. address: of the site, whose TENANT has the members of `members` in it."""

    def __init__(self, system: System, redis: Redis, source: Served) -> None:
        self.system = system
        self.redis = redis
        self.source = source
        self.workers: list[Process] = []
        self.port = free_port()
        self.address = f"http://localhost:{self.port}"

    def prepare(self) -> None:
        """Make the tables, the tenant with an integration, and its members."""
        self.system.manage("migrate", "-v0")
        self.connect("jira", "jira")
        self.system.run(sys.executable, "-m", "tests.browser.members", TENANT)

    def start(self) -> None:
        """Start web server, scheduler and two workers; return when they serve and work."""
        place = ("--host", "127.0.0.1", "--port", str(self.port), "--log-level", "warning")
        self.web = self.system.start(
            sys.executable, "-m", "uvicorn", "etl_project.asgi:application", *place
        )
        self.scheduler = self.system.start_manage("scheduler")
        for _ in range(WORKERS):
            self.start_worker()
        until("the site answers", self._answers)
        until("the workers work", lambda: self.workers_there() == WORKERS)

    def start_worker(self) -> Process:
        """Start one more worker."""
        worker = self.system.start_manage("worker", "--processes", "1", "--threads", "2")
        self.workers.append(worker)
        return worker

    def kill_worker_of(self, run: int) -> str:
        """Kill a worker that has a step of a run in hand, with its children; return its name."""
        holding = f"SELECT leased_by FROM etl_job_queue WHERE run_id = {run} AND state = 'running'"
        until("a worker has a step in hand", lambda: self.rows(holding))
        names = {name for (name,) in self.rows(holding)}
        for name, pid in self.rows("SELECT name, pid FROM etl_processes WHERE role = 'worker'"):
            for worker in self.workers:
                if name in names and pid in (worker.pid, *descendants(worker.pid)):
                    kill(worker)
                    self.workers.remove(worker)
                    return str(name)
        raise AssertionError(f"no worker of ours is one of {names}")

    def let_heartbeats_pass(self) -> None:
        """Wait until each worker has said once more that it is there, at most five seconds.

        Those that had anything to do would have done it meanwhile.
        """
        begun = self.one("SELECT now()")
        said = (
            "SELECT count(*) FROM etl_processes"
            f" WHERE role = 'worker' AND seen_at > '{begun.isoformat()}'"
        )
        until("the workers say that they are there", lambda: self.one(said) >= len(self.workers))

    def mend(self) -> None:
        """Start again what a test has killed and not started itself."""
        if not self.redis.answers():
            self.redis.kill()
            self.redis.start()
        while len(self.workers) < WORKERS:
            self.start_worker()

    def workers_there(self) -> int:
        """Return how many workers have said that they are there."""
        return int(self.one("SELECT count(*) FROM etl_processes WHERE role = 'worker'"))

    def slow(self, milliseconds: int = SLOW_MS) -> None:
        """Let each answer of the source take so long."""
        self.source.control("options", {"latency_ms": milliseconds})

    def hurry(self) -> None:
        """Let the source answer at once."""
        self.slow(0)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.system.rows(sql)

    def one(self, sql: str) -> Any:
        """Return the only value of a query."""
        return self.system.rows(sql)[0][0]

    def counts(self, run: int) -> dict[str, int]:
        """Return what a run's steps in the database add up to, by the names of the page."""
        sql = (
            "SELECT coalesce(sum(record_count) FILTER (WHERE stage = 'transform'), 0),"
            " coalesce(sum(row_count) FILTER (WHERE stage = 'load'), 0),"
            " coalesce(sum(skipped_count), 0), coalesce(sum(quarantined_count), 0)"
            f" FROM etl_job_queue WHERE run_id = {run}"
        )
        names = ("records", "rows", "skipped", "quarantined")
        return dict(zip(names, self.rows(sql)[0], strict=True))

    def name_of(self, integration: int) -> str:
        """Return the name of an integration."""
        return str(self.one(f"SELECT name FROM integrations WHERE id = {integration}"))

    def open_steps(self, run: int) -> int:
        """Return how many steps of a run wait or are under way."""
        is_open = f"run_id = {run} AND state IN ('queued', 'running')"
        return int(self.one(f"SELECT count(*) FROM etl_job_queue WHERE {is_open}"))

    def work_items(self, integration: int) -> int:
        """Return how many work items of an integration are loaded."""
        return int(
            self.one(f"SELECT count(*) FROM work_items WHERE integration_id = {integration}")
        )

    def connect(self, provider: str, name: str) -> int:
        """Connect an integration with the source, nothing of which is there yet; return its id."""
        given = self.source.ready[provider]
        settings = {**given["settings"], "page_size": PAGE_SIZE}
        self.system.manage(
            *("connect", "--tenant", TENANT, "--create", "--provider", provider),
            *("--name", name, "--base-url", given["base_url"]),
            *("--user", given["user"], "--token", given["token"]),
            *(part for key, value in settings.items() for part in ("--setting", f"{key}={value}")),
        )
        return int(self.one(f"SELECT id FROM integrations WHERE name = '{name}'"))

    def _answers(self) -> bool:
        assert self.web.poll() is None, "the web server ended"
        try:
            with urllib.request.urlopen(f"{self.address}/readyz", timeout=2):
                return True
        except OSError:
            return False


@contextmanager
def running_stack(directory: Path) -> Iterator[Stack]:
    """Start everything; leave nothing of it behind."""
    with ExitStack() as closing:
        system = System(directory)
        redis = Redis(directory)
        closing.callback(redis.kill)
        redis.start()
        system.env |= {
            "CHANNEL_LAYER_URL": redis.url,
            "EGRESS_ALLOWED_PRIVATE_CIDRS": "127.0.0.0/8",
            "STEP_LEASE_SECONDS": str(LEASE_SECONDS),
            "STEP_BACKOFF_SECONDS": "0.2",
            "LOAD_LINGER_SECONDS": "0.2",
        }
        closing.enter_context(servers(system))
        closing.callback(system.stop)
        world = World(items=ITEMS, shape="v3", lean=True)
        source = closing.enter_context(served(world, Options(latency_ms=SLOW_MS)))
        stack = Stack(system, redis, source)
        stack.prepare()
        stack.start()
        yield stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, started once; where it cannot be, CI fails and others are told what is missing."""
    if missing := missing_services():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"live runs in a browser need what cannot be reached: {', '.join(missing)}")
    with running_stack(tmp_path_factory.mktemp("stack")) as started:
        yield started
