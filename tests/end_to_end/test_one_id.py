"""One id, followed through the processes of the system: scheduler, worker, PostgreSQL, web."""

import json
import os
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect as open_socket

from sandbox.generate.world import World
from tests.end_to_end.system import System, missing_services, servers, until
from tests.live.served import Served, served

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

MAKE_DUE = """
INSERT INTO etl_jobs (tenant_id, integration_id, interval_minutes, cron, retry_minutes, is_active,
                      next_run_at, next_slot_at)
SELECT tenant_id, id, 60, '', 15, true, now(), now() FROM integrations
ON CONFLICT (integration_id) DO UPDATE
SET interval_minutes = 60, next_run_at = now(), next_slot_at = now()
RETURNING id
"""
LOG_IN = """
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_superuser("ada"))
print(client.cookies[settings.SESSION_COOKIE_NAME].value)
"""


@pytest.fixture
def var(tmp_path: Path) -> Path:
    """Where the processes log."""
    return tmp_path


@pytest.fixture
def system(var: Path) -> Iterator[System]:
    """A worker, a scheduler and the site, each with a name in the log; see `site`."""
    if missing := missing_services():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"cannot be reached: {', '.join(missing)}")
    system = System(var)
    system.env |= {"EGRESS_ALLOWED_PRIVATE_CIDRS": "127.0.0.0/8", "LOG_FORMAT": "json"}
    with servers(system):
        system.manage("migrate", "-v0")
        try:
            yield system
        finally:
            system.stop()


def start(system: System, name: str, *command: str) -> None:
    """Start a process under a name."""
    system.env["PROCESS_NAME"] = name
    system.start(sys.executable, *command)


def start_all(system: System) -> int:
    """Start everything; return the port of the site once all of it is ready."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    start(system, "worker-1", "manage.py", "worker", "--processes", "1", "--threads", "2")
    start(system, "scheduler-1", "manage.py", "scheduler")
    start(system, "web", "-m", "uvicorn", "etl_project.asgi:application", "--port", str(port))
    until("all is ready", lambda: readiness(port).get("status") == "ok")
    return port


def readiness(port: int) -> dict[str, Any]:
    """What `/readyz` says; nothing while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            report: dict[str, Any] = json.load(answer)
            return report
    except (OSError, urllib.error.HTTPError):
        return {}


def connect(system: System, source: Served) -> None:
    """Connect a tenant with the Jira that is served."""
    given = source.ready["jira"]
    settings = [f"{name}={value}" for name, value in given["settings"].items()]
    system.manage(
        *("connect", "--tenant", "acme", "--create", "--provider", "jira", "--name", "jira"),
        *("--base-url", given["base_url"], "--user", given["user"], "--token", given["token"]),
        *(part for setting in settings for part in ("--setting", setting)),
    )


def snapshot(system: System, port: int, run: int) -> dict[str, Any]:
    """The state of the run as a socket is told it first."""
    session = system.manage("shell", "-v0", "-c", LOG_IN).strip()
    address = f"ws://127.0.0.1:{port}/ws/v1/"
    headers = {"Cookie": f"sessionid={session}", "Origin": f"http://127.0.0.1:{port}"}
    with open_socket(address, additional_headers=headers) as page:
        page.send(json.dumps({"type": "subscribe", "topic": f"run:{run}"}))
        assert json.loads(page.recv(timeout=20))["authenticated"]
        told: dict[str, Any] = json.loads(page.recv(timeout=20))
        assert told["type"] == "snapshot"
        state: dict[str, Any] = told["state"]
        return state


def lines(var: Path) -> list[dict[str, Any]]:
    """What the processes logged, but for the few lines that commands print."""
    text = (var / "processes.log").read_text()
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_the_id_of_a_scheduled_run_is_in_the_log_of_every_process_in_sql_and_on_the_socket(
    system: System, var: Path
) -> None:
    port = start_all(system)
    with served(World(items=120, seed=5, shape="v3", lean=True)) as source:
        connect(system, source)
        system.rows(MAKE_DUE)
        until("a run is started", lambda: bool(system.rows("SELECT 1 FROM etl_job_runs")))
        ((run, trace),) = system.rows("SELECT id, trace_id FROM etl_job_runs")
        comment = f"/* trace={trace} step=%"
        watched = f"SELECT 1 FROM pg_stat_activity WHERE query LIKE '{comment}'"
        until("PostgreSQL shows it", lambda: bool(system.rows(watched)))
        ended = "SELECT 1 FROM etl_job_runs WHERE state = 'completed'"
        until("the run ends", lambda: bool(system.rows(ended)))
    assert len(trace) == 16
    assert snapshot(system, port, run)["trace_id"] == trace
    assert system.rows("SELECT DISTINCT trace_id FROM etl_job_queue") == [(trace,)]
    until("the web has told it", lambda: "web" in who_told(var, trace))
    assert who_told(var, trace) == {"scheduler-1", "worker-1", "web"}
    worked = {line["step"] for line in lines(var) if line.get("trace") == trace and "step" in line}
    assert worked == {step for (step,) in system.rows("SELECT id FROM etl_job_queue")}


def who_told(var: Path, trace: str) -> set[str]:
    """The processes whose log has the trace."""
    return {line["process"] for line in lines(var) if line.get("trace") == trace}
