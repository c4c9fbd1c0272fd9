"""An integration is worked no harder than its limits say, however many relays there are."""

from collections.abc import Iterator

import dramatiq
import pytest
from django.db import transaction
from dramatiq.brokers.stub import StubBroker

from common.errors import UsageError, WaitError
from integrations.models import Integration
from integrations.own_budget import OwnBudget
from jobs import queue, relay, runs
from jobs.control.limits import set_limits
from jobs.models import JobRun, QueueEntry, Stage
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import add_steps, in_threads, make_run, run_state

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubBroker]:
    """An in-process broker of the test's own, without a worker."""
    stub = StubBroker(middleware=[])
    for stage in Stage:
        stub.declare_queue(f"etl.{stage}.v1")
    monkeypatch.setattr(dramatiq, "get_broker", lambda: stub)
    yield stub
    stub.flush_all()


def limited(run: JobRun, **limits: int | None) -> Integration:
    with tenant_scope(run.tenant_id):
        integration: Integration = Integration.objects.get(pk=run.integration_id)
        both = {"max_parallel": None, "requests_per_hour": None} | limits
        set_limits(integration, **both)
        return integration


def dispatched(run: JobRun) -> int:
    with every_tenant("test"):
        steps = QueueEntry.objects.filter(run=run, dispatched_at__isnull=False)
        return steps.exclude(state="done").count()


def test_no_more_steps_are_dispatched_than_may_be_worked_at_once(
    run: JobRun, broker: StubBroker
) -> None:
    limited(run, max_parallel=2)
    add_steps(run, *(f"page:{n}" for n in range(6)), stage=Stage.EXTRACT)
    free = make_run("globex")
    add_steps(free, *(f"page:{n}" for n in range(6)), stage=Stage.EXTRACT)
    relay.dispatch()
    assert (dispatched(run), dispatched(free)) == (2, 6)
    relay.dispatch()
    assert dispatched(run) == 2
    step = next(
        step
        for step in iter(lambda: queue.claim(Stage.EXTRACT, "worker", hinted=True), None)
        if step.run_id == run.pk
    )
    relay.dispatch()
    assert dispatched(run) == 2  # what is worked counts, too
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(step)
    relay.dispatch()
    assert dispatched(run) == 2


def test_other_stages_are_not_held(run: JobRun, broker: StubBroker) -> None:
    limited(run, max_parallel=1)
    add_steps(run, *(f"page:{n}" for n in range(5)))
    assert relay.dispatch() == (5, False)


@pytest.mark.postgres
def test_several_relays_together_keep_to_the_limit(run: JobRun, broker: StubBroker) -> None:
    limited(run, max_parallel=3)
    add_steps(run, *(f"page:{n}" for n in range(40)), stage=Stage.EXTRACT)
    in_threads(6, lambda _: relay.dispatch())
    assert dispatched(run) == 3


def test_requests_are_held_to_so_many_an_hour_by_all_workers_together(run: JobRun) -> None:
    integration = limited(run, requests_per_hour=3)
    workers = [OwnBudget("key", integration.pk, 3) for _ in range(2)]
    for worker in (workers[0], workers[1], workers[0]):
        worker.take("")
    with pytest.raises(WaitError, match="held to 3 requests an hour") as waits:
        workers[1].take("")
    assert 3590 < (waits.value.retry_after_seconds or 0) <= 3600
    limited(run, requests_per_hour=5)
    OwnBudget("key", integration.pk, 5).take("")


def test_limits_that_are_none_are_refused(run: JobRun) -> None:
    for wrong in ({"max_parallel": 0}, {"max_parallel": 101}, {"requests_per_hour": -1}):
        with pytest.raises(UsageError, match="give a number from 1 to"):
            limited(run, **wrong)


def test_a_limit_holds_for_what_workers_were_told_of_before_it_was_set(
    run: JobRun, broker: StubBroker
) -> None:
    add_steps(run, *(f"page:{n}" for n in range(6)), stage=Stage.EXTRACT)
    assert relay.dispatch() == (6, False)
    limited(run, max_parallel=2)
    assert queue.claim(Stage.EXTRACT, "worker", hinted=True) is None
    relay.dispatch()
    claims = [queue.claim(Stage.EXTRACT, "worker", hinted=True) for _ in range(6)]
    assert sum(step is not None for step in claims) == 2


def test_what_the_source_itself_held_back_is_not_counted(run: JobRun) -> None:
    integration = limited(run, requests_per_hour=2)
    held, free = (OwnBudget(key, integration.pk, 2) for key in ("held", "free"))
    held.hold(60, "the source asks for a pause")
    for _ in range(3):
        with pytest.raises(WaitError, match="the source asks for a pause"):
            held.take("")
    free.take("")
    free.take("")
    with pytest.raises(WaitError, match="held to 2 requests an hour"):
        free.take("")


@pytest.mark.postgres
def test_many_workers_never_work_more_steps_at_once_than_the_limit(
    run: JobRun, broker: StubBroker
) -> None:
    limited(run, max_parallel=3)
    add_steps(run, *(f"page:{n}" for n in range(60)), stage=Stage.EXTRACT)
    at_once: list[int] = []

    def works(number: int) -> None:
        while run_state(run) == "running":
            if number < 2:
                relay.dispatch()
            step = queue.claim(Stage.EXTRACT, f"worker {number}", hinted=True)
            if step is None:
                continue
            with every_tenant("test"):
                at_once.append(QueueEntry.objects.filter(state="running").count())
            with tenant_scope(run.tenant_id), transaction.atomic():
                queue.complete(step)
            runs.finish_if_done(run.pk)

    in_threads(6, works)
    assert len(at_once) == 60
    assert max(at_once) == 3
