"""How commands show runs on a terminal, and say what became of them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.core.management.base import OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from common.errors import UsageError
from jobs.drive import Watch, report
from jobs.models import JobRun
from jobs.runs import RunSummary


@contextmanager
def progress(quiet: bool) -> Iterator[Watch]:
    """Give a function that shows runs as bars on standard error while they are worked.

    quiet: show nothing. Off a terminal nothing moves either.
    """
    bars = Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total} steps, {task.fields[told]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )
    tasks: dict[int, Any] = {}

    def watch(runs: Sequence[tuple[JobRun, RunSummary]]) -> None:
        for run, now in runs:
            if run.pk not in tasks:
                tasks[run.pk] = bars.add_task(run.integration.name, total=None, told="")
            done = sum(stage["done"] for stage in now["stages"])
            bars.update(
                tasks[run.pk],
                completed=done,
                total=done + now["open"] + now["dead"],
                told=_told(now),
            )

    with bars:
        yield watch


def _told(now: RunSummary) -> str:
    if now["waiting_until"] is not None:
        return f"waiting until {now['waiting_until']:%H:%M:%S} UTC: {now['waiting_for']}"[:80]
    return f"{now['records']:,} records, {now['rate']:,.0f}/s"


def tell(runs: Sequence[JobRun], out: OutputWrapper, as_json: bool, **more: Any) -> int:
    """Write what became of the runs; return the command's exit code."""
    told = report(runs)
    if as_json:
        out.write(json.dumps({**told, **more}, default=str) + "\n")
    else:
        for run in told["runs"]:
            _tell_run(run, out)
    code: int = told["exit_code"]
    return code


def _tell_run(run: dict[str, Any], out: OutputWrapper) -> None:
    out.write(
        f"{run['integration']}: {run['state'].replace('_', ' ')}; {run['records']:,} records in"
        f" {run['seconds']:.1f} s ({run['rate']:,.0f}/s), {run['rows']:,} rows written,"
        f" {run['skipped']:,} unchanged, {run['quarantined']:,} set aside\n"
    )
    if run["error"]:
        out.write(f"  {run['error'].splitlines()[0]}\n")
    for problem in run["problems"]:
        path = f" at {problem['path']}" if problem["path"] else ""
        out.write(f"  {problem['place']}{path}: {problem['reason']}: {problem['detail']}\n")
    if (hidden := run["quarantined"] - len(run["problems"])) > 0:
        out.write(f"  … and {hidden:,} more: see Quarantine in the admin\n")


def name_and_value(option: str, text: str) -> tuple[str, str]:
    """Return both sides of NAME=VALUE; raise UsageError that names the option."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"{option} {text.partition('=')[0]!r} is not NAME=VALUE")
    return name, value
