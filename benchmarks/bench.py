"""Measures our import against what is possible and against dlt, in one run on one machine.

    python benchmarks/bench.py --items 20000

All contestants load the same made-up work items with their changes into the same PostgreSQL
server, each into a database made anew for it, interleaved round by round; the figures are
medians. Ratios carry over to other machines, seconds do not. Exit code: 0 when everything was
measured and every contestant loaded every row, else 1.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import copy_limit
import dlt_path
import our_path
from processes import BenchError, run
from services import DEFAULT_DATABASE_URL, Database, vhost

LIMIT = "COPY, id and unique keys"
OURS = "ours, queue and 2 workers"
EMBEDDED = "ours, one process"
DLT_BEST = "dlt, arrow over ADBC"
DLT_DEFAULT = "dlt, default"


@dataclass
class Contestant:
    """One way of loading, and what was measured of it, a value a round.

    load: returns seconds, seconds with the interpreter's start, and peak MB by process.
    tables: where its work items and its changes are counted afterwards.
    """

    name: str
    load: Callable[[], tuple[float, float, dict[str, float]]]
    tables: tuple[str, str]
    seconds: list[float] = field(default_factory=list)
    process_seconds: list[float] = field(default_factory=list)
    peaks: dict[str, float] = field(default_factory=dict)

    def measure(self, database: Database, expected: tuple[int, int]) -> None:
        """Load once into a new database; raise BenchError unless every row is there."""
        database.renew()
        seconds, process_seconds, peaks = self.load()
        counted = tuple(database.count(table) for table in self.tables)
        if counted != expected:
            raise BenchError(
                f"{self.name} loaded {counted} work items and changes instead of {expected}."
            )
        self.seconds.append(seconds)
        self.process_seconds.append(process_seconds)
        for name, peak in peaks.items():
            self.peaks[name] = max(peak, self.peaks.get(name, 0.0))


def contestants(
    options: argparse.Namespace, database: Database, recording: Path, broker: str | None, var: Path
) -> list[Contestant]:
    """Return all ways of loading that this run compares."""
    issues = recording / "jira" / "issues.jsonl"
    rows = copy_limit.ready_rows(issues)

    def copy(surrogates: bool) -> tuple[float, float, dict[str, float]]:
        seconds, peak = copy_limit.load(database.url, rows, surrogates=surrogates)
        return seconds, seconds, {"bench": peak}

    def ours(broker_url: str | None) -> tuple[float, float, dict[str, float]]:
        done = our_path.load(recording, database.url, broker_url, var / "ours")
        peaks = {name: peaks.largest for name, peaks in done.peaks.items()}
        return done.seconds, done.process_seconds, peaks

    def dlt(mode: str) -> tuple[float, float, dict[str, float]]:
        seconds, done = dlt_path.load(python, mode, issues, database.url, var / "dlt")
        return seconds, done.seconds, {"dlt": done.peaks.largest}

    entered = [
        Contestant(LIMIT, partial(copy, surrogates=True), ("items", "changes")),
        Contestant("COPY, our keys", partial(copy, surrogates=False), ("items", "changes")),
    ]
    ours_tables = ("work_items", "work_item_changelogs")
    if broker is not None:
        entered.append(Contestant(OURS, partial(ours, broker), ours_tables))
    if broker is None or options.embedded:
        entered.append(Contestant(EMBEDDED, partial(ours, None), ours_tables))
    if not options.without_dlt:
        python = dlt_path.install(var / f"dlt-{dlt_path.VERSION}")
        for name, mode, changes in (
            (DLT_BEST, "best", "changes"),
            (DLT_DEFAULT, "default", "items__changes"),
        ):
            tables = ("bench_dlt.items", f"bench_dlt.{changes}")
            entered.append(Contestant(name, partial(dlt, mode), tables))
    return entered


def compare(entered: list[Contestant], items: int) -> list[dict[str, Any]]:
    """Return a row of figures for each contestant."""
    medians = {each.name: statistics.median(each.seconds) for each in entered}
    limit = medians[LIMIT]
    return [
        {
            "contestant": each.name,
            "seconds": round(medians[each.name], 3),
            "process_seconds": round(statistics.median(each.process_seconds), 3),
            "items_per_second": round(items / medians[each.name]),
            "of_copy_limit": round(limit / medians[each.name], 3),
            **{
                key: round(medians[name] / medians[each.name], 2) if name in medians else None
                for key, name in (("times_dlt_best", DLT_BEST), ("times_dlt", DLT_DEFAULT))
            },
            "peak_rss_mb": {name: round(peak) for name, peak in each.peaks.items()},
        }
        for each in entered
    ]


def table(rows: list[dict[str, Any]]) -> str:
    """Return the figures as text for people."""
    lines = [
        f"{'contestant':<28}{'s':>8}{'whole s':>9}{'items/s':>9}{'of COPY':>9}"
        f"{'x dlt best':>12}{'x dlt':>8}  peak MB"
    ]
    for row in rows:
        peaks = ", ".join(f"{name} {peak}" for name, peak in row["peak_rss_mb"].items())
        best, default = (
            "–" if row[key] is None else f"{row[key]:.2f}"
            for key in ("times_dlt_best", "times_dlt")
        )
        lines.append(
            f"{row['contestant']:<28}{row['seconds']:>8.2f}{row['process_seconds']:>9.2f}"
            f"{row['items_per_second']:>9,}{row['of_copy_limit']:>9.0%}{best:>12}{default:>8}"
            f"  {peaks}"
        )
    return "\n".join(lines)


def bench(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Make the recording, run all rounds and return the figures; raise BenchError."""
    var = Path(os.environ.get("VAR_DIR", our_path.ROOT / "var")).resolve() / "bench"
    recording = var / "recording"
    shutil.rmtree(recording, ignore_errors=True)
    database = Database(os.environ.get("DATABASE_URL") or DEFAULT_DATABASE_URL)
    make = ("make_recording", str(recording), "--items", str(options.items), "--jira-only")
    command = (sys.executable, str(our_path.ROOT / "manage.py"), *make, "--ledger")
    _say(f"Making {options.items:,} work items …")
    run((*command, "--seed", str(options.seed)), {"VAR_DIR": str(var)}, our_path.ROOT)
    tables = json.loads((recording / "ledger.json").read_text())["tables"]
    expected = (tables["work_items"], tables["work_item_changelogs"])
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, recording, ignore_errors=True)
        broker = stack.enter_context(vhost())
        if broker is None:
            _say("RabbitMQ cannot be administered here: our path runs in one process.")
        entered = contestants(options, database, recording, broker, var)
        stack.callback(database.drop)
        for number in range(options.rounds):
            for each in entered:
                each.measure(database, expected)
                _say(f"round {number + 1}: {each.name}: {each.seconds[-1]:.2f} s")
    return compare(entered, options.items)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Read the options, run, print; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=20_000, help="how many work items")
    parser.add_argument("--rounds", type=int, default=3, help="how often each contestant runs")
    parser.add_argument("--seed", type=int, default=1, help="of the made-up work items")
    parser.add_argument("--without-dlt", action="store_true", help="leave dlt out")
    parser.add_argument("--embedded", action="store_true", help="also run ours in one process")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if options.items < 1 or options.rounds < 1:
        parser.error("--items and --rounds must be at least 1")
    # Asked to end, it still ends what it started and drops what it made.
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
