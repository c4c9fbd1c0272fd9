"""Runs a live run to its end inside the test's own process."""

import threading
import time
from collections.abc import Callable
from typing import Any

from integrations.models import Integration
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from jobs.runs import finish_if_done
from jobs.steps import work_next
from jobs.sync import start_sync
from tenants.scope import every_tenant, tenant_scope
from tests.path.working import in_threads

GIVE_UP_SECONDS = 300
_PAUSE_SECONDS = 0.02


def sync(
    integration: Integration, mode: str = "incremental", threads: int = 1, **more: Any
) -> JobRun:
    """Start a run of an integration and work it to its end; return it."""
    with tenant_scope(integration.tenant_id):
        integration.refresh_from_db()
        run = start_sync(integration, JobRun.Mode(mode), **more)
    return finish(run, threads=threads)[0]


def finish(*runs: JobRun, threads: int = 1) -> list[JobRun]:
    """Work steps until the runs are finished; fail if that takes five minutes."""
    work_until(lambda: _all_finished(runs), *runs, threads=threads)
    for run in runs:
        with every_tenant("test"):
            run.refresh_from_db()
    return list(runs)


def work_until(true: Callable[[], Any], *runs: JobRun, threads: int = 1) -> None:
    """Work steps, of whatever run, until something is true of the runs; see `finish`."""
    if threads == 1:
        _work_until(true, runs)
    else:
        in_threads(threads, lambda: _work_until(true, runs))


def _work_until(true: Callable[[], Any], runs: tuple[JobRun, ...]) -> None:
    deadline = time.monotonic() + GIVE_UP_SECONDS
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline, f"the runs do not end: {told(*runs)}"
        worked = sum(work_next(stage, "test") for stage in Stage)
        if not worked:
            for run in runs:
                finish_if_done(run.pk)
            pause.wait(_PAUSE_SECONDS)


def _all_finished(runs: tuple[JobRun, ...]) -> bool:
    with every_tenant("test"):
        return not JobRun.objects.filter(
            pk__in=[run.pk for run in runs], state=JobRun.State.RUNNING
        ).exists()


def told(*runs: JobRun) -> str:
    """Return what became of runs in words, for the message of a failed assertion."""
    lines: list[str] = []
    with every_tenant("test"):
        for run in runs:
            run.refresh_from_db()
            lines.append(f"run {run.pk} of {run.integration}: {run.state}; {run.error[:1500]}")
            steps = QueueEntry.objects.filter(run=run).exclude(state=QueueEntry.State.DONE)
            lines += [f"  {s.state} {s.stage} {s.key}: {s.error[:300]}" for s in steps[:10]]
            lines += [f"  log: {line.message[:300]}" for line in RunLog.objects.filter(run=run)]
    return "\n".join(lines)
