"""Runs by processes on PostgreSQL and RabbitMQ are paused and cancelled while workers wait for a
slow source and in a load that does not end: they stop within seconds, and nothing is lost."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest

from sandbox.generate.world import World
from tests.end_to_end.system import System, missing_services, servers, until, worker_command
from tests.live.served import Served, served

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

STOPS_WITHIN = 5.0
SLOW_MS = 8_000
"""What the source takes for an answer while a run is stopped: longer than it may take to stop."""


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Two workers and a scheduler."""
    if missing := missing_services():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"cannot be reached: {', '.join(missing)}")
    system = System(tmp_path_factory.mktemp("var"))
    system.env |= {"EGRESS_ALLOWED_PRIVATE_CIDRS": "127.0.0.0/8", "LOAD_LINGER_SECONDS": "0.2"}
    # Much longer than a run may take to stop, so that no lease that runs out helps.
    system.env |= {"STEP_LEASE_SECONDS": "120"}
    with servers(system):
        system.manage("migrate", "-v0")
        for _ in range(2):
            system.start_manage(*worker_command())
        system.start_manage("scheduler")
        try:
            yield system
        finally:
            system.stop()


def test_what_is_stopped_ends_within_five_seconds_and_goes_on_to_the_same_tables(
    system: System,
) -> None:
    with served(World(items=200, seed=7, shape="v3", lean=True)) as source:
        for tenant in ("calm", "stopped", "cancelled"):
            connect(system, source, tenant)
        calm = start(system, "calm")
        until("the calm run ends", lambda: state(system, calm) == "completed", seconds=120)

        with slow(source):
            run = start(system, "stopped")
            under_way(system, run, "extract")
            ask(system, "pause", run)
            assert seconds_to_stop(system, run) < STOPS_WITHIN
            assert attempts(system, run) == 0
        with loads_held_up(system):
            ask(system, "resume", run)
            under_way(system, run, "load")
            ask(system, "pause", run)
            assert seconds_to_stop(system, run) < STOPS_WITHIN
            assert attempts(system, run) == 0
        assert state(system, run) == "running"
        ask(system, "resume", run)
        until("it ends", lambda: state(system, run) == "completed", seconds=120)
        assert system.hashes("stopped") == system.hashes("calm")

        with slow(source):
            gone = start(system, "cancelled")
            under_way(system, gone, "extract")
            ask(system, "cancel", gone)
            assert seconds_to_stop(system, gone) < STOPS_WITHIN
            until("it has ended", lambda: state(system, gone) == "cancelled", seconds=3)
        after = start(system, "cancelled")
        until("the next one ends", lambda: state(system, after) == "completed", seconds=120)
        assert system.hashes("cancelled") == system.hashes("calm")
        for table, count in source.ledger().items():
            if table in ("work_items", "work_item_changelogs"):
                (found,) = system.rows(f"SELECT count(*) FROM {table}")[0]
                assert found == 3 * count, table


def connect(system: System, source: Served, tenant: str) -> None:
    """Connect a tenant with the Jira that is served, to be read in small pages."""
    given = source.ready["jira"]
    settings = {**given["settings"], "page_size": "10"}
    system.manage(
        *("connect", "--tenant", tenant, "--create", "--provider", "jira", "--name", "jira"),
        *("--base-url", given["base_url"], "--user", given["user"], "--token", given["token"]),
        *(part for name, value in settings.items() for part in ("--setting", f"{name}={value}")),
    )


def start(system: System, tenant: str) -> int:
    """Start a run; return its number."""
    run = ("run_job", "--tenant", tenant, "--integration", "jira", "--json")
    number: int = json.loads(system.manage(*run))["run"]
    return number


def ask(system: System, what: str, run: int) -> None:
    """Pause, resume or cancel a run, as its buttons do."""
    system.manage(
        "shell",
        "-v0",
        "-c",
        "from jobs.control import runs; from jobs.models import JobRun; "
        "from tenants.scope import every_tenant; scope = every_tenant('test'); "
        f"scope.__enter__(); runs.{what}(JobRun.objects.get(pk={run}), 'ann')",
    )


def state(system: System, run: int) -> str:
    """Return the state of a run."""
    found: str = system.rows(f"SELECT state FROM etl_job_runs WHERE id = {run}")[0][0]
    return found


def under_way(system: System, run: int, stage: str) -> None:
    """Wait until a step of a run and stage is worked."""
    working = f"run_id = {run} AND stage = '{stage}' AND state = 'running'"
    until(
        f"a step of {stage} is worked",
        lambda: system.rows(f"SELECT 1 FROM etl_job_queue WHERE {working}"),
    )


def seconds_to_stop(system: System, run: int) -> float:
    """Wait until nothing of a run is worked; return how long ago it was asked to stop then."""
    working = f"SELECT 1 FROM etl_job_queue WHERE run_id = {run} AND state = 'running'"
    until("nothing is worked", lambda: not system.rows(working), seconds=2 * STOPS_WITHIN)
    asked = f"SELECT extract(epoch FROM now() - stop_asked_at) FROM etl_job_runs WHERE id = {run}"
    seconds = system.rows(asked)[0][0]
    # One that has ended was asked to stop no more; its log says when.
    if seconds is None:
        told = "SELECT extract(epoch FROM max(created_at) - min(created_at)) FROM etl_run_log"
        seconds = system.rows(f"{told} WHERE run_id = {run} AND message LIKE '%ancelled%'")[0][0]
    return float(seconds)


def attempts(system: System, run: int) -> int:
    """Return the most attempts that are counted of a step of a run that waits."""
    waiting = f"run_id = {run} AND state = 'queued'"
    return int(
        system.rows(f"SELECT coalesce(max(attempts), 0) FROM etl_job_queue WHERE {waiting}")[0][0]
    )


@contextmanager
def slow(source: Served) -> Iterator[None]:
    """Let each answer of the source take long while the block runs."""
    source.control("options", {"latency_ms": SLOW_MS})
    try:
        yield
    finally:
        source.control("options", {"latency_ms": 0})


@contextmanager
def loads_held_up(system: System) -> Iterator[None]:
    """Let no load of work items end while the block runs."""
    holding = psycopg2.connect(system.env["DATABASE_URL"])
    with holding.cursor() as cursor:
        cursor.execute("LOCK TABLE work_items IN SHARE MODE")
    try:
        yield
    finally:
        holding.rollback()
        holding.close()
