"""What died is mended: leases, hints, staged pages, runs."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from jobs import heartbeat, queue, relay, sweeper
from jobs.models import JobRun, QueueEntry, Stage
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import add_steps, fresh, run_state, stage_page

pytestmark = pytest.mark.django_db(transaction=True)


def expire_leases() -> None:
    """Let every lease run out."""
    with every_tenant("test"):
        QueueEntry.objects.update(leased_until=timezone.now() - timedelta(seconds=1))


def test_a_step_whose_lease_ran_out_is_queued_again(run: JobRun) -> None:
    (step,) = add_steps(run, "page:1")
    zombie = queue.claim(Stage.TRANSFORM, "dies")
    assert zombie is not None
    sweeper.sweep()
    assert fresh(step).state == "running"
    expire_leases()
    sweeper.sweep()
    assert fresh(step).state == "queued"
    assert "dies" in fresh(step).error
    with (
        pytest.raises(queue.LostLeaseError),
        tenant_scope(run.tenant_id),
        transaction.atomic(),
    ):
        queue.complete(zombie)


def test_a_step_that_keeps_killing_its_worker_is_set_aside(run: JobRun, settings: Settings) -> None:
    settings.STEP_MAX_ATTEMPTS = 2
    (step,) = add_steps(run, "page:1")
    for _ in range(2):
        assert queue.claim(Stage.TRANSFORM, "dies") is not None
        expire_leases()
        sweeper.sweep()
    assert fresh(step).state == "dead"
    assert "attempt 2 of 2" in fresh(step).error
    assert run_state(run) == "failed"


def test_a_load_whose_worker_died_leaves_its_pages_to_the_queued_one(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        queue.ensure_load_step(run, run.integration_id, "issues", due_now=True)
        died = queue.claim(Stage.LOAD, "dies")
        queue.ensure_load_step(run, run.integration_id, "issues", due_now=True)
    assert died is not None
    expire_leases()
    sweeper.sweep()
    assert fresh(died).state == "cancelled"


def test_a_heartbeat_keeps_the_lease_of_what_is_held_only(run: JobRun) -> None:
    add_steps(run, "page:1", "page:2")
    mine = queue.claim(Stage.TRANSFORM, heartbeat.worker_id())
    let_go = queue.claim(Stage.TRANSFORM, heartbeat.worker_id())
    assert mine is not None
    assert let_go is not None
    expire_leases()
    with heartbeat.held(mine):
        assert heartbeat.beat() == 1
    assert heartbeat.beat() == 0
    sweeper.sweep()
    assert (fresh(mine).state, fresh(let_go).state) == ("running", "queued")


def test_staged_pages_without_a_load_step_get_one(run: JobRun) -> None:
    stage_page(run)
    sweeper.sweep()
    sweeper.sweep()
    with every_tenant("test"):
        step = QueueEntry.objects.get()
    assert (step.stage, step.stream) == ("load", "issues")


def test_a_dead_load_step_is_not_replaced_for_ever(run: JobRun) -> None:
    stage_page(run)
    add_steps(run, "load:1", stage=Stage.LOAD)
    with every_tenant("test"):
        QueueEntry.objects.update(state="dead")
    sweeper.sweep()
    with every_tenant("test"):
        assert QueueEntry.objects.count() == 1


def test_a_run_whose_last_worker_died_after_its_commit_is_finished(run: JobRun) -> None:
    add_steps(run, "page:1")
    step = queue.claim(Stage.TRANSFORM, "worker")
    assert step is not None
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(step)
    assert run_state(run) == "running"
    sweeper.sweep()
    assert run_state(run) == "completed"


def test_steps_made_after_the_cancelling_are_cancelled_and_the_run_ends(run: JobRun) -> None:
    with every_tenant("test"):
        JobRun.objects.update(cancel_requested=True)
    (step,) = add_steps(run, "page:1")
    sweeper.sweep()
    assert fresh(step).state == "cancelled"
    assert run_state(run) == "cancelled"


@pytest.mark.parametrize(("depth", "published_again"), [(0, 3), (2, 1), (3, 0), (9, 0)])
def test_only_as_many_hints_are_sent_again_as_the_broker_lacks(
    run: JobRun, monkeypatch: pytest.MonkeyPatch, depth: int, published_again: int
) -> None:
    add_steps(run, "page:1", "page:2", "page:3")
    with every_tenant("test"):
        QueueEntry.objects.update(dispatched_at=timezone.now() - timedelta(seconds=60))
    monkeypatch.setattr(relay, "queue_depths", lambda: dict.fromkeys(Stage, depth))
    sweeper.sweep()
    with every_tenant("test"):
        assert QueueEntry.objects.filter(dispatched_at=None).count() == published_again


def test_fresh_hints_are_left_alone(run: JobRun) -> None:
    add_steps(run, "page:1")
    with every_tenant("test"):
        QueueEntry.objects.update(dispatched_at=timezone.now())
    sweeper.sweep()
    with every_tenant("test"):
        assert not QueueEntry.objects.filter(dispatched_at=None).exists()


def test_a_broker_that_is_away_stops_no_sweep(run: JobRun, monkeypatch: pytest.MonkeyPatch) -> None:
    def away() -> dict[str, int]:
        raise ConnectionRefusedError

    monkeypatch.setattr(relay, "queue_depths", away)
    add_steps(run, "page:1")
    with every_tenant("test"):
        QueueEntry.objects.update(dispatched_at=timezone.now() - timedelta(seconds=60))
    sweeper.sweep()
    with every_tenant("test"):
        assert not QueueEntry.objects.filter(dispatched_at=None).exists()
