"""What the tests of failures share: worlds, what was asked, and the end of a failed run."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx2
from django.utils import timezone

from integrations.models import Integration, QuarantinedRecord, RawPage, RequestBudget
from jobs.models import JobRun, QueueEntry, Stage
from jobs.runs import RunSummary, summary
from jobs.steps import work_next
from sandbox.generate.world import World
from sandbox.options import Options
from tenants.scope import every_tenant, tenant_scope
from tests.live.running import told
from tests.live.served import Served, served
from tests.path.working import exported

_GIVE_UP_SECONDS = 60
SIZE = {"jira": 60, "github": 120}
ITEMS = {"jira": "items", "github": "pulls"}
"""What requests for pages of items are counted as."""
TABLES = {"jira": "work_items", "github": "pull_requests"}
SMALL_PAGES = {"jira": {"page_size": "5"}, "github": {"page_size": "5"}}


@contextmanager
def small_world(provider: str, options: Options | None = None) -> Iterator[Served]:
    """Serve a world of several pages of five a project or repository."""
    with served(World(items=SIZE[provider], seed=5, lean=True, shape="v3"), options) as source:
        yield source


def requests_of(source: Served, *kinds: str) -> list[dict[str, Any]]:
    """Return the requests so far, oldest first, of some kinds if named."""
    text = httpx2.get(f"{source.base}/ledger/requests/entries").text
    found = [json.loads(line) for line in text.splitlines()]
    return [each for each in found if not kinds or each["kind"] in kinds]


def asked(requests: list[dict[str, Any]], *, answered: bool) -> set[str]:
    """Return what was asked, each by method, address and body; answered: only with success."""
    return {
        f"{each['method']} {each['path']} {each['asked']}"
        for each in requests
        if each["status"] == 200 or not answered
    }


def loaded(provider: str) -> dict[str, dict[str, Any]]:
    """Return the items that are loaded, by their ids."""
    rows = exported(TABLES[provider])
    found = {row["source_id"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def set_aside(run: JobRun) -> list[tuple[str, RawPage]]:
    """Return the reasons and pages of what a run could not read."""
    with every_tenant("test"):
        found = QuarantinedRecord.objects.filter(run_id=run.pk).select_related("raw_page")
        return [(each.reason, each.raw_page) for each in found]


def dead_steps(run: JobRun) -> list[QueueEntry]:
    """Return the steps that were given up."""
    with every_tenant("test"):
        return list(QueueEntry.objects.filter(run=run, state=QueueEntry.State.DEAD))


def work_until_waiting(run: JobRun) -> RunSummary:
    """Work what can be worked until the run shows that it waits; return what it shows."""
    deadline = time.monotonic() + _GIVE_UP_SECONDS
    pause = threading.Event()
    while True:
        with tenant_scope(run.tenant_id):
            run.refresh_from_db()
            shown = summary(run)
        assert run.state == JobRun.State.RUNNING, told(run)
        if shown["waiting_until"] is not None:
            return shown
        assert time.monotonic() < deadline, f"it does not wait: {told(run)}"
        if not sum(work_next(stage, "test") for stage in Stage):
            pause.wait(0.02)


def let_time_pass(integration: Integration) -> None:
    """Let every wait be over."""
    past = timezone.now() - timedelta(seconds=1)
    with every_tenant("test"):
        RequestBudget.objects.update(held_until=past, resets_at=past)
        queued = QueueEntry.objects.filter(integration_id=integration.pk, state="queued")
        queued.update(run_at=past)
