"""A step that fails is tried again by its row, or set aside as dead where everybody can see it."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from common.errors import PermanentError, TransientError, UsageError
from jobs import queue, retries, runs
from jobs.control import runs as control
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import add_steps, fresh, run_state

pytestmark = pytest.mark.django_db(transaction=True)


def claimed(stage: Stage = Stage.TRANSFORM) -> QueueEntry:
    """Claim the next step whenever it is due."""
    with every_tenant("test"):
        QueueEntry.objects.filter(state="queued").update(run_at=timezone.now())
    step = queue.claim(stage, "worker")
    assert step is not None
    return step


def error_of(message: str) -> ValueError:
    """Return an error that was really raised, with a traceback."""
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


def seconds_to_wait(step: QueueEntry) -> float:
    """Return how long the step is put off from now."""
    return (fresh(step).run_at - timezone.now()).total_seconds()


@pytest.mark.parametrize("error", [TransientError("busy"), ValueError("a bug")])
def test_a_failed_step_waits_and_waits_longer_the_next_time(run: JobRun, error: Exception) -> None:
    add_steps(run, "page:1")
    first = claimed()
    assert retries.fail(first, error) == "queued"
    assert 0.5 < seconds_to_wait(first) <= 3
    assert fresh(first).dispatched_at is None
    second = claimed()
    assert retries.fail(second, error) == "queued"
    assert 1.5 < seconds_to_wait(second) <= 6


@pytest.mark.parametrize(("asked", "least", "most"), [(120, 119, 121), (86_400, 3_598, 3_600)])
def test_a_step_waits_as_long_as_the_source_asks_but_an_hour_at_most(
    run: JobRun, asked: float, least: float, most: float
) -> None:
    add_steps(run, "page:1")
    step = claimed()
    retries.fail(step, TransientError("slow down", retry_after_seconds=asked))
    assert least < seconds_to_wait(step) <= most


def test_a_permanent_error_kills_a_step_at_once_and_says_why(run: JobRun) -> None:
    add_steps(run, "page:1")
    step = claimed()
    assert retries.fail(step, PermanentError("no such project")) == "dead"
    assert fresh(step).error.startswith("PermanentError: no such project")
    with every_tenant("test"):
        line = RunLog.objects.filter(level="error").get()
    assert "'page:1' is dead in attempt 1: PermanentError: no such project" in line.message


def test_a_step_dies_of_its_last_attempt_with_type_message_and_traceback(
    run: JobRun, settings: Settings
) -> None:
    settings.STEP_MAX_ATTEMPTS = 3
    (step,) = add_steps(run, "page:1")
    states = [retries.fail(claimed(), error_of("bad \x00 \ud800 byte")) for _ in range(3)]
    assert states == ["queued", "queued", "dead"]
    reason = fresh(step).error
    assert reason.startswith("ValueError: bad � ? byte")
    assert "in error_of" in reason


def test_failing_a_step_that_somebody_else_holds_changes_nothing(run: JobRun) -> None:
    (step,) = add_steps(run, "page:1")
    zombie = claimed()
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=step.pk).update(state="queued")
    heir = claimed()
    assert retries.fail(zombie, PermanentError("too late")) == "running"
    assert (fresh(step).fence, fresh(step).error) == (heir.fence, "")


def test_a_load_that_fails_leaves_its_pages_and_attempts_to_the_queued_one(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        queue.ensure_load_step(run, run.integration_id, "issues", due_now=True)
        first = claimed(Stage.LOAD)
        queue.ensure_load_step(run, run.integration_id, "issues", due_now=True)
    assert retries.fail(first, TransientError("locked")) == "cancelled"
    heir = claimed(Stage.LOAD)
    assert heir.pk != first.pk
    assert heir.attempts == 2
    assert heir.key in fresh(first).error
    assert "TransientError: locked" in fresh(first).error


def test_a_load_that_fails_alone_is_queued_again(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        queue.ensure_load_step(run, run.integration_id, "issues", due_now=True)
    step = claimed(Stage.LOAD)
    assert retries.fail(step, TransientError("locked")) == "queued"


def test_a_dead_step_can_be_replayed_and_its_run_goes_on(run: JobRun) -> None:
    add_steps(run, "page:1")
    step = claimed()
    retries.fail(step, PermanentError("no"))
    assert runs.finish_if_done(run.pk) == "failed"
    assert retries.replay(fresh(step))
    assert (fresh(step).state, fresh(step).attempts) == ("queued", 0)
    assert run_state(run) == "running"
    again = claimed()
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(again)
    assert fresh(step).error == ""
    assert runs.finish_if_done(run.pk) == "completed"
    assert not retries.replay(fresh(step))


def test_a_replayed_load_step_joins_the_queued_one(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        queue.ensure_load_step(run, run.integration_id, "issues", due_now=True)
        dead = claimed(Stage.LOAD)
        retries.fail(dead, PermanentError("no"))
        queue.ensure_load_step(run, run.integration_id, "issues", due_now=True)
    assert retries.replay(fresh(dead))
    assert fresh(dead).state == "cancelled"
    assert claimed(Stage.LOAD).attempts == 1


def test_cancelling_a_run_cancels_what_waits_and_lets_what_runs_end(run: JobRun) -> None:
    steps = add_steps(run, "page:1", "page:2", "page:3")
    working = claimed()
    assert control.cancel(run) == 2
    assert run_state(run) == "running"
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(working, successors=[queue.NewStep(Stage.INDEX, "issues", "index:1")])
    assert queue.claim(Stage.INDEX, "worker") is None
    assert runs.finish_if_done(run.pk) == "cancelled"
    assert [fresh(step).state for step in steps] == ["done", "cancelled", "cancelled"]
    with every_tenant("test"):
        assert QueueEntry.objects.get(stage="index").state == "cancelled"


def test_a_finished_run_cannot_be_cancelled(run: JobRun) -> None:
    add_steps(run, "page:1")
    step = claimed()
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(step)
    runs.finish_if_done(run.pk)
    with pytest.raises(UsageError, match="has ended already: completed"):
        control.cancel(run)
    assert run_state(run) == "completed"


def test_the_wait_is_never_before_now() -> None:
    wait = retries._wait(1, TransientError("odd", retry_after_seconds=-5))
    assert timedelta(0) <= wait <= timedelta(seconds=1)
