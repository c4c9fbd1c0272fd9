"""Everything at once for a while, by a seed: nothing is lost, doubled or left behind."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pika
import psycopg2
import pytest

from tests.end_to_end.system import until
from tests.faults.field import OUTCOMES, Field, not_done, signal_group, start_import
from tests.faults.rolling_back.effects import NOTES, TABLE
from tests.faults.servers import Servers

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

CHAOS_SECONDS: Final = float(os.environ.get("CHAOS_SECONDS", "20"))
SEED: Final = int(os.environ.get("CHAOS_SEED", "1"))
IMPORTS_AT_ONCE: Final = 2
SETTLE_SECONDS: Final = 240


class Chaos:
    """Breaks something every second or so, and mends what does not mend itself."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.servers = field.servers
        self.counts: dict[str, int] = {}
        self._chance = field.chance
        self._pause = threading.Event()
        self._thaws: list[tuple[float, Callable[[], None]]] = []
        self._kinds: dict[Callable[[], None], int] = {
            self.kill_worker: 6,
            self.freeze_worker: 2,
            self.kill_scheduler: 3,
            self.purge: 3,
            self.delete_queues: 2,
            self.kill_rabbitmq: 1,
            self.end_connections: 3,
            self.restart_postgresql: 1,
            self.kill_postgresql: 1,
            self.kill_redis: 1,
            self.freeze_redis: 1,
        }

    def run(self, seconds: float) -> None:
        """Break things for so long, each kind at least once; then let everything go on."""
        kinds, weights = list(self._kinds), list(self._kinds.values())
        first = self._chance.sample(kinds, len(kinds))
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline or first:
            do = first.pop() if first else self._chance.choices(kinds, weights)[0]
            name = do.__name__.replace("_", " ")
            # What is down by another fault cannot be told to do something; that is no failure.
            with suppress(psycopg2.Error, pika.exceptions.AMQPError):
                do()
                self.counts[name] = self.counts.get(name, 0) + 1
            self._pause.wait(self._chance.uniform(0.3, 1.2))
            self._thaw(time.monotonic())
        self._thaw(float("inf"))

    def _thaw(self, now: float) -> None:
        for thaw in [thaw for at, thaw in self._thaws if at <= now]:
            thaw()
        self._thaws = [(at, thaw) for at, thaw in self._thaws if at > now]

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        self._thaws.append((time.monotonic() + seconds, do))

    def kill_worker(self) -> None:
        self._signal_one("worker", signal.SIGKILL)

    def freeze_worker(self) -> None:
        group = self._signal_one("worker", signal.SIGSTOP)
        if group is not None:
            self._later(8, lambda: signal_group(group, signal.SIGCONT))

    def kill_scheduler(self) -> None:
        self._signal_one("scheduler", signal.SIGKILL)

    def _signal_one(self, role: str, number: signal.Signals) -> int | None:
        groups = self.field.groups(role)
        if not groups:
            return None
        group = self._chance.choice(groups)
        signal_group(group, number)
        return group

    def purge(self) -> None:
        self.servers.rabbitmq.purge()

    def delete_queues(self) -> None:
        self.servers.rabbitmq.delete_queues()

    def kill_rabbitmq(self) -> None:
        self.servers.rabbitmq.kill()
        self.servers.rabbitmq.start()

    def end_connections(self) -> None:
        self.servers.postgresql.end_connections()

    def restart_postgresql(self) -> None:
        self.servers.postgresql.stop()
        self.servers.postgresql.start()

    def kill_postgresql(self) -> None:
        self.servers.postgresql.kill()
        self.servers.postgresql.start()

    def kill_redis(self) -> None:
        self.servers.redis.kill()
        self.servers.redis.start()

    def freeze_redis(self) -> None:
        pids = self.servers.redis.pids()
        self.servers.redis.freeze()

        def wake() -> None:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

        self._later(3, wake)


class Imports:
    """Imports one after another, each into a tenant of its own, so many at once."""

    def __init__(self, field: Field, world: Path) -> None:
        self._field = field
        self._world = world
        self.commands: dict[str, subprocess.Popen[bytes]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="imports", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.2):
            running = [each for each in self.commands.values() if each.poll() is None]
            if len(running) < IMPORTS_AT_ONCE:
                tenant = f"chaos-{len(self.commands)}"
                self.commands[tenant] = start_import(self._field, self._world, tenant)

    def end(self) -> None:
        """Start no more, and wait for those that run."""
        self._stop.set()
        self._thread.join()
        for command in self.commands.values():
            command.wait(SETTLE_SECONDS)


