"""The servers, the processes and the generated recording; the table of outcomes at the end."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.field import ITEMS, OUTCOMES, Disturbed, Field, table
from tests.faults.servers import Servers, missing_programs, servers


@pytest.fixture(scope="session")
def own_servers() -> Iterator[Servers]:
    """PostgreSQL, RabbitMQ and Redis of the tests' own."""
    if missing := missing_programs():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"not installed: {', '.join(missing)}")
    with servers() as started:
        yield started


@pytest.fixture(scope="session")
def field(own_servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    """Two workers and two schedulers, running."""
    field = Field(own_servers, tmp_path_factory.mktemp("var"), "faults")
    field.start()
    try:
        yield field
    finally:
        field.stop()


@pytest.fixture(scope="session")
def world(field: Field, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated recording."""
    directory = tmp_path_factory.mktemp("world")
    field.system.manage("make_recording", str(directory), "--items", str(ITEMS), "--lean")
    return directory


@pytest.fixture(scope="session")
def undisturbed(field: Field, world: Path) -> dict[str, str]:
    """The hashes of the recording, imported in peace."""
    calm = Disturbed(field, world, "none")
    calm.ends()
    calm.outcome.remarks.append(f"run of {ITEMS} items: {calm.run_seconds():.1f} s")
    return field.hashes(calm.tenant)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each fault did."""
    if OUTCOMES:
        terminalreporter.section("faults (seconds)")
        for line in table():
            terminalreporter.write_line(line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the chaos to the end: it stops the processes that the other faults share."""
    items.sort(key=lambda item: "chaotic" in getattr(item, "fixturenames", ()))
