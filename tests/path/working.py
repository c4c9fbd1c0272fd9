"""Runs an import to its end inside the test's own process, with as many threads as asked."""

import random
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from django.db import connection

from jobs.imports import extract_next, start_import
from jobs.models import JobRun, Stage
from jobs.runs import finish_if_done
from jobs.steps import work_next
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope
from warehouse.export import columns_of, rows_of, tenant_hashes

STORY_POINTS = {"story_points_field": "customfield_10024"}
_GIVE_UP_SECONDS = 120


def load(
    directory: Path,
    *,
    settings: Mapping[str, str] | None = None,
    lines_a_page: int = 500,
    threads: int = 1,
    tenant: str = "acme",
) -> list[JobRun]:
    """Import a directory and wait for its end; return the finished runs."""
    runs = start_import(
        directory, tenant, True, STORY_POINTS if settings is None else settings, lines_a_page
    )
    finish(runs, threads)
    return runs


def finish(runs: list[JobRun], threads: int = 1) -> None:
    """Work steps until the runs are finished; fail if that takes two minutes."""
    if threads == 1:
        _work_until_finished(runs)
    else:
        in_threads(threads, lambda: _work_until_finished(runs))
    for run in runs:
        _refresh(run)


def _work_until_finished(runs: list[JobRun]) -> None:
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    while not _all_finished(runs):
        assert time.monotonic() < deadline, "the runs do not end"
        if any(extract_next(run, "test") for run in runs):
            continue
        if not any(work_next(stage, "test") for stage in (Stage.TRANSFORM, Stage.LOAD)):
            for run in runs:
                finish_if_done(run.pk)


def _all_finished(runs: list[JobRun]) -> bool:
    with every_tenant("test"):
        return not JobRun.objects.filter(
            pk__in=[run.pk for run in runs], state=JobRun.State.RUNNING
        ).exists()


def _refresh(run: JobRun) -> None:
    with every_tenant("test"):
        run.refresh_from_db()


def in_threads(count: int, work: Callable[[], None]) -> None:
    """Call work in so many threads; raise if one of them fails."""
    failures: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def exported(table: str, tenant: str = "acme") -> list[dict[str, Any]]:
    """Return the rows that `export` gives of a table."""
    names = [column.name for column in columns_of(table)]
    with tenant_scope(Tenant.objects.get(slug=tenant).pk):
        return [dict(zip(names, row, strict=True)) for row in rows_of(table)]


def hashes(tenant: str = "acme") -> dict[str, str]:
    """Return the hash of every exported table."""
    with tenant_scope(Tenant.objects.get(slug=tenant).pk):
        return tenant_hashes()


def shuffled_copy(directory: Path, target: Path, seed: int) -> Path:
    """Copy a recording with the lines of each file in another order."""
    order = random.Random(seed)
    for source in directory.rglob("*.jsonl"):
        lines = source.read_bytes().splitlines(keepends=True)
        order.shuffle(lines)
        copy = target / source.relative_to(directory)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines))
        shutil.copystat(source, copy)
    return target
