"""Faults in the middle of a run, each of which ends in the tables of a run that nothing disturbed.

Workers, schedulers, RabbitMQ and Redis; those of PostgreSQL are in test_database.py. Everything
that is stopped, killed or emptied was started here.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.end_to_end.system import until, worker_command
from tests.faults.field import (
    ITEMS,
    LEASE_SECONDS,
    START_SECONDS,
    SWEEP_SECONDS,
    Disturbed,
    Field,
    signal_group,
)
from tests.faults.servers import descendants

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

AT_ONCE: Final = LEASE_SECONDS + SWEEP_SECONDS + START_SECONDS
BROKER_SECONDS: Final = 60
FREEZE_SECONDS: Final = 60
SCHEDULER_FREEZE_SECONDS: Final = 20


def worker_killed_at_random_moments(run: Disturbed) -> None:
    for steps in sorted(run.field.chance.sample(range(10, 160), 4)):
        run.reach(steps)
        run.field.kill_one("worker")
        run.goes_on(AT_ONCE)


def worker_killed_at_every_tenth_step(run: Disturbed) -> None:
    for steps in range(10, 180 if ITEMS >= 20_000 else 100, 10):
        run.reach(steps)
        run.field.kill_one("worker")
        run.goes_on(AT_ONCE)


def all_workers_killed(run: Disturbed) -> None:
    run.reach(60)
    for group in run.field.groups("worker"):
        signal_group(group, signal.SIGKILL)
    run.goes_on(AT_ONCE)


def rabbitmq_application_restarted(run: Disturbed) -> None:
    run.reach(40)
    run.servers.rabbitmq.control("stop_app")
    run.servers.rabbitmq.control("start_app")
    run.goes_on(BROKER_SECONDS)


def rabbitmq_stopped_and_started(run: Disturbed) -> None:
    run.reach(40)
    run.servers.rabbitmq.stop()
    run.servers.rabbitmq.start()
    run.goes_on(BROKER_SECONDS)


def rabbitmq_killed_and_started(run: Disturbed) -> None:
    run.reach(40)
    run.servers.rabbitmq.kill()
    run.servers.rabbitmq.start()
    run.goes_on(BROKER_SECONDS)


def rabbitmq_purged(run: Disturbed) -> None:
    for steps in (20, 80, 140):
        run.reach(steps)
        run.servers.rabbitmq.purge()
        run.goes_on(BROKER_SECONDS)


def rabbitmq_queues_deleted(run: Disturbed) -> None:
    for steps in (20, 80):
        run.reach(steps)
        run.servers.rabbitmq.delete_queues()
        run.goes_on(BROKER_SECONDS)


def rabbitmq_disk_emptied(run: Disturbed) -> None:
    run.reach(40)
    run.servers.rabbitmq.kill()
    run.servers.rabbitmq.empty()
    run.servers.rabbitmq.start()
    run.goes_on(BROKER_SECONDS)


def redis_killed(run: Disturbed) -> None:
    run.reach(40)
    run.servers.redis.kill()
    run.goes_on(AT_ONCE)
    run.reach(120)
    run.servers.redis.start()
    run.goes_on(AT_ONCE)


def one_scheduler_killed(run: Disturbed) -> None:
    run.reach(40)
    run.field.kill_one("scheduler")
    run.goes_on(AT_ONCE)


def both_schedulers_killed(run: Disturbed) -> None:
    run.reach(40)
    for group in run.field.groups("scheduler"):
        signal_group(group, signal.SIGKILL)
    run.goes_on(AT_ONCE)


def scheduler_frozen(run: Disturbed) -> None:
    run.reach(40)
    group = run.field.groups("scheduler")[0]
    frozen_at = time.monotonic()
    signal_group(group, signal.SIGSTOP)
    try:
        run.goes_on(AT_ONCE)
        until(
            "the run has ended, or the scheduler was frozen for long enough",
            lambda: run.has_ended() or time.monotonic() > frozen_at + SCHEDULER_FREEZE_SECONDS,
        )
    finally:
        signal_group(group, signal.SIGCONT)


FAULTS: Final[dict[str, Callable[[Disturbed], None]]] = {
    fault.__name__.replace("_", " "): fault
    for fault in (
        worker_killed_at_random_moments,
        worker_killed_at_every_tenth_step,
        all_workers_killed,
        rabbitmq_application_restarted,
        rabbitmq_stopped_and_started,
        rabbitmq_killed_and_started,
        rabbitmq_purged,
        rabbitmq_queues_deleted,
        rabbitmq_disk_emptied,
        redis_killed,
        one_scheduler_killed,
        both_schedulers_killed,
        scheduler_frozen,
    )
}


@dataclass(frozen=True)
class Frozen:
    """A worker that was frozen with a step in hand."""

    group: int
    frozen_at: float
    step_id: int
    fence: int
    leased_by: str


@pytest.fixture(scope="module")
def frozen(field: Field, world: Path, undisturbed: dict[str, str]) -> Iterator[Frozen]:
    """A third worker, frozen in the middle of a run, which ended without it."""
    worker = field.system.start_manage(*worker_command())
    run = Disturbed(field, world, "worker frozen")
    run.reach(20)
    found = freeze_with_a_step(field, worker.pid)
    try:
        run.goes_on(AT_ONCE)
        run.ends()
        assert field.hashes(run.tenant) == undisturbed
        yield found
    finally:
        signal_group(worker.pid, signal.SIGCONT)
        signal_group(worker.pid, signal.SIGKILL)
        worker.wait(30)


def freeze_with_a_step(field: Field, group: int) -> Frozen:
    """Freeze a worker's processes while it works on a step."""
    found: list[Frozen] = []

    def has_a_step() -> bool:
        signal_group(group, signal.SIGSTOP)
        held = [row for row in running_steps(field) if is_of(row[2], group)]
        if not held:
            signal_group(group, signal.SIGCONT)
            return False
        found.append(Frozen(group, time.monotonic(), *held[0]))
        return True

    until("the worker has a step in hand", has_a_step)
    return found[0]


