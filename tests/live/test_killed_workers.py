"""Live runs by processes on PostgreSQL and RabbitMQ, while workers are killed and queues purged:
equal to the ledger, and to a run that nothing disturbed."""

import json
import os
from collections.abc import Iterator

import pytest

from integrations.contract import LISTED
from sandbox.generate.world import World
from sandbox.options import Options
from tests.end_to_end.system import (
    System,
    kill,
    missing_services,
    servers,
    until,
    worker_command,
)
from tests.end_to_end.test_processes import not_done, purge
from tests.live.served import Served, served

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

ITEMS = 2_000
LISTS = ("projects", "wits", "statuses", "sprints", "repositories")
PAGE_SIZE = {"jira": "20", "github": "10"}


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Two workers and a scheduler."""
    if missing := missing_services():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"cannot be reached: {', '.join(missing)}")
    system = System(tmp_path_factory.mktemp("var"))
    system.env |= {"EGRESS_ALLOWED_PRIVATE_CIDRS": "127.0.0.0/8"}
    with servers(system):
        system.manage("migrate", "-v0")
        system.workers += [system.start_manage(*worker_command()) for _ in range(2)]
        system.start_manage("scheduler")
        try:
            yield system
        finally:
            system.stop()


def test_killed_workers_and_purged_queues_lose_and_double_nothing(system: System) -> None:
    world = World(items=ITEMS, seed=7, shape="v3", lean=True)
    with served(world, Options(latency_ms=20)) as source:
        for provider in PAGE_SIZE:
            connect(system, source, "calm", provider)
            connect(system, source, "disturbed", provider)
        for provider in PAGE_SIZE:
            start(system, "calm", provider)
        until("the calm runs end", lambda: not is_running(system), seconds=300)

        already = system.steps_done("extract")
        for provider in PAGE_SIZE:
            start(system, "disturbed", provider)
        for steps in (15, 60, 120):
            during(system, already, steps)
            kill(system.workers.pop(0))
            purge(system)
            system.workers.append(system.start_manage(*worker_command()))
        assert is_running(system), "the runs were over before the last worker was killed"
        until("the disturbed runs end", lambda: not is_running(system), seconds=300)

        assert not_done(system) == []
        states = {row[0] for row in system.rows("SELECT state FROM etl_job_runs")}
        assert states == {"completed"}
        assert system.hashes("disturbed") == system.hashes("calm")
        for table, count in source.ledger().items():
            assert rows_of(system, table) == {"calm": count, "disturbed": count}, table
        assert pages_of(system, "disturbed") == pages_of(system, "calm")


def connect(system: System, source: Served, tenant: str, provider: str) -> None:
    """Connect a tenant with everything that is served."""
    given = source.ready[provider]
    settings = {**given["settings"], "page_size": PAGE_SIZE[provider]}
    system.manage(
        *("connect", "--tenant", tenant, "--create", "--provider", provider, "--name", provider),
        *("--base-url", given["base_url"], "--user", given["user"], "--token", given["token"]),
        *(part for name, value in settings.items() for part in ("--setting", f"{name}={value}")),
    )


def start(system: System, tenant: str, provider: str) -> None:
    """Start a run."""
    run = ("run_job", "--tenant", tenant, "--integration", provider, "--json")
    assert json.loads(system.manage(*run))["run"]


def is_running(system: System) -> bool:
    return bool(system.rows("SELECT 1 FROM etl_job_runs WHERE state = 'running'"))


def during(system: System, already: int, steps: int) -> None:
    """Wait until so many extract steps more are done."""
    until(
        f"{steps} extract steps are done",
        lambda: system.steps_done("extract") >= already + steps,
        seconds=120,
    )


def rows_of(system: System, table: str) -> dict[str, int]:
    """Return how many rows of a table each tenant has; what is only mentioned is none."""
    listed = f"WHERE r.authority = {LISTED}" if table in LISTS else ""
    counted = f"SELECT t.slug, count(*) FROM {table} r JOIN tenants t ON t.id = r.tenant_id"
    return dict(system.rows(f"{counted} {listed} GROUP BY t.slug"))


def pages_of(system: System, tenant: str) -> list[tuple[str, ...]]:
    """Return the pages of data that a tenant has stored."""
    return system.rows(
        "SELECT p.stream, p.url_digest, p.body_digest FROM raw_extraction_data p"
        f" JOIN tenants t ON t.id = p.tenant_id WHERE t.slug = '{tenant}' AND p.is_data"
        " ORDER BY 1, 2, 3"
    )
