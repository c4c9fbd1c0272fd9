"""`manage.py up` and `down` on real servers, in names of their own there."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from common.errors import UsageError
from etl_project.processes import kept
from etl_project.processes.refusals import check_port
from tests.deploy.test_commands import free_port
from tests.end_to_end.system import ROOT, SERVERS, System, missing_services, servers, until

ON_SERVERS = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]


def up(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `up` to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", "up", *arguments],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )


def without_servers(var: Path) -> dict[str, str]:
    """An environment that names no server."""
    return {k: v for k, v in os.environ.items() if k not in SERVERS} | {"VAR_DIR": str(var)}


def test_it_says_what_to_do_when_no_servers_are_named(tmp_path: Path) -> None:
    told = up(without_servers(tmp_path))
    assert told.returncode == 2
    for word in ("DATABASE_URL=postgres://", "BROKER_URL=amqp://", "make services", "demo"):
        assert word in told.stderr


def test_it_says_which_server_does_not_answer_and_shows_no_password(tmp_path: Path) -> None:
    env = without_servers(tmp_path) | {
        "DATABASE_URL": f"postgres://me:wordword@127.0.0.1:{free_port()}/none",
        "BROKER_URL": "amqp://guest:guest@127.0.0.1:1/",
    }
    told = up(env)
    assert told.returncode == 2
    assert "PostgreSQL at me@127.0.0.1" in told.stderr
    assert "wordword" not in told.stderr


def test_once_is_of_the_demo_only(tmp_path: Path) -> None:
    told = up(without_servers(tmp_path), "--once")
    assert told.returncode == 2
    assert "--demo" in told.stderr


def test_nothing_to_run_is_refused(tmp_path: Path) -> None:
    told = up(without_servers(tmp_path), "--no-web", "--workers", "0", "--schedulers", "0")
    assert told.returncode == 2
    assert "leaves nothing to run" in told.stderr


def test_a_port_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="from 1 to 65535"):
        check_port(99999)


def test_down_where_nothing_runs_is_fine(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "manage.py", "down"],
        cwd=ROOT,
        env=without_servers(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (told.returncode, told.stdout) == (0, "Nothing is running.\n")


class Up:
    """An `up` that runs. processes: pids by name, as it tells them."""

    def __init__(self, system: System, *arguments: str) -> None:
        self.directory = Path(system.env["VAR_DIR"]) / "up"
        self.log = self.directory.parent / "up.log"
        self.log.write_text("")
        self.port = free_port()
        self.process = subprocess.Popen(
            [
                *(sys.executable, "manage.py", "up", "--json", "--port", str(self.port)),
                *("--workers", "1", "--schedulers", "1", *arguments),
            ],
            cwd=ROOT,
            env=system.env,
            stdout=subprocess.PIPE,
            stderr=self.log.open("ab"),
            text=True,
        )
        assert self.process.stdout is not None
        told: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.address: str = told["address"]
        self.processes: dict[str, int] = told["processes"]

    def worker_is_ready(self) -> bool:
        """Whether the worker's own process has started."""
        return "ready for action" in self.log.read_text()

    def worker_pids(self) -> set[int]:
        """The pids of the worker commands that run."""
        found = set()
        for process in kept.marked(self.directory):
            with suppress(psutil.Error):
                is_worker = process.environ().get("PROCESS_NAME") == "worker-1"
                if is_worker and process.pid == os.getpgid(process.pid):
                    found.add(process.pid)
        return found


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Names on the servers, with nothing running."""
    if missing := missing_services():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"cannot be reached: {', '.join(missing)}")
    system = System(tmp_path_factory.mktemp("var"))
    with servers(system):
        yield system


class TestOnServers:
    """What needs all of them."""

    pytestmark = ON_SERVERS

    @pytest.fixture(autouse=True)
    def ended(self, system: System) -> Iterator[None]:
        """Leave nothing running to the next test."""
        yield
        system.manage("down")

    def test_one_terminal_runs_all_of_it_and_a_killed_worker_comes_back(
        self, system: System
    ) -> None:
        it = Up(system)
        assert set(it.processes) == {"web", "worker-1", "scheduler-1"}
        with urllib.request.urlopen(f"{it.address}readyz", timeout=10) as answer:
            assert answer.status == 200
        until("the worker works", it.worker_is_ready)
        worker = psutil.Process(it.processes["worker-1"])
        worker.children()[0].kill()
        until("there is another worker", lambda: it.worker_pids() - {worker.pid}, 10)
        second = up(system.env)
        assert second.returncode == 2
        assert f"it is up already (pid {it.process.pid})" in second.stderr
        it.process.send_signal(signal.SIGTERM)
        assert it.process.wait(30) == 0
        assert kept.marked(it.directory) == []

    def test_a_taken_port_is_told(self, system: System) -> None:
        with closing(socket.socket()) as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            told = up(system.env, "--port", str(taken.getsockname()[1]))
        assert told.returncode == 2
        assert "is taken; give another by --port" in told.stderr

    def test_what_a_killed_up_has_left_the_next_one_stops(self, system: System) -> None:
        first = Up(system)
        first.process.kill()
        first.process.wait()
        assert kept.marked(first.directory)
        second = Up(system)
        for pid in first.processes.values():
            assert not is_alive(pid)
        system.manage("down")
        assert second.process.wait(30) == 0
        assert kept.marked(second.directory) == []

    def test_down_stops_what_a_killed_up_has_left(self, system: System) -> None:
        it = Up(system, "--no-web")
        assert "web" not in it.processes
        it.process.kill()
        it.process.wait()
        assert system.manage("down") == "Everything is stopped.\n"
        assert kept.marked(it.directory) == []

    def test_the_demo_on_servers_ends_in_the_tables_of_the_embedded_one(
        self, system: System, tmp_path: Path
    ) -> None:
        ended = up(system.env, "--demo", "--once", "--json", "--port", str(free_port()))
        assert ended.returncode == 0, ended.stderr[-3000:]
        told = json.loads(ended.stdout.splitlines()[-1])
        assert told["ok"]
        assert told["loaded"] == told["ledger"]
        assert {run["state"] for run in told["runs"]} == {"completed"}
        embedded = System(tmp_path, embedded=True)
        embedded.manage("demo", "--once", "--json", "--port", str(free_port()))
        for tenant in ("acme", "globex"):
            assert system.hashes(tenant) == embedded.hashes(tenant)


def is_alive(pid: int) -> bool:
    """Whether a process still does anything."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
