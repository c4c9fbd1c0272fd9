"""Runs are paused, resumed and cancelled; what is under way ends soon, and nothing is lost."""

from collections.abc import Iterator
from datetime import timedelta

import dramatiq
import pytest
from django.db import OperationalError, transaction
from django.utils import timezone
from dramatiq.brokers.stub import StubBroker

from common.errors import UsageError
from jobs import heartbeat, queue, relay, retries, runs, steps
from jobs.control import runs as control
from jobs.control import stopping
from jobs.imports import extract_next
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import add_steps, fresh, make_run, run_state, stage_page

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


def claimed(stage: Stage = Stage.TRANSFORM) -> QueueEntry:
    step = queue.claim(stage, heartbeat.worker_id())
    assert step is not None
    return step


def as_now(run: JobRun) -> JobRun:
    with every_tenant("test"):
        found: JobRun = JobRun.objects.get(pk=run.pk)
        return found


def asked_long_ago(run: JobRun) -> None:
    with every_tenant("test"):
        long_ago = timezone.now() - timedelta(minutes=1)
        JobRun.objects.filter(pk=run.pk).update(stop_asked_at=long_ago)


def test_nothing_of_a_paused_run_is_claimed_until_it_is_resumed(run: JobRun) -> None:
    add_steps(run, "page:1", "page:2")
    assert control.pause(run, "ann") == 0
    assert queue.claim(Stage.TRANSFORM, "worker") is None
    other = make_run("globex")
    (foreign,) = add_steps(other, "page:9")
    assert claimed().pk == foreign.pk
    assert control.resume(run, "ann") == 2
    assert claimed().run_id == run.pk
    with every_tenant("test"):
        told = list(RunLog.objects.filter(run=run).order_by("id").values_list("message", flat=True))
    assert told[-2:] == ["Paused by ann", "Resumed by ann"]


def test_no_hint_is_published_of_a_paused_run_and_each_once_more_when_it_is_resumed(
    run: JobRun, broker: StubBroker
) -> None:
    steps_ = add_steps(run, "page:1", "page:2")
    assert relay.dispatch() == (2, False)
    control.pause(run)
    assert [fresh(step).dispatched_at for step in steps_] == [None, None]
    assert relay.dispatch() == (0, False)
    control.resume(run)
    assert relay.dispatch() == (2, False)


def test_a_step_under_way_is_told_to_stop_and_waits_without_an_attempt(
    run: JobRun, handlers: dict[str, steps.Handler]
) -> None:
    (step,) = add_steps(run, "page:1")

    def handler(step: QueueEntry) -> None:
        stopping.check()  # nobody has asked yet
        control.pause(run)
        heartbeat.look()
        stopping.check()
        raise AssertionError("it went on")

    handlers[Stage.TRANSFORM] = handler
    assert steps.work_next(Stage.TRANSFORM, heartbeat.worker_id())
    now = fresh(step)
    assert (now.state, now.attempts, now.leased_until) == ("queued", 0, None)
    control.resume(run)
    assert claimed().pk == step.pk


def test_a_step_under_way_of_a_cancelled_run_is_cancelled_and_the_run_ends(
    run: JobRun, handlers: dict[str, steps.Handler]
) -> None:
    (step,) = add_steps(run, "page:1")

    def handler(step: QueueEntry) -> None:
        control.cancel(run)
        heartbeat.look()
        stopping.check()

    handlers[Stage.TRANSFORM] = handler
    steps.work_next(Stage.TRANSFORM, heartbeat.worker_id())
    assert fresh(step).state == "cancelled"
    assert run_state(run) == "cancelled"


@pytest.mark.parametrize("ask", ["pause", "cancel"])
def test_a_step_that_does_not_listen_is_cut_off_and_cannot_commit(run: JobRun, ask: str) -> None:
    (step,) = add_steps(run, "page:1")
    working = claimed()
    getattr(control, ask)(run)
    assert stopping.cut_off() == 0  # it is given some seconds
    asked_long_ago(run)
    assert stopping.cut_off() == 1
    assert fresh(step).state == {"pause": "queued", "cancel": "cancelled"}[ask]
    with (
        tenant_scope(run.tenant_id),
        pytest.raises(queue.LostLeaseError),
        transaction.atomic(),
    ):
        queue.complete(working)
    assert fresh(step).state == {"pause": "queued", "cancel": "cancelled"}[ask]
    if ask == "pause":
        assert fresh(step).attempts == 0


