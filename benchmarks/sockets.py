"""Measures a thousand sockets on one server process, and what watching costs the pipeline.

    python benchmarks/sockets.py --sockets 1000 --seconds 20

uvicorn serves the site by one process, with PostgreSQL and Redis. Sockets of as many people watch
ten runs, each of which is published once a second: a third of them the same one, which more than
a hundred watch. It is measured how long an event takes from being published to being read by a
client, with all clients in one process on this machine; and, after all connections were cut at
once, how soon all clients have a snapshot again. Every client checks that each delta follows on
what it has, and that it ends with what the database has.

Then the same import is run into one new tenant after the other, in turns with and without 100
sockets that watch the tenant and its run (--pairs 0 leaves that out).

Exit code: 0 when 99 of 100 events took at most 1 s, all were back within 10 s, nothing was lost,
and throughput with watchers was, by the median of the pairs, at least 90 % of that without; else 1.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil
import socket_pipeline
import socket_server
import socket_world
from processes import BenchError
from services import Database
from socket_clients import Client

DEFAULT_URL: Final = "postgres://postgres@127.0.0.1:5432/etl_sockets_bench"
DEFAULT_REDIS: Final = "redis://127.0.0.1:6379/0"
P99_SECONDS: Final = 1.0
BACK_SECONDS: Final = 10.0
LEAST_SHARE: Final = 0.9
CONNECTING: Final = 50
"""Clients that connect at a time, but for those that were cut off."""
SETTLE_SECONDS: Final = 5.0


@dataclass
class Watching:
    """What the clients saw. waits: seconds from publish to receipt, of each event and client."""

    waits: list[float]
    back_seconds: float
    lost: int
    gaps: int
    events: int
    cpu_percent: float


async def watch(
    address: str, pid: int, sessions: list[str], runs: list[int], seconds: float
) -> Watching:
    """Have a client for each session watch, be cut off, and watch again; see the module."""
    crowd = len(sessions) // 3
    of_rest = runs[1:] or runs
    watched = [runs[0] if n < crowd else of_rest[n % len(of_rest)] for n in range(len(sessions))]
    clients = [
        Client(address, session, [f"run:{run}"])
        for session, run in zip(sessions, watched, strict=True)
    ]
    server = psutil.Process(pid)
    for begin in range(0, len(clients), CONNECTING):
        await asyncio.gather(*[each.enter() for each in clients[begin : begin + CONNECTING]])
    telling = socket_world.Telling(runs)
    with telling:
        began = time.monotonic()
        server.cpu_percent()
        await asyncio.sleep(seconds)
        cpu, ended = server.cpu_percent(), time.monotonic() - P99_SECONDS
        before = [dict(each.arrivals) for each in clients]
        waits = _waits(before, watched, telling.published, began, ended)
        for each in clients:
            each.cut()
        cut_at = time.monotonic()
        await asyncio.gather(*[each.enter() for each in clients])
        back_seconds = time.monotonic() - cut_at
        await asyncio.sleep(SETTLE_SECONDS)
    await asyncio.sleep(2 * P99_SECONDS)
    lost = sum(
        each.states[f"run:{run}"]["records"] != max(telling.published[run])
        for each, run in zip(clients, watched, strict=True)
    ) + sum(wait == float("inf") for wait in waits)
    await asyncio.gather(*[each.leave() for each in clients])
    gaps = sum(each.gaps for each in clients)
    return Watching(waits, back_seconds, lost, gaps, sum(each.deltas for each in clients), cpu)


def _waits(
    arrivals: list[dict[str, list[tuple[int, float]]]],
    watched: list[int],
    published: dict[int, dict[int, float]],
    began: float,
    ended: float,
) -> list[float]:
    """Return how long each event took to each client; infinite for one that it never had.

    An event that was merged with a later one came with that.
    """
    waits = []
    for came, run in zip(arrivals, watched, strict=True):
        told = came.get(f"run:{run}", [])
        for records, at in published[run].items():
            if began <= at <= ended:
                first = next((when for has, when in told if has >= records), float("inf"))
                waits.append(first - at)
    return waits


def bench(options: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the figures; raise BenchError."""
    socket_server.allow_files(options.sockets * 2 + 500)
    os.environ.setdefault("DATABASE_URL", DEFAULT_URL)
    os.environ.setdefault("CHANNEL_LAYER_URL", DEFAULT_REDIS)
    os.environ["CHANNEL_LAYER_PREFIX"] = f"etl-bench-{os.getpid()}"
    database = Database(os.environ["DATABASE_URL"])
    with ExitStack() as stack:
        var = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="etl-bench-")))
        os.environ["VAR_DIR"] = str(var)
        database.renew()
        stack.callback(database.drop)
        _say(f"{options.sockets} people with a session, {options.runs} runs …")
        sessions, runs = socket_world.fill(options.sockets, options.runs)
        _close_connections()
        with socket_server.web(var) as (address, pid):
            _say(f"{options.sockets} sockets watch for {options.seconds} s …")
            seen = asyncio.run(watch(address, pid, sessions, runs, options.seconds))
            memory = psutil.Process(pid).memory_info().rss / 1e6
        _close_connections()
        figures = _figures(options.sockets, seen, memory)
        if options.pairs:
            figures |= socket_pipeline.measure(
                database, var, options.items, options.pairs, options.watchers, _say
            )
    return figures


def _figures(sockets: int, seen: Watching, memory: float) -> dict[str, Any]:
    finite = sorted(wait for wait in seen.waits if wait != float("inf"))
    if len(finite) < sockets:
        raise BenchError(f"only {len(finite)} events came to {sockets} sockets")
    return {
        "sockets": sockets,
        "events_read": seen.events,
        "p50_seconds": round(statistics.median(finite), 3),
        "p99_seconds": round(finite[int(len(finite) * 0.99)], 3),
        "longest_seconds": round(finite[-1], 3),
        "lost": seen.lost,
        "gaps": seen.gaps,
        "all_back_seconds": round(seen.back_seconds, 2),
        "server_cpu_percent": round(seen.cpu_percent),
        "server_mb": round(memory),
    }


def missed(figures: dict[str, Any]) -> list[str]:
    """Return what is not as it should be."""
    found = []
    if figures["p99_seconds"] > P99_SECONDS:
        found.append(f"99 of 100 events took up to {figures['p99_seconds']} s, not 1 s")
    if figures["all_back_seconds"] > BACK_SECONDS:
        found.append(f"all were back after {figures['all_back_seconds']} s, not 10 s")
    if figures["lost"] or figures["gaps"]:
        found.append(f"{figures['lost']} events were lost, and {figures['gaps']} gaps seen")
    if figures.get("share", 1.0) < LEAST_SHARE:
        found.append(f"with watchers the pipeline does {figures['share']:.0%} of without, not 90 %")
    return found


def _close_connections() -> None:
    from django.db import connections

    connections.close_all()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Read the options, run, print; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sockets", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=10, help="how many are watched")
    parser.add_argument("--seconds", type=float, default=20, help="of watching")
    parser.add_argument("--items", type=int, default=4000, help="work items of each import")
    parser.add_argument("--pairs", type=int, default=5, help="of imports without and with watchers")
    parser.add_argument("--watchers", type=int, default=100)
    options = parser.parse_args()
    # Asked to end, it still ends what it started and drops what it made.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        figures = bench(options)
    except BenchError as error:
        _say(f"\nNOT MEASURED: {error}")
        return 1
    print(json.dumps(figures, indent=1))
    failed = missed(figures)
    for each in failed:
        _say(f"MISSED: {each}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
