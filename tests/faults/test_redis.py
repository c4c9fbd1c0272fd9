"""A Redis that hangs costs the pipeline nothing, and progress is live again when it is back."""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
import redis

from tests.end_to_end.system import until
from tests.faults.field import Disturbed, Field

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

SHARE: Final = 0.95
"""Of the rows a second of a calm run, at least."""

FAULT: Final = "redis frozen for whole runs"
FEWEST_PAIRS: Final = 2
MOST_PAIRS: Final = 6
"""More are made as long as chance may be to blame."""


def test_a_frozen_redis_takes_no_throughput_and_progress_is_live_again(
    field: Field, world: Path, undisturbed: dict[str, str]
) -> None:
    calm: list[float] = []
    hanging: list[float] = []
    while len(calm) < FEWEST_PAIRS or (not is_as_quick(hanging, calm) and len(calm) < MOST_PAIRS):
        with frozen(field):
            run = imported(field, world)
            hanging.append(run.run_seconds())
        with listening(field) as heard:
            calm.append(imported(field, world).run_seconds())
            until("progress is published again", lambda: heard.get_message(timeout=1), 20)
    run.outcome.remarks += [
        f"{min(calm) / min(hanging):.0%} of the throughput, by the quickest runs;"
        f" {statistics.median(calm) / statistics.median(hanging):.0%} by the median ones",
        f"calm {_seconds(calm)}; frozen {_seconds(hanging)}",
    ]
    assert is_as_quick(hanging, calm)
    assert field.hashes(run.tenant) == undisturbed


def is_as_quick(hanging: list[float], calm: list[float]) -> bool:
    """Whether the quickest runs differ by no more than SHARE allows, or than calm runs do.

    What else the machine does only makes runs slower, so the quickest ones tell most; but where
    it does much, even calm runs differ by more than what is looked for.
    """
    return min(hanging) <= max(min(calm) / SHARE, statistics.median(calm))


def _seconds(runs: list[float]) -> str:
    return " ".join(f"{seconds:.1f}" for seconds in runs)


def imported(field: Field, world: Path) -> Disturbed:
    run = Disturbed(field, world, FAULT)
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
def listening(field: Field) -> Iterator[redis.client.PubSub]:
    """Listen to the progress of all runs."""
    with redis.Redis.from_url(field.servers.redis.url) as client:
        heard = client.pubsub(ignore_subscribe_messages=True)
        heard.psubscribe("*__group__run.*")
        yield heard
        heard.close()
