"""Two tenants on one credential's budget, worked by processes on PostgreSQL and RabbitMQ."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.generate.world import World
from tests.end_to_end.system import System, missing_services, servers, until
from tests.live.served import Served, served

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

LIMITS = [
    {"kind": "jira-gateway", "limit": 15, "window_seconds": 2.0},
    {"kind": "jira-burst-based", "limit": 6, "window_seconds": 1.0},
    {"kind": "github-primary", "limit": 15, "window_seconds": 2.0, "status": 403},
    {"kind": "github-secondary", "limit": 8, "window_seconds": 2.0, "status": 403},
]
COUNTED = {
    "jira": ("work_items", "work_item_changelogs", "sprints"),
    "github": ("pull_requests", "pull_request_commits", "reviews", "comments", "deployments"),
}
LARGE = {"jira": "page_size=2", "github": "page_size=1"}
SMALL = {"jira": "projects=OPS", "github": "repositories=acme/storefront"}


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Two worker processes of four threads each, and a scheduler."""
    if missing := missing_services():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"cannot be reached: {', '.join(missing)}")
    system = System(tmp_path_factory.mktemp("var"))
    system.env |= {"EGRESS_ALLOWED_PRIVATE_CIDRS": "127.0.0.0/8", "HTTP_WAIT_SECONDS": "1"}
    with servers(system):
        system.manage("migrate", "-v0")
        for _ in range(2):
            system.start_manage("worker", "--processes", "1", "--threads", "4")
        system.start_manage("scheduler")
        try:
            yield system
        finally:
            system.stop()


def connect(system: System, source: Served, tenant: str, provider: str, setting: str) -> None:
    """Connect a tenant with everything that is served, but for a setting."""
    given = source.ready[provider]
    settings = {**given["settings"], **dict([setting.split("=")])}
    system.manage(
        *("connect", "--tenant", tenant, "--create", "--provider", provider, "--name", provider),
        *("--base-url", given["base_url"], "--user", given["user"], "--token", given["token"]),
        *(part for name, value in settings.items() for part in ("--setting", f"{name}={value}")),
        "--test",
    )


def start(system: System, tenant: str, provider: str) -> int:
    """Start a run; return its number."""
    run = ("run_job", "--tenant", tenant, "--integration", provider, "--json")
    number: int = json.loads(system.manage(*run))["run"]
    return number


def runs(system: System) -> dict[int, tuple[Any, ...]]:
    """Return state, error and end of every run."""
    found = system.rows("SELECT id, state, error, finished_at FROM etl_job_runs")
    return {row[0]: row[1:] for row in found}


def test_two_tenants_of_two_processes_keep_to_the_limits_and_load_everything(
    system: System,
) -> None:
    with served(World(items=120, seed=5, shape="v3", lean=True)) as source:
        for provider in ("jira", "github"):
            connect(system, source, "large", provider, LARGE[provider])
            connect(system, source, "small", provider, SMALL[provider])
        keys = system.rows("SELECT DISTINCT provider, budget_key FROM integrations")
        assert len(keys) == 2
        source.control("limits", {"rules": LIMITS})
        source.forget_requests()
        started = {
            provider: (start(system, "large", provider), start(system, "small", provider))
            for provider in ("jira", "github")
        }
        until("the runs end", lambda: not _running(system), seconds=180)
        found = runs(system)
        assert [(state, error) for state, error, _ in found.values()] == [("completed", "")] * 4
        asked = source.requests()
        assert asked["violating"] == []
        assert asked["refused"] > 10
        for provider, (large, small) in started.items():
            assert found[small][2] < found[large][2]
            for table in COUNTED[provider]:
                assert _count(system, table, "large") == source.ledger()[table], table


def _running(system: System) -> bool:
    return any(state == "running" for state, *_ in runs(system).values())


def _count(system: System, table: str, tenant: str) -> int:
    owned = f"SELECT count(*) FROM {table} WHERE tenant_id = "
    return int(system.rows(f"{owned}(SELECT id FROM tenants WHERE slug = '{tenant}')")[0][0])
