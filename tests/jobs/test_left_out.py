"""Steps are skipped, discarded and replayed; nothing stands on what was left out."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from common.errors import UsageError
from integrations.models import Checkpoint
from jobs import checkpoints, queue, runs
from jobs.control import steps as control
from jobs.models import JobRun, QueueEntry, Stage
from jobs.retries import bury
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import add_steps, fresh, in_threads, make_run, run_state, stage_page
from warehouse.models.staging import StagedPage

pytestmark = pytest.mark.django_db(transaction=True)


def make_dead(run: JobRun, *keys: str, stage: Stage = Stage.TRANSFORM) -> list[QueueEntry]:
    steps = add_steps(run, *keys, stage=stage)
    for step in steps:
        bury(step, {"pk": step.pk}, "ValueError: bad page")
    return [fresh(step) for step in steps]


def test_a_skipped_step_is_closed_with_its_reason_and_the_run_tells(run: JobRun) -> None:
    (step,) = add_steps(run, "page:1")
    control.skip(step, "the page is known to be broken", "ann")
    now = fresh(step)
    assert (now.state, now.error) == (
        "left_out",
        "skipped by ann: the page is known to be broken",
    )
    assert run_state(run) == "completed_with_errors"
    with every_tenant("test"):
        told = JobRun.objects.get(pk=run.pk).error
    assert told == "transform issues: skipped by ann: the page is known to be broken"


def test_only_what_waits_is_skipped_only_what_is_dead_discarded_or_replayed(run: JobRun) -> None:
    (waiting,) = add_steps(run, "page:1")
    (dead,) = make_dead(run, "page:2")
    with pytest.raises(UsageError, match="cannot be skipped: it is dead"):
        control.skip(dead, "why not")
    with pytest.raises(UsageError, match="cannot be discarded: it is queued"):
        control.discard(waiting, "why not")
    with pytest.raises(UsageError, match="is not dead"):
        control.replay(waiting)
    with pytest.raises(UsageError, match="say why"):
        control.discard(dead, "  ")


def test_a_discarded_step_keeps_why_it_had_died(run: JobRun) -> None:
    (step,) = make_dead(run, "page:1")
    control.discard(step, "no longer wanted")
    assert fresh(step).error == "discarded: no longer wanted\nValueError: bad page"


def test_many_are_replayed_or_discarded_at_once(run: JobRun) -> None:
    make_dead(run, "page:1", "page:2")
    add_steps(run, "page:3")
    with tenant_scope(run.tenant_id):
        every = QueueEntry.objects.filter(run=run)
        assert control.replay_all(every, "ann") == 2
        assert {step.state for step in every} == {"queued"}
        assert control.discard_all(every, "none is dead") == 0


def test_the_pages_of_a_skipped_load_are_thrown_away(run: JobRun) -> None:
    stage_page(run)
    (step,) = add_steps(run, "load:1", stage=Stage.LOAD)
    control.skip(step, "too much")
    with every_tenant("test"):
        assert not StagedPage.objects.exists()
    assert run_state(run) == "completed_with_errors"


def test_what_another_load_gathers_is_not_thrown_away_with_a_dead_one(run: JobRun) -> None:
    stage_page(run)
    (dead,) = make_dead(run, "load:1", stage=Stage.LOAD)
    add_steps(run, "load:2", stage=Stage.LOAD)
    control.discard(dead, "the next one takes its pages")
    with every_tenant("test"):
        assert StagedPage.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
@pytest.mark.postgres
def test_pages_that_a_load_has_in_hand_are_left_to_it(run: JobRun) -> None:
    stage_page(run, 1)
    stage_page(run, 2)
    (waiting,) = add_steps(run, "load:1", stage=Stage.LOAD)
    with every_tenant("test"), transaction.atomic():
        in_hand = StagedPage.objects.select_for_update().order_by("id").first()
        in_threads(1, lambda _: control.skip(waiting, "too much"))
        assert list(StagedPage.objects.all()) == [in_hand]


def test_no_step_of_a_change_of_mappings_is_left_out(run: JobRun) -> None:
    (step,) = add_steps(run, "prepare:1")
    with every_tenant("test"):
        JobRun.objects.filter(pk=run.pk).update(mode=JobRun.Mode.REMAP)
    with pytest.raises(UsageError, match="as a whole or not at all"):
        control.skip(step, "too long")
    assert fresh(step).state == "queued"


@pytest.mark.parametrize("state", ["dead", "left_out", "cancelled"])
def test_no_checkpoint_moves_over_what_was_given_up(run: JobRun, state: str) -> None:
    ask = {"stream": "issues", "key": "1", "part": "PAY", "params": {}}
    with tenant_scope(run.tenant_id):
        for part in ("PAY", "WEB"):
            pending = {"value": {"at": 1}, "found_by": part, "phase": "sync"}
            Checkpoint.objects.create(
                tenant_id=run.tenant_id,
                integration_id=run.integration_id,
                stream="issues",
                part=part,
                pending=pending,
                pending_run_id=run.pk,
            )
        (step,) = add_steps(run, "sync:issues:1", stage=Stage.EXTRACT)
        params = {"ask": ask, "phase": "sync"}
        QueueEntry.objects.filter(pk=step.pk).update(
            params=params, state=state, finished_at=timezone.now()
        )
        assert checkpoints.promote(run) == 1
        assert Checkpoint.objects.get(part="PAY").value is None
        following = make_run()
        taken = checkpoints.hand_over(run, following)
        # What is dead is taken up by the next run; what was left out is walked anew instead.
        assert len(taken) == (state == "dead")
        mark = Checkpoint.objects.get(part="PAY")
        assert mark.pending_run_id == (following.pk if state == "dead" else None)


def test_a_left_out_step_counts_as_closed(run: JobRun) -> None:
    first, second = add_steps(run, "page:1", "page:2")
    control.skip(first, "broken")
    with tenant_scope(run.tenant_id):
        (row,) = runs.summary(run)["stages"]
        assert (row["left_out"], row["queued"]) == (1, 1)
    claimed = queue.claim(Stage.TRANSFORM, "worker")
    assert claimed is not None
    assert claimed.pk == second.pk
