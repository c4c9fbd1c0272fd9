"""Steps are made once, claimed by one, and completed only by who holds them."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from jobs import queue
from jobs.models import JobRun, QueueEntry, Stage
from jobs.queue import Counts, LostLeaseError, NewStep
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import add_steps, fresh, in_threads, make_run, stage_page
from warehouse.models.staging import StagedPage

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_step_is_made_once_in_a_run(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        first = queue.enqueue(run, [NewStep(Stage.EXTRACT, "issues", "page:1", {"page": 1})])
        again = queue.enqueue(
            run,
            [
                NewStep(Stage.EXTRACT, "issues", "page:1", {"page": 99}),
                NewStep(Stage.EXTRACT, "issues", "page:2", {"page": 2}),
            ],
        )
        steps = list(QueueEntry.objects.order_by("key"))
    assert (first, again) == (1, 1)
    assert [step.params for step in steps] == [{"page": 1}, {"page": 2}]


def test_many_steps_are_made_in_one_call(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        made = queue.enqueue(
            run, [NewStep(Stage.TRANSFORM, "issues", f"page:{n}") for n in range(501)]
        )
        assert made == QueueEntry.objects.count() == 501


def test_steps_of_a_rolled_back_transaction_do_not_exist(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            queue.enqueue(run, [NewStep(Stage.EXTRACT, "issues", "page:1")])
            _ = 1 / 0
        assert not QueueEntry.objects.exists()


def test_a_commit_wakes_the_relay_of_this_process_and_a_rollback_does_not(run: JobRun) -> None:
    queue.WAKE.clear()
    with tenant_scope(run.tenant_id):
        with transaction.atomic():
            queue.enqueue(run, [NewStep(Stage.EXTRACT, "issues", "page:1")])
            assert not queue.WAKE.is_set()
        assert queue.WAKE.is_set()


def test_a_claim_takes_lease_fence_and_attempt_before_the_work(run: JobRun) -> None:
    (step,) = add_steps(run, "page:1")
    claimed = queue.claim(Stage.TRANSFORM, "worker-1")
    assert claimed is not None
    kept = fresh(step)
    assert claimed.pk == step.pk
    assert (kept.state, kept.fence, kept.attempts) == ("running", 1, 1)
    assert kept.leased_by == "worker-1"
    assert kept.leased_until is not None
    assert kept.leased_until > timezone.now()
    assert kept.started_at is not None
    assert (claimed.fence, claimed.params, claimed.leased_until) == (1, {}, kept.leased_until)


def test_a_claim_inside_a_transaction_is_refused(run: JobRun) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue.claim(Stage.TRANSFORM, "worker-1")


def test_eight_threads_claim_every_step_once(run: JobRun) -> None:
    add_steps(run, *(f"page:{n}" for n in range(120)))
    claimed: list[int] = []

    def work(number: int) -> None:
        while (step := queue.claim(Stage.TRANSFORM, f"worker-{number}")) is not None:
            claimed.append(step.pk)

    in_threads(8, work)
    assert len(claimed) == len(set(claimed)) == 120


def test_a_claim_sees_only_its_stage(run: JobRun) -> None:
    add_steps(run, "page:1", stage=Stage.EXTRACT)
    assert queue.claim(Stage.TRANSFORM, "worker") is None
    assert queue.claim(Stage.EXTRACT, "worker") is not None


def test_a_step_is_not_claimed_before_its_time(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        later = timezone.now() + timedelta(seconds=60)
        queue.enqueue(run, [NewStep(Stage.EXTRACT, "issues", "page:1", run_at=later)])
        assert queue.claim(Stage.EXTRACT, "worker") is None
        QueueEntry.objects.update(run_at=timezone.now())
    assert queue.claim(Stage.EXTRACT, "worker") is not None


def test_higher_tiers_are_claimed_first_and_within_a_tier_the_oldest() -> None:
    for tier in ("free", "enterprise", "basic", "premium"):
        add_steps(make_run(tier, tier=tier), "page:1", "page:2")
    claimed = [queue.claim(Stage.TRANSFORM, "worker") for _ in range(8)]
    with every_tenant("test"):
        order = [(step.tenant.slug, step.key) for step in claimed if step is not None]
    tiers = ("enterprise", "premium", "basic", "free")
    assert order == [(tier, key) for tier in tiers for key in ("page:1", "page:2")]


def test_a_hinted_claim_takes_only_what_was_dispatched(run: JobRun) -> None:
    first, second = add_steps(run, "page:1", "page:2")
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=second.pk).update(dispatched_at=timezone.now())
    claimed = queue.claim(Stage.TRANSFORM, "worker", hinted=True)
    assert claimed is not None
    assert claimed.pk == second.pk
    assert queue.claim(Stage.TRANSFORM, "worker", hinted=True) is None
    assert fresh(first).state == "queued"


def test_a_hinted_claim_trusts_the_clock_of_the_relay(run: JobRun) -> None:
    add_steps(run, "page:1")
    with every_tenant("test"):
        soon = timezone.now() + timedelta(seconds=60)
        QueueEntry.objects.update(dispatched_at=soon, run_at=soon)
    assert queue.claim(Stage.TRANSFORM, "worker") is None
    assert queue.claim(Stage.TRANSFORM, "worker", hinted=True) is not None


def test_a_named_step_is_claimed_once(run: JobRun) -> None:
    (step,) = add_steps(run, "page:1")
    assert queue.claim_step(step.pk, "worker-1") is not None
    assert queue.claim_step(step.pk, "worker-2") is None


def test_a_step_that_was_put_off_can_be_claimed_early_by_its_name(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        later = timezone.now() + timedelta(seconds=60)
        queue.enqueue(run, [NewStep(Stage.EXTRACT, "issues", "page:1", run_at=later)])
        step_id = QueueEntry.objects.get().pk
    assert queue.claim_step(step_id, "worker") is None
    assert queue.claim_step(step_id, "worker", early=True) is not None


def test_a_completed_step_keeps_its_counts_and_makes_its_successors(run: JobRun) -> None:
    (step,) = add_steps(run, "page:1")
    claimed = queue.claim(Stage.TRANSFORM, "worker")
    assert claimed is not None
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(
            claimed, Counts(5, 4, 1, 2), [NewStep(Stage.INDEX, "issues", "index:1", {"n": 1})]
        )
    kept = fresh(step)
    assert kept.state == "done"
    assert (kept.record_count, kept.row_count) == (5, 4)
    assert (kept.skipped_count, kept.quarantined_count) == (1, 2)
    assert kept.finished_at is not None
    successor = queue.claim(Stage.INDEX, "worker")
    assert successor is not None
    assert (successor.run_id, successor.priority) == (run.pk, step.priority)


def test_completing_outside_a_transaction_is_refused(run: JobRun) -> None:
    add_steps(run, "page:1")
    claimed = queue.claim(Stage.TRANSFORM, "worker")
    assert claimed is not None
    with pytest.raises(RuntimeError):
        queue.complete(claimed)


def test_a_zombies_work_and_successors_roll_back(run: JobRun) -> None:
    (step,) = add_steps(run, "page:1")
    zombie = queue.claim(Stage.TRANSFORM, "zombie")
    assert zombie is not None
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=step.pk).update(state="queued")
    heir = queue.claim(Stage.TRANSFORM, "heir")
    assert heir is not None
    with pytest.raises(LostLeaseError), tenant_scope(run.tenant_id), transaction.atomic():
        queue.enqueue(run, [NewStep(Stage.LOAD, "issues", "the zombie's work")])
        queue.complete(zombie, successors=[NewStep(Stage.INDEX, "issues", "index:1")])
    with every_tenant("test"):
        assert [kept.key for kept in QueueEntry.objects.all()] == ["page:1"]
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(heir)
    assert fresh(step).state == "done"


def test_only_the_holders_leases_are_renewed(run: JobRun) -> None:
    add_steps(run, "page:1", "page:2")
    mine = queue.claim(Stage.TRANSFORM, "me")
    other = queue.claim(Stage.TRANSFORM, "other")
    assert mine is not None
    assert other is not None
    with every_tenant("test"):
        QueueEntry.objects.update(leased_until=timezone.now())
    assert queue.renew("me", [mine.pk, other.pk]) == 1
    with every_tenant("test"):
        still = QueueEntry.objects.filter(leased_until__gt=timezone.now() + timedelta(seconds=5))
        assert [step.pk for step in still] == [mine.pk]


def test_a_second_page_joins_the_queued_load_step_and_makes_it_due(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        queue.ensure_load_step(run, run.integration, "issues", due_now=False)
        queue.ensure_load_step(run, run.integration_id, "issues", due_now=False)
        assert queue.claim(Stage.LOAD, "worker") is None
        queue.ensure_load_step(run, run.integration, "issues", due_now=True)
        assert QueueEntry.objects.count() == 1
    assert queue.claim(Stage.LOAD, "worker") is not None


def test_a_page_staged_while_a_load_runs_gets_a_load_step_of_its_own(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        queue.ensure_load_step(run, run.integration, "issues", due_now=True)
        first = queue.claim(Stage.LOAD, "worker")
        queue.ensure_load_step(run, run.integration, "issues", due_now=True)
    second = queue.claim(Stage.LOAD, "worker")
    assert first is not None
    assert second is not None
    assert first.key != second.key


def test_streams_have_load_steps_of_their_own(run: JobRun) -> None:
    with tenant_scope(run.tenant_id):
        queue.ensure_load_step(run, run.integration, "issues", due_now=True)
        queue.ensure_load_step(run, run.integration, "sprints", due_now=True)
        assert QueueEntry.objects.count() == 2


def test_a_load_is_due_when_nothing_more_of_its_stream_comes(run: JobRun) -> None:
    mine, other = add_steps(run, "page:1", "page:2")
    with tenant_scope(run.tenant_id):
        assert not queue.load_is_due(run.pk, "issues", mine.pk)
        QueueEntry.objects.filter(pk=other.pk).update(state="done")
        assert queue.load_is_due(run.pk, "issues", mine.pk)


def test_no_staged_page_is_left_when_eight_threads_stage_and_load(run: JobRun) -> None:
    def load_all() -> None:
        while (load := queue.claim(Stage.LOAD, "loader")) is not None:
            with tenant_scope(run.tenant_id), transaction.atomic():
                StagedPage.objects.filter(run_id=run.pk, stream=load.stream).delete()
                queue.complete(load)

    def stage(number: int) -> None:
        for n in range(10):
            with tenant_scope(run.tenant_id), transaction.atomic():
                stage_page(run, raw_page_id=number * 10 + n)
                queue.ensure_load_step(run, run.integration_id, "issues", due_now=True)
            load_all()

    in_threads(8, stage)
    load_all()
    with every_tenant("test"):
        assert not StagedPage.objects.exists()
        assert set(QueueEntry.objects.values_list("state", flat=True)) == {"done"}


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the database is not PostgreSQL")
def test_a_load_step_is_not_claimed_before_the_page_that_joined_is_committed(
    run: JobRun,
) -> None:
    with tenant_scope(run.tenant_id):
        queue.ensure_load_step(run, run.integration, "issues", due_now=True)
    joined, claimed = threading.Event(), threading.Event()
    order: list[str] = []

    def work(number: int) -> None:
        if number == 0:
            with tenant_scope(run.tenant_id), transaction.atomic():
                queue.ensure_load_step(run, run.integration_id, "issues", due_now=True)
                joined.set()
                assert not claimed.wait(0.3)
                order.append("committed")
        else:
            joined.wait(10)
            assert queue.claim(Stage.LOAD, "loader") is not None
            order.append("claimed")
            claimed.set()

    in_threads(2, work)
    assert order == ["committed", "claimed"]
