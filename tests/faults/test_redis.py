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
    shares: list[float] = []
    last = ""
    while len(shares) < FEWEST_PAIRS or (
        statistics.median(shares) < SHARE and len(shares) < MOST_PAIRS
    ):
        with frozen(field):
            hanging = imported(field, world)
        with listening(field) as heard:
            calm = imported(field, world)
            until("progress is published again", lambda: heard.get_message(timeout=1), 20)
        shares.append(calm.run_seconds() / hanging.run_seconds())
        last = hanging.tenant
    told = ", ".join(f"{share:.0%}" for share in shares)
    hanging.outcome.remarks.append(f"throughput {statistics.median(shares):.0%} ({told})")
    assert statistics.median(shares) >= SHARE
    assert field.hashes(last) == undisturbed


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
