"""A Redis that hangs costs the pipeline nothing, and progress is live again when it is back."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Final

import pytest
import redis

from tests.end_to_end.system import until
from tests.faults.field import Disturbed, Field

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

SHARE: Final = 0.95
"""Of the items a second of a calm run, at least."""

FEWEST_ROUNDS: Final = 3
MOST_ROUNDS: Final = 6
"""More are made while the best of all so far differ by more: what else the machine does makes
single runs differ by a third. It only ever makes them longer, so the best tell what a run takes;
what a fault costs every run, it costs the best one too."""


def test_a_redis_that_hangs_or_is_gone_takes_no_throughput(
    field: Field, world: Path, undisturbed: dict[str, str]
) -> None:
    kinds: dict[str, Callable[[Field], AbstractContextManager[None]]] = {
        "calm": lambda field: nullcontext(),
        "frozen": frozen,
        "killed": killed,
    }
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    rounds = 0
    while rounds < FEWEST_ROUNDS or (share(seconds) < SHARE and rounds < MOST_ROUNDS):
        rounds += 1
        for kind in (*kinds, *kinds)[rounds % 3 :][:3]:  # none is always the first of a round
            with kinds[kind](field):
                run = imported(field, world)
            seconds[kind].append(run.run_seconds())
    told = [f"{kind} {' '.join(f'{each:.1f}' for each in seconds[kind])}" for kind in kinds]
    run.outcome.remarks += [
        f"{share(seconds):.0%} of the throughput, by the best runs",
        "; ".join(told),
    ]
    assert share(seconds) >= SHARE
    assert field.hashes(run.tenant) == undisturbed


def share(seconds: dict[str, list[float]]) -> float:
    """Return the throughput of the slower faulty kind as a share of that of calm runs."""
    best = {kind: min(taken) for kind, taken in seconds.items()}
    return best["calm"] / max(best["frozen"], best["killed"])


def test_progress_is_live_again_when_redis_is(field: Field, world: Path) -> None:
    with frozen(field):
        run = Disturbed(field, world, "redis frozen for half a run")
        run.reach(60)
    with listening(field) as heard:
        until("progress is published again", lambda: heard.get_message(timeout=1), 20)
    run.ends()


def imported(field: Field, world: Path) -> Disturbed:
    run = Disturbed(field, world, "redis frozen or gone for whole runs")
    run.ends()
    return run


@contextmanager
def frozen(field: Field) -> Iterator[None]:
    field.servers.redis.freeze()
    try:
        yield
    finally:
        field.servers.redis.wake()


@contextmanager
def killed(field: Field) -> Iterator[None]:
    field.servers.redis.kill()
    try:
        yield
    finally:
        field.servers.redis.start()


@contextmanager
def listening(field: Field) -> Iterator[redis.client.PubSub]:
    """Listen to the progress of all runs."""
    with redis.Redis.from_url(field.servers.redis.url) as client:
        heard = client.pubsub(ignore_subscribe_messages=True)
        heard.psubscribe("*__group__live.run.*")
        yield heard
        heard.close()