def test_what_a_paused_run_has_in_hand_may_end(run: JobRun) -> None:
    add_steps(run, "page:1")
    working = claimed()
    assert control.pause(run) == 1
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(working, successors=[queue.NewStep(Stage.LOAD, "issues", "load:1")])
    assert runs.finish_if_done(run.pk) is None
    assert queue.claim(Stage.LOAD, "worker") is None
    control.resume(run)
    assert queue.claim(Stage.LOAD, "worker") is not None


def test_a_run_that_ends_while_it_is_paused_is_paused_no_more(run: JobRun) -> None:
    add_steps(run, "page:1")
    working = claimed()
    control.pause(run)
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(working)
    assert runs.finish_if_done(run.pk) == "completed"
    assert as_now(run).paused_at is None
    with pytest.raises(UsageError, match="has ended already"):
        control.resume(run)


def test_a_paused_run_can_be_cancelled(run: JobRun) -> None:
    add_steps(run, "page:1")
    stage_page(run)
    control.pause(run)
    assert control.cancel(run, "ann") == 1
    assert run_state(run) == "cancelled"


def test_a_run_that_is_being_cancelled_is_not_brought_back_by_a_retry(run: JobRun) -> None:
    _, dead = add_steps(run, "page:1", "page:2")
    claimed()
    retries.bury(dead, {"pk": dead.pk}, "ValueError: bad page")
    control.cancel(run)
    with pytest.raises(UsageError, match="is being cancelled: wait until it has ended"):
        control.retry_failed(run)
    assert as_now(run).cancel_requested


def test_a_cancelled_run_whose_dead_step_is_retried_tells_what_it_lacks(run: JobRun) -> None:
    _, dead = add_steps(run, "page:1", "page:2")
    retries.bury(dead, {"pk": dead.pk}, "ValueError: bad page")
    control.cancel(run)
    assert run_state(run) == "cancelled"
    assert control.retry_failed(run) == 1
    working = claimed()
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(working)
    assert runs.finish_if_done(run.pk) == "completed_with_errors"
    assert "1 steps were cancelled before it went on" in as_now(run).error


def test_a_paused_load_hands_no_attempt_on_to_the_one_that_takes_its_pages(run: JobRun) -> None:
    add_steps(run, "load:1", stage=Stage.LOAD)
    working = claimed(Stage.LOAD)
    (heir,) = add_steps(run, "load:2", stage=Stage.LOAD)
    control.pause(run)
    assert stopping.stop(working)
    assert (fresh(working).state, fresh(heir).attempts) == ("cancelled", 0)


def test_what_makes_no_sense_is_refused_in_words(run: JobRun) -> None:
    add_steps(run, "page:1")
    with pytest.raises(UsageError, match=r"run \d+ is not paused"):
        control.resume(run)
    control.pause(run)
    with pytest.raises(UsageError, match="is paused already: resume it"):
        control.pause(run)
    with pytest.raises(UsageError, match="has no dead step to retry"):
        control.retry_failed(run)
    control.cancel(run)
    with pytest.raises(UsageError, match="has ended already: cancelled"):
        control.pause(run)


def test_a_session_that_was_ended_to_stop_a_step_costs_it_no_attempt(
    run: JobRun, handlers: dict[str, steps.Handler]
) -> None:
    (step,) = add_steps(run, "page:1")

    def handler(step: QueueEntry) -> None:
        control.pause(run)
        raise OperationalError("terminating connection due to administrator command")

    handlers[Stage.TRANSFORM] = handler
    steps.work_next(Stage.TRANSFORM, heartbeat.worker_id())
    assert (fresh(step).state, fresh(step).attempts) == ("queued", 0)


def test_an_import_that_is_paused_reads_no_further(
    run: JobRun, handlers: dict[str, steps.Handler]
) -> None:
    def completes(step: QueueEntry) -> None:
        with transaction.atomic():
            queue.complete(step)

    handlers[Stage.EXTRACT] = completes
    add_steps(run, "file:1", "file:2", stage=Stage.EXTRACT)
    assert extract_next(run, "importer")
    control.pause(run)
    assert not extract_next(run, "importer")
    control.resume(run)
    assert extract_next(run, "importer")
    assert run_state(run) == "completed"
