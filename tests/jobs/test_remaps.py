"""A large edit of the mappings is prepared beside by a run, and then in effect at once."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from jobs import queue, remaps
from jobs.control.runs import cancel
from jobs.models import JobRun, QueueEntry, Stage
from jobs.runs import finish_if_done
from jobs.steps import work_next
from jobs.sweeper import sweep
from mappings.editing import Author, PreparingError, apply, author_of, current_version
from mappings.models import ChangeSet, StatusMapping, Workflow, WorkflowStep
from mappings.services import save_status_rule
from mappings.undo import undo
from tenants.models import Membership, Role
from tenants.scope import tenant_scope
from tests.warehouse.rules_world import RulesWorld
from warehouse.flow import recompute
from warehouse.models import PreparedMetrics, TenantCounter, WorkItem

pytestmark = pytest.mark.django_db(transaction=True)

ME = Author(None, "somebody")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[RulesWorld]:
    monkeypatch.setattr(remaps, "IDS_A_STEP", 9)
    made = RulesWorld(random.Random(7))
    with tenant_scope(made.tenant.pk):
        made.build()
        yield made


def turn_the_workflow_round() -> None:
    """An edit of a workflow that touches nearly every item."""
    steps = list(WorkflowStep.objects.filter(position__isnull=False).order_by("position"))
    for step in steps:
        step.position = len(steps) + 1 - (step.position or 0)
        step.category = {"to_do": "done", "done": "in_progress"}.get(step.category, "waiting")
        step.save()


def save_large(world: RulesWorld, edit: Callable[[], object], author: Author = ME) -> ChangeSet:
    change_set = apply(world.tenant.pk, edit, author=author, origin=ChangeSet.Origin.FORM, large=3)
    assert change_set is not None
    return change_set


def run_of(change_set: ChangeSet) -> JobRun:
    run: JobRun = JobRun.objects.get(pk=change_set.run_id)
    return run


def work(*stages: Stage) -> int:
    """Work every step that is due of these stages; return how many there were."""
    count = 0
    while any(work_next(stage, "test") for stage in stages):
        count += 1
    return count


def test_a_large_edit_changes_nothing_until_its_run_has_ended(world: RulesWorld) -> None:
    before, seen = world.state(), world.stored()
    change_set = save_large(world, turn_the_workflow_round)
    assert change_set.state == ChangeSet.State.PREPARING
    assert change_set.version is None
    assert world.state() == before
    run = run_of(change_set)
    assert (run.mode, run.trigger) == (JobRun.Mode.REMAP, JobRun.Trigger.EDIT)
    assert work(Stage.TRANSFORM) >= 4
    assert world.state() == before
    assert PreparedMetrics.objects.exists()
    assert work(Stage.LOAD) == 1
    assert run_of(change_set).state == JobRun.State.COMPLETED
    change_set = ChangeSet.objects.get(pk=change_set.pk)
    assert change_set.state == ChangeSet.State.APPLIED
    assert change_set.version == current_version(world.tenant.pk)
    assert world.stored() == world.expected(world.book())
    assert change_set.touched_count == sum(
        a != b for a, b in zip(seen, world.stored(), strict=True)
    )
    assert not PreparedMetrics.objects.exists()


def test_it_can_be_taken_back_like_a_small_one(world: RulesWorld) -> None:
    before = world.state()
    change_set = save_large(world, turn_the_workflow_round)
    work(Stage.TRANSFORM, Stage.LOAD)
    change_set.refresh_from_db()
    undo(change_set, ME)
    assert world.state() == before


def test_what_is_loaded_meanwhile_gets_its_metrics_by_the_new_rules(world: RulesWorld) -> None:
    save_large(world, turn_the_workflow_round)
    assert work_next(Stage.TRANSFORM, "test")
    change_items(world, (0, 1, world.item_count - 2))
    work(Stage.TRANSFORM)
    change_items(world, (2, world.item_count - 1))
    work(Stage.LOAD)
    assert world.stored() == world.expected(world.book())


def change_items(world: RulesWorld, numbers: tuple[int, ...]) -> None:
    """Let items be complete that were not, or the other way round, as a load would."""
    for number in numbers:
        placed = world.items[number]
        is_complete = not placed.item.history_complete
        world.items[number] = replace(
            placed, item=replace(placed.item, history_complete=is_complete)
        )
        TenantCounter.objects.update(changed_seq=F("changed_seq") + 1)
        seq = TenantCounter.objects.get().changed_seq
        WorkItem.objects.filter(source_id=str(number)).update(
            all_changes_loaded=is_complete, changed_seq=seq
        )
    compute_by_old_rules(world, numbers)


def compute_by_old_rules(world: RulesWorld, numbers: tuple[int, ...]) -> None:
    marks = ", ".join(f"'{number}'" for number in numbers)
    for integration_id in world.integration_ids:
        counter = TenantCounter.objects.get()
        written = recompute(
            world.tenant.pk,
            integration_id,
            f"source_id IN ({marks})",
            (),
            counter.changed_seq,
        )
        TenantCounter.objects.update(changed_seq=counter.changed_seq + written)


def test_rules_do_not_change_while_an_edit_is_prepared(world: RulesWorld) -> None:
    save_large(world, turn_the_workflow_round)
    before = world.state()
    with pytest.raises(PreparingError, match="is being prepared"):
        apply(
            world.tenant.pk,
            lambda: Workflow.objects.create(tenant=world.tenant, name="another"),
            author=ME,
            origin=ChangeSet.Origin.FORM,
        )
    assert world.state() == before


def test_a_cancelled_run_leaves_the_rules_as_they_were(world: RulesWorld) -> None:
    before = world.state()
    change_set = save_large(world, turn_the_workflow_round)
    assert work_next(Stage.TRANSFORM, "test")
    cancel(run_of(change_set))
    change_set.refresh_from_db()
    assert change_set.state == ChangeSet.State.ABANDONED
    assert world.state() == before
    assert not PreparedMetrics.objects.exists()
    assert save_large(world, turn_the_workflow_round).state == ChangeSet.State.PREPARING


def test_a_worker_that_dies_in_between_costs_nothing_but_its_part(world: RulesWorld) -> None:
    change_set = save_large(world, turn_the_workflow_round)
    lost = queue.claim(Stage.TRANSFORM, "dying")
    assert lost is not None
    QueueEntry.objects.filter(pk=lost.pk).update(leased_until="2020-01-01T00:00:00Z")
    sweep()
    QueueEntry.objects.filter(pk=lost.pk).update(
        run_at="2020-01-01T00:00:00Z", needs_isolation=False
    )
    work(Stage.TRANSFORM, Stage.LOAD)
    change_set.refresh_from_db()
    assert change_set.state == ChangeSet.State.APPLIED
    assert world.stored() == world.expected(world.book())


def test_a_dead_step_gives_the_edit_up(world: RulesWorld) -> None:
    before = world.state()
    change_set = save_large(world, turn_the_workflow_round)
    step = QueueEntry.objects.filter(run_id=change_set.run_id).first()
    assert step is not None
    QueueEntry.objects.filter(pk=step.pk).update(
        state=QueueEntry.State.DEAD, error="RuntimeError: broken"
    )
    work(Stage.TRANSFORM)
    assert finish_if_done(change_set.run_id or 0) in (None, JobRun.State.FAILED)
    assert run_of(change_set).state == JobRun.State.FAILED
    change_set.refresh_from_db()
    assert change_set.state == ChangeSet.State.ABANDONED
    assert world.state() == before


@pytest.mark.parametrize("loss", ["role", "membership"])
def test_who_may_edit_no_longer_changes_nothing_later_either(world: RulesWorld, loss: str) -> None:
    user = User.objects.create(username=f"editor-{loss}")
    membership = Membership.objects.create(tenant=world.tenant, user=user, role=Role.EDITOR)
    before = world.state()
    change_set = save_large(world, turn_the_workflow_round, author_of(user))
    if loss == "role":
        membership.role = Role.VIEWER
        membership.save()
    else:
        membership.delete()
    work(Stage.TRANSFORM, Stage.LOAD)
    run = run_of(change_set)
    assert run.state == JobRun.State.FAILED
    assert "may edit mappings no longer" in run.error
    assert world.state() == before


def test_a_new_rule_keeps_the_id_that_it_was_given(world: RulesWorld) -> None:
    def edit() -> None:
        save_status_rule(
            StatusMapping(
                tenant=world.tenant, from_name="odd", target="Odd", category="done", is_active=True
            )
        )

    StatusMapping.objects.filter(from_name="odd").delete()
    world.settle()
    change_set = save_large(world, edit)
    work(Stage.TRANSFORM, Stage.LOAD)
    row_id = change_set.changes.get().row_id
    assert StatusMapping.objects.get(from_name="odd").pk == row_id
    assert world.stored() == world.expected(world.book())
