"""What 100 sockets that watch an import cost it: in turns with and without them, on one system."""

import asyncio
import json
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import socket_server
from our_path import ROOT, await_consumers, manage, migrate
from processes import BenchError, run, service
from services import Database, vhost
from socket_clients import Client
from socket_world import make_tenant


def measure(
    database: Database,
    var: Path,
    items: int,
    pairs: int,
    watchers: int,
    tell: Callable[[str], None],
) -> dict[str, Any]:
    """Run so many pairs of imports; return medians of items a second, and of the pairs' shares."""
    recording = var / "recording"
    make = ("make_recording", str(recording), "--items", str(items), "--jira-only")
    run(manage(*make), {}, ROOT)
    rates: dict[bool, list[float]] = {False: [], True: []}
    with ExitStack() as stack:
        broker = stack.enter_context(vhost())
        if broker is None:
            raise BenchError("RabbitMQ cannot be administered here (rabbitmqctl)")
        env = {"BROKER_URL": broker}
        database.renew()
        migrate(env)
        for name, arguments in (
            ("scheduler", ("scheduler",)),
            ("workers", ("worker", "--processes", "1", "--threads", "1")),
        ):
            stack.enter_context(service(manage(*arguments), env, ROOT, var / f"{name}.log"))
        await_consumers(broker, var / "workers.log")
        address, _ = stack.enter_context(socket_server.web(var))
        import_one(recording, "warm-up", env)
        for pair in range(pairs):
            for is_watched in (False, True) if pair % 2 else (True, False):
                slug = f"tenant-{pair}-{'watched' if is_watched else 'alone'}"
                seconds = _one(recording, slug, env, address, watchers if is_watched else 0)
                rates[is_watched].append(items / seconds)
                tell(f"{slug}: {items / seconds:,.0f} items a second")
    # Of pairs, for what else the machine does changes from minute to minute more than this.
    shares = [watched / alone for alone, watched in zip(rates[False], rates[True], strict=True)]
    return {
        "items_a_second": round(statistics.median(rates[False])),
        "items_a_second_with_watchers": round(statistics.median(rates[True])),
        "shares": [round(share, 2) for share in shares],
        "share": round(statistics.median(shares), 3),
    }


def import_one(recording: Path, slug: str, env: dict[str, str]) -> float:
    """Import the recording into a tenant of this name; return the seconds of its run."""
    command = manage("import_raw", str(recording), "--tenant", slug, "--create", "--json")
    report = json.loads(run(command, env, ROOT).output)
    return float(max(each["seconds"] for each in report["runs"]))


def _one(recording: Path, slug: str, env: dict[str, str], address: str, watchers: int) -> float:
    tenant_id, session = make_tenant(slug)
    if not watchers:
        return import_one(recording, slug, env)

    async def watched() -> float:
        clients = [Client(address, session, [f"tenant:{tenant_id}"]) for _ in range(watchers)]
        await asyncio.gather(*[client.enter() for client in clients])
        importing = asyncio.create_task(asyncio.to_thread(import_one, recording, slug, env))
        while not clients[0].states[f"tenant:{tenant_id}"]["runs"] and not importing.done():
            await asyncio.sleep(0.02)
        for client in clients:
            for card in client.states[f"tenant:{tenant_id}"]["runs"]:
                await client.watch(f"run:{card['id']}")
        seconds = await importing
        seen = sum(client.deltas for client in clients)
        await asyncio.gather(*[client.leave() for client in clients])
        if seen < 2 * watchers:
            raise BenchError(f"{watchers} watchers of {slug} were told {seen} times only")
        return seconds

    return asyncio.run(watched())
