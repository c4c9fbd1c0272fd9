"""Measures how the sync of a distant source grows with workers, in one run on one machine.

    python benchmarks/live.py --items 4000 --latency-ms 100

The sandbox's Jira answers each request so many milliseconds late. The same first sync is run
with 1, 2 and 4 workers (a process of one thread each), each time into a database made anew,
interleaved round by round; the figures are medians. Ratios carry over to other machines, seconds
do not. Exit code: 0 when everything was measured and every run loaded every row, else 1.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from our_path import ROOT, await_consumers, manage, migrate
from processes import BenchError, run, service
from services import DEFAULT_DATABASE_URL, Database, vhost

WORKERS = (1, 2, 4)


@contextmanager
def sandbox(items: int, latency_ms: int, var: Path) -> Iterator[dict[str, Any]]:
    """Serve a made-up Jira from a process of its own; give what it says of itself."""
    options = ("--items", str(items), "--latency-ms", str(latency_ms))
    with subprocess.Popen(
        manage("sandbox", "--port", "0", *options),
        env={**os.environ, "VAR_DIR": str(var)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise BenchError("the sandbox did not start")
            yield json.loads(line)
        finally:
            process.send_signal(signal.SIGTERM)


def sync(
    ready: dict[str, Any], workers: int, database: Database, broker: str, var: Path
) -> dict[str, Any]:
    """Run the first sync with so many workers into a new database; return the run's report."""
    database.renew()
    env = {
        "DATABASE_URL": database.url,
        "BROKER_URL": broker,
        "CHANNEL_LAYER_URL": "",
        "VAR_DIR": str(var),
        "EGRESS_ALLOWED_PRIVATE_CIDRS": "127.0.0.0/8",
        "CONN_MAX_AGE": "600",
    }
    migrate(env)
    jira = ready["jira"]
    settings = {**jira["settings"], "window_items": "500"}
    given = [f"--setting={name}={value}" for name, value in settings.items()]
    name = ("--tenant", "bench", "--name", "jira", "--create", "--provider", "jira")
    signed = ("--base-url", jira["base_url"], "--user", jira["user"], "--token", jira["token"])
    run(manage("connect", *name, *signed, *given), env, ROOT)
    with ExitStack() as stack:
        for role, arguments in (
            ("scheduler", ("scheduler",)),
            ("worker", ("worker", "--processes", str(workers), "--threads", "1")),
        ):
            command = manage(*arguments)
            stack.enter_context(service(command, env, ROOT, var / f"{role}.log"))
        await_consumers(broker, var / "worker.log")
        job = ("run_job", "--tenant", "bench", "--integration", "jira", "--wait", "--json")
        done = run(manage(*job), env, ROOT)
    report: dict[str, Any] = json.loads(done.output.splitlines()[-1])["runs"][0]
    if report["state"] != "completed":
        raise BenchError(f"the run with {workers} workers is {report['state']}: {report['error']}")
    return report


def check_loaded(ready: dict[str, Any], database: Database) -> None:
    """Raise BenchError unless every work item and change of the ledger is loaded."""
    with urllib.request.urlopen(ready["ledger"]) as answer:
        ledger = json.load(answer)["tables"]
    for table in ("work_items", "work_item_changelogs"):
        if (loaded := database.count(table)) != ledger[table]:
            raise BenchError(f"{loaded} {table} were loaded instead of {ledger[table]}.")


def bench(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Run all rounds and return a row of figures for each number of workers."""
    var = Path(os.environ.get("VAR_DIR", ROOT / "var")).resolve() / "bench-live"
    var.mkdir(parents=True, exist_ok=True)
    database = Database(os.environ.get("DATABASE_URL") or DEFAULT_DATABASE_URL)
    seconds: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    with ExitStack() as stack:
        broker = stack.enter_context(vhost())
        if broker is None:
            raise BenchError("RabbitMQ cannot be administered here, and workers need it.")
        ready = stack.enter_context(sandbox(options.items, options.latency_ms, var))
        stack.callback(database.drop)
        for number in range(options.rounds):
            for workers in WORKERS:
                report = sync(ready, workers, database, broker, var)
                check_loaded(ready, database)
                seconds[workers].append(report["seconds"])
                _say(f"round {number + 1}: {workers} workers: {report['seconds']:.1f} s")
    alone = statistics.median(seconds[WORKERS[0]])
    return [
        {
            "workers": workers,
            "seconds": round(statistics.median(taken), 2),
            "items_per_second": round(options.items / statistics.median(taken)),
            "times_one_worker": round(alone / statistics.median(taken), 2),
        }
        for workers, taken in seconds.items()
    ]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def table(rows: list[dict[str, Any]]) -> str:
    """Return the figures as text for people."""
    lines = [f"{'workers':>8}{'s':>9}{'items/s':>10}{'x one worker':>14}"]
    lines += [
        f"{row['workers']:>8}{row['seconds']:>9.1f}{row['items_per_second']:>10,}"
        f"{row['times_one_worker']:>14.2f}"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> int:
    """Read the options, run, print; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=4_000, help="how many work items")
    parser.add_argument("--latency-ms", type=int, default=100, help="of every answer")
    parser.add_argument("--rounds", type=int, default=3, help="how often each number runs")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if options.items < 1 or options.rounds < 1 or options.latency_ms < 0:
        parser.error("--items and --rounds must be at least 1, --latency-ms not negative")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        rows = bench(options)
    except BenchError as error:
        _say(f"\nNOT MEASURED: {error}")
        return 1
    print(json.dumps(rows, indent=1) if options.json else table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
