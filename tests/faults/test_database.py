"""PostgreSQL restarts, crashes and ends connections in the middle of a run; it goes on by itself.

The command that imports goes on, too, and ends as if nothing had been.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.faults.field import Disturbed, Field

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

DATABASE_SECONDS: Final = 30


def postgresql_restarted(run: Disturbed) -> None:
    run.reach(60)
    run.servers.postgresql.stop()
    run.servers.postgresql.start()
    run.goes_on(DATABASE_SECONDS)


def postgresql_killed_and_started(run: Disturbed) -> None:
    run.reach(60)
    run.servers.postgresql.kill()
    run.servers.postgresql.start()
    run.goes_on(DATABASE_SECONDS)


def connections_of_postgresql_terminated(run: Disturbed) -> None:
    for steps in (20, 60, 100, 140):
        run.reach(steps)
        assert run.servers.postgresql.end_connections()
        run.goes_on(DATABASE_SECONDS)


FAULTS: Final[dict[str, Callable[[Disturbed], None]]] = {
    fault.__name__.replace("_", " "): fault
    for fault in (
        postgresql_restarted,
        postgresql_killed_and_started,
        connections_of_postgresql_terminated,
    )
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_ends_in_the_same_tables_with(
    fault: str, field: Field, world: Path, undisturbed: dict[str, str]
) -> None:
    run = Disturbed(field, world, fault)
    FAULTS[fault](run)
    run.ends()
    assert field.hashes(run.tenant) == undisturbed
