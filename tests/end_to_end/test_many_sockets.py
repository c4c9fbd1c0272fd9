"""The benchmark of sockets, small: what it asks of a thousand, sixty do with much to spare."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.services import BROKER_URL, DATABASE_URL, REDIS_URL

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_SECONDS = 300


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    """What the benchmark says of 60 sockets, and of imports with and without 60 watchers."""
    env = {
        **os.environ,
        "DATABASE_URL": f"{DATABASE_URL.rpartition('/')[0]}/etl_test_{os.getpid()}_bench",
        "BROKER_URL": BROKER_URL,
        "CHANNEL_LAYER_URL": REDIS_URL,
    }
    options = "--sockets 60 --runs 3 --seconds 3 --items 1500 --pairs 1 --watchers 60"
    done = subprocess.run(
        (sys.executable, "benchmarks/sockets.py", *options.split()),
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_events_reach_all_watchers_soon_and_none_is_lost(figures: dict[str, Any]) -> None:
    assert figures["events_read"] >= 60 * 5
    assert figures["p99_seconds"] < 0.5
    assert (figures["lost"], figures["gaps"]) == (0, 0)


def test_all_who_were_cut_off_are_back_soon(figures: dict[str, Any]) -> None:
    assert figures["all_back_seconds"] < 5


def test_watchers_take_little_of_the_pipelines_throughput(figures: dict[str, Any]) -> None:
    assert figures["share"] > 0.6  # of so short runs, on a machine that does other things
