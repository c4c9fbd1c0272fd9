"""A record or a page that kills whichever process reads it: set aside, told, and loaded once it is
mended. Workers are processes that `manage.py up` brings back."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.system import System, missing_services, servers

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

ITEMS = 600
LINES_A_PAGE = 100


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated recording."""
    directory = tmp_path_factory.mktemp("world")
    subprocess.run(
        [sys.executable, "manage.py", "make_recording", directory, "--items", str(ITEMS), "--lean"],
        check=True,
        capture_output=True,
    )
    return directory


@pytest.fixture(scope="module")
def poison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that says what is deadly: `record TEXT` or `page TEXT`; without it nothing is."""
    return tmp_path_factory.mktemp("poison") / "poison"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, poison: Path) -> Iterator[System]:
    """Two workers of two threads, kept alive, and a scheduler."""
    if missing := missing_services():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"cannot be reached: {', '.join(missing)}")
    system = System(tmp_path_factory.mktemp("var"))
    system.env |= {
        "DJANGO_SETTINGS_MODULE": "tests.end_to_end.poison.settings",
        "POISON_FILE": str(poison),
        "STEP_MAX_ATTEMPTS": "3",
        "STEP_LEASE_SECONDS": "3",
    }
    with servers(system):
        system.manage("migrate", "-v0")
        system.start_manage(
            "up", "--no-web", "--workers", "2", "--schedulers", "1", "--threads", "2"
        )
        try:
            yield system
        finally:
            system.stop()


def only_in_one(world: Path) -> str:
    """Return the key of an item that no other one mentions, as its page has it."""
    lines = (world / "jira" / "issues.jsonl").read_text().splitlines()
    for line in lines[ITEMS // 2 :]:
        text = f'"key":"{json.loads(line)["key"]}"'
        if sum(text in other for other in lines) == 1:
            return text
    raise AssertionError("every item is mentioned by another")


def load(system: System, world: Path, tenant: str, expect: int) -> dict[str, Any]:
    """Import the recording; return what the command told of its run of Jira."""
    given = ("--tenant", tenant, "--create", "--json", "--lines-a-page", str(LINES_A_PAGE))
    told = json.loads(system.manage("import_raw", str(world), *given, expect=expect))
    found: dict[str, Any] = next(run for run in told["runs"] if run["integration"] == "jira")
    return found


def items(system: System, tenant: str) -> int:
    """Return how many work items of a tenant are loaded."""
    loaded = "SELECT count(*) FROM work_items w JOIN tenants t ON t.id = w.tenant_id"
    return int(system.rows(f"{loaded} WHERE t.slug = '{tenant}'")[0][0])


@pytest.fixture(scope="module")
def calm(system: System, world: Path) -> dict[str, str]:
    """The hashes of the recording, loaded while nothing was deadly."""
    load(system, world, "calm", expect=0)
    return system.hashes("calm")


def test_a_record_that_kills_its_worker_is_set_aside_alone_and_loaded_once_it_is_mended(
    system: System, world: Path, poison: Path, calm: dict[str, str]
) -> None:
    poison.write_text(f"record {only_in_one(world)}")
    run = load(system, world, "record", expect=3)
    assert run["state"] == "completed_with_errors"
    assert [problem["reason"] for problem in run["problems"]] == ["deadly"]
    assert items(system, "record") == ITEMS - 1
    attempts = system.rows("SELECT max(attempts) FROM etl_job_queue WHERE needs_isolation")
    assert attempts == [(3,)]

    poison.unlink()
    system.manage("retransform", "--tenant", "record", "--set-aside", "--json")
    assert system.hashes("record") == calm


def test_a_page_that_kills_its_worker_is_dead_after_three_attempts_and_can_be_replayed(
    system: System, world: Path, poison: Path, calm: dict[str, str]
) -> None:
    poison.write_text(f"page {only_in_one(world)}")
    run = load(system, world, "page", expect=3)
    assert run["state"] == "completed_with_errors"
    assert "signal 9" in run["error"]
    assert items(system, "page") == ITEMS - LINES_A_PAGE
    dead = json.loads(system.manage("requeue", "--tenant", "page", "--list", "--json"))
    assert [(step["stage"], step["attempts"]) for step in dead] == [("transform", 3)]

    poison.unlink()
    system.manage("requeue", "--tenant", "page", "--all", "--wait", "--json")
    assert system.hashes("page") == calm
