"""A tenant with an integration and a run, and handlers of the tests' own."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from django.db import connections

from integrations.models import Integration
from jobs import queue, runs, steps
from jobs.models import JobRun, QueueEntry, Stage
from jobs.queue import NewStep
from tenants.models import Tenant
from tenants.scope import every_tenant
from warehouse.models.staging import StagedPage


def make_run(slug: str = "acme", tier: str = "basic") -> JobRun:
    """Make a run of a new integration of a tenant, which is made if need be."""
    tenant, _ = Tenant.objects.get_or_create(slug=slug, defaults={"name": slug, "tier": tier})
    with every_tenant("test"):
        count = Integration.objects.filter(tenant=tenant).count()
        integration = Integration.objects.create(
            tenant=tenant, provider="jira", name=f"jira-{count}"
        )
        return runs.start(integration, JobRun.Trigger.MANUAL, JobRun.Mode.FULL)


def add_steps(run: JobRun, *keys: str, stage: Stage = Stage.TRANSFORM) -> list[QueueEntry]:
    """Enqueue steps of these keys; return them in that order."""
    with every_tenant("test"):
        queue.enqueue(run, [NewStep(stage, "issues", key) for key in keys])
        found = {step.key: step for step in QueueEntry.objects.filter(run=run)}
        return [found[key] for key in keys]


def fresh(row: QueueEntry) -> QueueEntry:
    """Return the step as it is in the database now."""
    with every_tenant("test"):
        step: QueueEntry = QueueEntry.objects.get(pk=row.pk)
        return step


def stage_page(run: JobRun, raw_page_id: int = 1, items: int = 1) -> None:
    """Stage a page of the stream `issues` with an empty body."""
    with every_tenant("test"):
        StagedPage.objects.create(
            tenant_id=run.tenant_id,
            integration_id=run.integration_id,
            run_id=run.pk,
            stream="issues",
            raw_page_id=raw_page_id,
            body=b"",
            item_count=items,
        )


def run_state(run: JobRun) -> str:
    """Return the state that the run has in the database now."""
    with every_tenant("test"):
        state: str = JobRun.objects.values_list("state", flat=True).get(pk=run.pk)
        return state


def in_threads(count: int, work: Callable[[int], object]) -> None:
    """Call work(0) … work(count - 1), each in a thread, started together; raise what they raise."""
    barrier = threading.Barrier(count)
    errors: list[BaseException] = []

    def one(number: int) -> None:
        try:
            barrier.wait(10)
            work(number)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until the condition holds; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(0.02)


@pytest.fixture
def run(transactional_db: None) -> JobRun:
    """A running run of tenant acme without steps."""
    return make_run()


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, steps.Handler]]:
    """The registry of handlers, emptied; whatever a test puts there is gone after it."""
    table: dict[str, steps.Handler] = {}
    monkeypatch.setattr(steps, "HANDLERS", table)
    yield table
