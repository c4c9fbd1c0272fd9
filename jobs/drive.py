"""Sees runs of this command through to their end, with progress for the one who waits."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings

from integrations.models import QuarantinedRecord
from jobs import heartbeat
from jobs.embedded import EmbeddedEngine
from jobs.imports import extract_next
from jobs.models import JobRun
from jobs.patience import patiently
from jobs.runs import RunSummary, summary
from jobs.sync import start_scheduled
from tenants.scope import tenant_scope

LOOK_EVERY_SECONDS: Final = 0.2
SHOWN_PROBLEMS: Final = 20

EXIT_CODES: Final = {
    JobRun.State.COMPLETED: 0,
    JobRun.State.FAILED: 1,
    JobRun.State.CANCELLED: 1,
    JobRun.State.COMPLETED_WITH_ERRORS: 3,
}
EXIT_CODES_HELP: Final = (
    "Exit code 0: all loaded; 1: a run failed; 2: refused, nothing done; "
    "3: loaded, but for records that were set aside."
)

Watch = Callable[[Sequence[tuple[JobRun, RunSummary]]], None]


@contextmanager
def engine() -> Iterator[None]:
    """Have steps worked: by this process if the broker is the in-process one, else by workers."""
    if settings.BROKER_URL:
        beat = heartbeat.Heartbeat()
        beat.start()
        try:
            yield
        finally:
            beat.stop()
        return
    embedded = EmbeddedEngine(start_run=start_scheduled)
    embedded.start()
    try:
        yield
    finally:
        embedded.stop()


def drive(runs: Sequence[JobRun], watch: Watch) -> None:
    """Take the extract steps of the runs here, and wait until all of them are finished."""
    worker = heartbeat.worker_id()
    watched_at = 0.0
    while True:
        busy = patiently(lambda: any(extract_next(run, worker) for run in runs))
        now = time.monotonic()
        if not busy or now - watched_at > LOOK_EVERY_SECONDS:
            watched_at = now
            if patiently(lambda: _look(runs, watch)):
                return
        if not busy:
            time.sleep(LOOK_EVERY_SECONDS)


def wait(runs: Sequence[JobRun], watch: Watch) -> None:
    """Wait until all of the runs are finished; workers, here or elsewhere, do their steps."""
    while not patiently(lambda: _look(runs, watch)):
        time.sleep(LOOK_EVERY_SECONDS)


def _look(runs: Sequence[JobRun], watch: Watch) -> bool:
    """Show how far the runs are; tell whether all are finished."""
    seen = []
    for run in runs:
        with tenant_scope(run.tenant_id):
            run.refresh_from_db()
            seen.append((run, summary(run)))
    watch(seen)
    return all(run.state != JobRun.State.RUNNING for run in runs)


def report(runs: Sequence[JobRun]) -> dict[str, Any]:
    """Return what became of the runs, for a person or a program."""
    told = []
    for run in runs:
        with tenant_scope(run.tenant_id):
            run.refresh_from_db()
            told.append(_report_run(run))
    exit_code = max((EXIT_CODES[JobRun.State(run.state)] for run in runs), default=0)
    if any(run.state in (JobRun.State.FAILED, JobRun.State.CANCELLED) for run in runs):
        exit_code = 1
    return {"ok": exit_code == 0, "exit_code": exit_code, "runs": told}


def _report_run(run: JobRun) -> dict[str, Any]:
    problems = QuarantinedRecord.objects.filter(run_id=run.pk).order_by("id")
    notes = problems.filter(severity=QuarantinedRecord.Severity.NOTE)
    serious = problems.exclude(severity=QuarantinedRecord.Severity.NOTE)
    return {
        "run": run.pk,
        "integration": run.integration.name,
        "state": run.state,
        "error": run.error,
        **summary(run),
        "notes": notes.count(),
        "quarantined": serious.count(),
        "problems": list(
            serious.values("severity", "reason", "place", "path", "detail")[:SHOWN_PROBLEMS]
        ),
    }
