"""Two workers and a scheduler on PostgreSQL, RabbitMQ and Redis: the tables of one process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pika
import pytest

from tests.end_to_end.system import (
    System,
    kill,
    missing_services,
    servers,
    until,
    worker_command,
)

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

ITEMS = "8000"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system, running."""
    if missing := missing_services():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"cannot be reached: {', '.join(missing)}")
    system = System(tmp_path_factory.mktemp("var"))
    with servers(system):
        system.manage("migrate", "-v0")
        system.workers += [system.start_manage(*worker_command()) for _ in range(2)]
        system.start_manage("scheduler")
        try:
            yield system
        finally:
            system.stop()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated recording."""
    directory = tmp_path_factory.mktemp("world")
    subprocess.run(
        [sys.executable, "manage.py", "make_recording", directory, "--items", ITEMS, "--lean"],
        check=True,
        capture_output=True,
    )
    return directory


@pytest.fixture(scope="module")
def undisturbed(system: System, world: Path) -> dict[str, str]:
    """The hashes of the generated recording, imported in peace."""
    system.manage("import_raw", str(world), "--tenant", "calm", "--create", "--json")
    return system.hashes("calm")


def test_the_embedded_default_and_the_processes_end_in_the_same_tables(
    system: System, recording: Path, tmp_path: Path
) -> None:
    name = f"same-{recording.name}"
    embedded = System(tmp_path, embedded=True)
    for each in (embedded, system):
        each.manage("migrate", "-v0")
        each.manage("import_raw", str(recording), "--tenant", name, "--create")
    assert embedded.hashes(name) == system.hashes(name)


def start_import(system: System, world: Path, tenant: str) -> "subprocess.Popen[bytes]":
    return system.start_manage(
        "import_raw", str(world), "--tenant", tenant, "--create", "--json", "--lines-a-page", "100"
    )


def during(system: System, already: int, steps: int) -> None:
    """Wait until so many transform steps more are done."""
    until(
        f"{steps} transform steps are done",
        lambda: system.steps_done("transform") >= already + steps,
        seconds=120,
    )


def test_a_killed_import_goes_on_by_itself(
    system: System, world: Path, undisturbed: dict[str, str]
) -> None:
    already = system.steps_done("transform")
    importing = start_import(system, world, "killed-import")
    during(system, already, 40)
    kill(importing)
    until("the run ends", lambda: not not_done(system), seconds=180)
    assert system.hashes("killed-import") == undisturbed


def purge(system: System) -> None:
    """Empty every queue of the system's own virtual host."""
    connection = pika.BlockingConnection(pika.URLParameters(system.env["BROKER_URL"]))
    channel = connection.channel()
    for stage in ("extract", "transform", "load", "index"):
        channel.queue_purge(f"etl.{stage}.v1")
    connection.close()


def not_done(system: System) -> list[tuple[str, ...]]:
    """Return the steps that are open or dead; a load that another took over is cancelled."""
    return system.rows(
        "SELECT run_id, stage, key, state, error FROM etl_job_queue"
        " WHERE state NOT IN ('done', 'cancelled')"
    )


def test_a_report_of_an_import_is_one_line_of_json(system: System, recording: Path) -> None:
    told = system.manage("import_raw", str(recording), "--tenant", "told", "--create", "--json")
    report = json.loads(told)
    assert report["ok"] is True
    assert {run["state"] for run in report["runs"]} == {"completed"}