@pytest.fixture
def chaotic(
    own_servers: Servers, field: Field, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Field]:
    """A field of its own, whose processes roll back some transactions; the calm one stops."""
    field.stop()
    var = tmp_path_factory.mktemp("chaos")
    notes = var / "rolled-back"
    notes.touch()
    extra = {
        "DJANGO_SETTINGS_MODULE": "tests.faults.chaos_settings",
        "STEP_MAX_ATTEMPTS": "12",
        NOTES: str(notes),
    }
    chaotic = Field(own_servers, var, "chaos", extra)
    chaotic.execute(TABLE)
    chaotic.chance.seed(SEED)
    chaotic.start()
    try:
        yield chaotic
    finally:
        chaotic.stop()


def test_chaos_loses_nothing_doubles_nothing_and_leaves_no_ghost(
    undisturbed: dict[str, str], world: Path, chaotic: Field, tmp_path: Path
) -> None:
    chaos, imports = Chaos(chaotic), Imports(chaotic, world)
    try:
        until("steps are done", lambda: chaotic.rows("SELECT 1 FROM effects LIMIT 1"), 60)
        chaos.run(CHAOS_SECONDS)
    finally:
        imports.end()
    ends(chaotic)
    dead = replay_the_dead(chaotic)
    note(chaotic, chaos, imports, dead)

    assert not_done(chaotic) == []
    assert chaotic.rows(_EFFECTS_THAT_ARE_NOT_ONE) == []
    rolled_back = set(Path(chaotic.system.env[NOTES]).read_text().split())
    effects = {token for (token,) in chaotic.rows("SELECT token FROM effects")}
    assert rolled_back and not rolled_back & effects
    assert chaotic.rows("SELECT id FROM staged_pages") == []
    until("no hint is left", lambda: not any(chaotic.servers.rabbitmq.queues().values()), 30)
    tenants = {tenant for (tenant,) in chaotic.rows(_TENANTS_WITH_A_RUN)}
    assert tenants
    for tenant in tenants:
        assert chaotic.hashes(tenant) == undisturbed, tenant


_TENANTS_WITH_A_RUN: Final = (
    "SELECT DISTINCT t.slug FROM tenants t JOIN etl_job_runs r ON r.tenant_id = t.id"
)
_DEAD: Final = """
SELECT t.slug, count(*) FROM etl_job_queue q JOIN tenants t ON t.id = q.tenant_id
WHERE q.state = 'dead' GROUP BY t.slug
"""
_EFFECTS_THAT_ARE_NOT_ONE: Final = """
SELECT q.id, q.state, count(e.token) FROM etl_job_queue q
FULL JOIN effects e ON e.step_id = q.id GROUP BY q.id, q.state
HAVING count(e.token) <> CASE WHEN q.state = 'done' THEN 1 ELSE 0 END
"""


def ends(field: Field) -> None:
    """Wait until no run goes on."""
    running = "SELECT 1 FROM etl_job_runs WHERE state = 'running'"
    until("all runs end", lambda: not field.rows(running), SETTLE_SECONDS)


def replay_the_dead(field: Field) -> int:
    """Queue dead steps again until none is dead, a few times at most; return how many were."""
    replayed = 0
    for _ in range(5):
        dead = field.rows(_DEAD)
        if not dead:
            break
        replayed += sum(steps for _, steps in dead)
        for tenant, _ in dead:
            field.system.manage("requeue", "--tenant", tenant, "--all")
        ends(field)
    return replayed


def note(field: Field, chaos: Chaos, imports: Imports, dead: int) -> None:
    """Put into the table what was broken and what came of it."""
    (done,) = field.rows("SELECT count(*), sum(attempts) FROM etl_job_queue WHERE state = 'done'")
    ended = [command.returncode for command in imports.commands.values()]
    told = ", ".join(f"{count} x {name}" for name, count in sorted(chaos.counts.items()))
    OUTCOMES[f"chaos of {CHAOS_SECONDS:.0f} s"].remarks += [
        f"{done[0]} steps done in {done[1]} attempts, {dead} dead and replayed;",
        f"{len(ended)} imports, exit codes {sorted(ended)};",
        told,
    ]