def running_steps(field: Field) -> list[tuple[int, int, str]]:
    return field.rows("SELECT id, fence, leased_by FROM etl_job_queue WHERE state = 'running'")


def is_of(leased_by: str, group: int) -> bool:
    """Whether a lease is held by a process of the group."""
    return int(leased_by.split(":")[1]) in descendants(group)


def test_a_run_goes_on_without_a_frozen_worker(frozen: Frozen, field: Field) -> None:
    (row,) = field.rows(
        f"SELECT state, fence, leased_by FROM etl_job_queue WHERE id = {frozen.step_id}"
    )
    assert row[0] == "done" and row[1] > frozen.fence and row[2] != frozen.leased_by


@pytest.mark.parametrize("fault", FAULTS)
def test_a_run_ends_in_the_same_tables_with(
    fault: str, field: Field, world: Path, undisturbed: dict[str, str]
) -> None:
    run = Disturbed(field, world, fault)
    FAULTS[fault](run)
    run.ends()
    assert field.hashes(run.tenant) == undisturbed


def test_a_frozen_worker_that_wakes_writes_nothing(frozen: Frozen, field: Field) -> None:
    pause = threading.Event()
    pause.wait(max(0.0, frozen.frozen_at + FREEZE_SECONDS - time.monotonic()))
    before, already = step_row(field, frozen.step_id), len(field.log())
    signal_group(frozen.group, signal.SIGCONT)
    refused = (f"step {frozen.step_id}: ", f"step {frozen.step_id} (")
    until(
        "the worker says that its work was refused",
        lambda: any(text in field.log()[already:] for text in refused),
    )
    assert step_row(field, frozen.step_id) == before


def step_row(field: Field, step_id: int) -> list[tuple[object, ...]]:
    return field.rows(f"SELECT * FROM etl_job_queue WHERE id = {step_id}")
