"""Each policy of the flow metrics by its name, on the default workflow; times in hours."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.db import connection

from integrations.models import Integration
from mappings.models import StatusMapping, StatusResolution
from mappings.seeds import ORDERED_STEPS, UNORDERED_STEPS
from tenants.scope import tenant_scope
from tests.warehouse.flow_model import Change, Item, Meaning, Step
from tests.warehouse.flow_world import Pair, World
from warehouse.flow import metrics_sql
from warehouse.models import WorkItem

pytestmark = pytest.mark.django_db

STORY: Pair = ("SHOP", "story")
BUG: Pair = ("SHOP", "bug")
CREATED = datetime(2026, 3, 28, 23, tzinfo=UTC)

WORKFLOW = tuple(
    Step(category, position, is_commitment_point=name == "To Do")
    for position, (name, category) in enumerate(ORDERED_STEPS, start=1)
) + tuple(Step(category, None) for _, category in UNORDERED_STEPS)
NAMES = [name for name, _ in (*ORDERED_STEPS, *UNORDERED_STEPS)]
DEFAULT = {
    name: Meaning(step.category, step, WORKFLOW) for name, step in zip(NAMES, WORKFLOW, strict=True)
}
# Beside the steps: a second status for done, and rules that name a category alone.
DEFAULT |= {"Closed": DEFAULT["Done"]}
DEFAULT |= {
    f"some {category}": Meaning(category)
    for category in ("to_do", "in_progress", "waiting", "done", "discarded")
}
# The same names as the bugs of the project use them.
AS_BUG = {"In Progress": Meaning("waiting"), "Done": Meaning("done")}


class Flow(NamedTuple):
    """Metrics with instants as hours since creation and spans in hours."""

    committed: float | None
    started: float | None
    done: float | None
    lead: float | None
    cycle: float | None
    active: float | None
    waiting: float | None


NOTHING = Flow(None, None, None, None, None, None, None)


def walked(first: str, *changes: tuple[float, str], **values: Any) -> Item:
    """An item created in a status that enters others after so many hours."""
    left, histories = first, []
    for number, (hours, entered) in enumerate(changes, start=98):
        at = CREATED + timedelta(hours=hours)
        histories.append(Change(at, str(number), 0, left, entered))
        left = entered
    return Item(CREATED, left, tuple(histories), **values)


def measured(item: Item, pair: Pair = STORY) -> Flow:
    """Return the metrics of one item under the default workflow."""
    world = World()
    with tenant_scope(world.tenant.pk):
        world.map_statuses({STORY: DEFAULT, BUG: AS_BUG})
        world.store([(pair, item)])
        world.recompute()
        [found] = world.metrics()
    instants = (found.committed_at, found.started_at, found.done_at)
    spans = (
        found.lead_time_seconds,
        found.cycle_time_seconds,
        found.active_seconds,
        found.waiting_seconds,
    )
    return Flow(
        *(None if at is None else (at - CREATED) / timedelta(hours=1) for at in instants),
        *(None if span is None else span / 3600 for span in spans),
    )


def flow(first: str, *changes: tuple[float, str], **values: Any) -> Flow:
    return measured(walked(first, *changes, **values))


def test_work_that_runs_through_is_committed_started_and_done_in_turn() -> None:
    result = flow(
        "Backlog",
        (1, "To Do"),
        (3, "In Progress"),
        (6, "Ready for Story Testing"),
        (7, "Story Testing"),
        (9, "Done"),
    )
    assert result == Flow(1, 3, 9, lead=9, cycle=6, active=5, waiting=1)


def test_work_that_goes_on_has_no_end_yet() -> None:
    assert flow("To Do", (2, "In Progress")) == Flow(0, 2, None, None, None, None, None)


def test_policy_skipped_commitment_a_later_step_commits_too() -> None:
    result = flow("Refinement", (2, "Acceptance Testing"), (3, "Done"))
    assert result == Flow(2, 2, 3, lead=3, cycle=1, active=1, waiting=0)


def test_work_before_commitment_is_no_start() -> None:
    early = Step("in_progress", 1)
    workflow = (early, Step("to_do", 2, is_commitment_point=True), Step("in_progress", 3))
    steps = {name: Meaning("", step, workflow) for name, step in zip("abc", workflow, strict=True)}
    world = World()
    with tenant_scope(world.tenant.pk):
        world.map_statuses({STORY: steps})
        world.store([(STORY, walked("a", (1, "b"), (2, "c")))])
        world.recompute()
        [found] = world.metrics()
    assert found.committed_at == CREATED + timedelta(hours=1)
    assert found.started_at == CREATED + timedelta(hours=2)


def test_policy_reopened_takes_done_back_and_the_last_done_counts() -> None:
    changes = ((1, "In Progress"), (2, "Done"), (5, "In Progress"))
    assert flow("To Do", *changes) == Flow(0, 1, None, None, None, None, None)
    again = flow("To Do", *changes, (7, "Done"))
    assert again == Flow(0, 1, 7, lead=7, cycle=6, active=3, waiting=0)


def test_policy_last_done_resolved_to_closed_is_no_new_done() -> None:
    result = flow("To Do", (1, "In Progress"), (2, "Done"), (50, "Closed"), (51, "Done"))
    assert result == Flow(0, 1, 2, lead=2, cycle=1, active=1, waiting=0)


def test_policy_first_start_back_to_to_do_keeps_running_and_is_neither_active_nor_waiting() -> None:
    result = flow(
        "To Do",
        (1, "In Progress"),
        (2, "Backlog"),
        (10, "To Do"),
        (20, "In Progress"),
        (23, "Done"),
    )
    assert result == Flow(0, 1, 23, lead=23, cycle=22, active=4, waiting=0)


def test_policy_created_done_has_no_lead_and_no_cycle_time() -> None:
    assert flow("Done") == Flow(0, None, 0, lead=0, cycle=None, active=None, waiting=None)
    assert flow("Done", (4, "Closed")) == Flow(0, None, 0, 0, None, None, None)


def test_policy_skipped_active_has_a_lead_and_no_cycle_time() -> None:
    assert flow("To Do", (4, "Done")) == Flow(0, None, 4, 4, None, None, None)


def test_policy_discarded_work_is_not_done_and_discarding_commits_to_nothing() -> None:
    assert flow("Backlog", (4, "Discarded")) == NOTHING
    assert flow("Backlog", (4, "some discarded")) == NOTHING
    cancelled = flow("To Do", (1, "In Progress"), (2, "Done"), (3, "Discarded"))
    assert cancelled == Flow(0, 1, None, None, None, None, None)


def test_policy_discarded_a_numbered_step_commits_to_nothing_either() -> None:
    workflow = (Step("to_do", 1, is_commitment_point=True), Step("discarded", 2))
    world = World()
    with tenant_scope(world.tenant.pk):
        world.map_statuses({STORY: {"x": Meaning("", workflow[1], workflow)}})
        world.store([(STORY, walked("x"))])
        world.recompute()
        assert world.metrics()[0].committed_at is None


def test_policy_unmapped_status_counts_for_nothing_and_ends_a_run_of_done() -> None:
    middle = flow("To Do", (1, "In Progress"), (2, "Mystery"), (5, "In Progress"), (6, "Done"))
    assert middle == Flow(0, 1, 6, lead=6, cycle=5, active=2, waiting=0)
    between = flow("To Do", (1, "In Progress"), (2, "Done"), (5, "Mystery"), (6, "Done"))
    assert between == Flow(0, 1, 6, lead=6, cycle=5, active=1, waiting=0)
    assert flow("To Do", (1, "Done"), (2, "Mystery")).done is None
    assert flow("Mystery", (3, "In Progress")) == Flow(3, 3, None, None, None, None, None)


def test_policy_unplaced_step_rules_without_a_step_commit_by_their_category() -> None:
    for category in ("in_progress", "waiting"):
        assert flow("Backlog", (2, f"some {category}")) == Flow(2, 2, *NOTHING[2:])
    assert flow("Backlog", (2, "some done")) == Flow(2, None, 2, 2, None, None, None)
    assert flow("Backlog", (2, "some to_do")) == NOTHING


def test_policy_unplaced_step_a_workflow_without_commitment_point_commits_by_category() -> None:
    workflow = (Step("to_do", 1), Step("in_progress", 2))
    steps = {name: Meaning("", step, workflow) for name, step in zip("ab", workflow, strict=True)}
    world = World()
    with tenant_scope(world.tenant.pk):
        world.map_statuses({STORY: steps})
        world.store([(STORY, walked("a", (1, "b")))])
        world.recompute()
        assert world.metrics()[0].committed_at == CREATED + timedelta(hours=1)


def test_policy_truncated_history_has_no_metrics() -> None:
    changes = ((1, "In Progress"), (2, "Done"))
    assert flow("To Do", *changes, history_complete=False) == NOTHING
    assert flow("Done", history_complete=False) == NOTHING


def test_policy_same_instant_changes_follow_the_number_of_their_history() -> None:
    def flip(history: str, position: int, left: str, entered: str) -> Change:
        return Change(CREATED, history, position, left, entered)

    to_done = flip("9", 0, "To Do", "Done")
    back = flip("10", 0, "Done", "In Progress")
    assert measured(Item(CREATED, "x", (back, to_done))) == Flow(0, 0, *NOTHING[2:])
    in_one_history = (flip("9", 1, "Done", "In Progress"), to_done)
    assert measured(Item(CREATED, "x", in_one_history)) == Flow(0, 0, *NOTHING[2:])
    the_other_way = flip("8", 0, "To Do", "In Progress"), to_done
    assert measured(Item(CREATED, "x", the_other_way)) == Flow(0, 0, 0, 0, 0, 0, 0)


def test_policy_created_after_history_gives_no_negative_span() -> None:
    imported = flow("To Do", (-30, "In Progress"), (-10, "Done"))
    assert imported == Flow(0, -30, -10, lead=None, cycle=20, active=20, waiting=0)
    begun = flow("In Progress", (-30, "Ready for Prod"), (5, "Done"))
    assert begun == Flow(0, 0, 5, lead=5, cycle=5, active=0, waiting=5)
    over = flow("In Progress", (-30, "Done"))
    assert over == Flow(0, 0, -30, lead=None, cycle=None, active=None, waiting=None)


def test_policy_history_decides_not_the_current_status() -> None:
    item = walked("To Do", (1, "In Progress"))
    assert measured(Item(CREATED, "Done", item.changes)) == measured(item)


def test_policy_current_type_reads_all_of_the_history() -> None:
    item = walked("In Progress", (2, "Done"))
    assert measured(item, STORY) == Flow(0, 0, 2, lead=2, cycle=2, active=2, waiting=0)
    assert measured(item, BUG) == Flow(0, 0, 2, lead=2, cycle=2, active=0, waiting=2)


def test_spans_are_exact_to_the_microsecond_across_clock_changes() -> None:
    start, end = timedelta(microseconds=999_999), timedelta(days=400, microseconds=1)
    changes = (
        Change(CREATED + start, "1", 0, "To Do", "In Progress"),
        Change(CREATED + end, "2", 0, "In Progress", "Done"),
    )
    found = measured(Item(CREATED, "Done", changes))
    assert found.cycle == (400 * 86_400_000_000 + 1 - 999_999) / 1_000_000 / 3600


class TestRecompute:
    """Only what differs is written, and only of the items asked for."""

    @pytest.fixture
    def world(self) -> World:
        world = World()
        with tenant_scope(world.tenant.pk):
            world.map_statuses({STORY: DEFAULT, BUG: {}})
            done = walked("To Do", (1, "In Progress"), (2, "Done"))
            world.store([(STORY, done), (BUG, done), (STORY, walked("Backlog")), (STORY, done)])
        return world

    def numbers(self) -> dict[str, int]:
        return dict(WorkItem.objects.values_list("source_id", "changed_seq"))

    def test_what_changes_gets_the_next_numbers(self, world: World) -> None:
        with tenant_scope(world.tenant.pk):
            assert world.recompute(changed_seq=100) == 2
            assert self.numbers() == {"0": 101, "1": 1, "2": 1, "3": 102}

    def test_a_second_time_writes_nothing(self, world: World) -> None:
        with tenant_scope(world.tenant.pk):
            world.recompute(changed_seq=100)
            assert world.recompute(changed_seq=200) == 0
            assert max(self.numbers().values()) == 102

    def test_only_the_items_asked_for_are_written(self, world: World) -> None:
        with tenant_scope(world.tenant.pk):
            assert world.recompute("source_id IN (%s, %s)", "2", "3") == 1
            assert world.recompute("project_source_id = %s", "NOWHERE") == 0
            assert [item.done_at is not None for item in world.metrics()] == [
                False,
                False,
                False,
                True,
            ]

    def test_a_rule_that_is_taken_away_takes_the_metrics_back(self, world: World) -> None:
        with tenant_scope(world.tenant.pk):
            world.recompute()
            StatusResolution.objects.update(mapping=None)
            assert world.recompute() == 2
            assert set(world.metrics()) == {(None,) * 7}

    def test_the_rules_and_histories_of_others_do_not_matter(self, world: World) -> None:
        with tenant_scope(world.tenant.pk):
            world.recompute()
            before = world.metrics()
            sibling = World(tenant=world.tenant)
            sibling.map_statuses({STORY: {"To Do": Meaning("done")}})
            sibling.store([(STORY, walked("To Do", (9, "Backlog")))])
            assert Integration.objects.count() == 2
            assert StatusMapping.objects.filter(integration=sibling.integration).count() == 1
            assert world.recompute() == 0
            assert world.metrics() == before
            assert sibling.recompute() == 1

    def test_a_relation_of_several_integrations_is_measured_at_once(self, world: World) -> None:
        with tenant_scope(world.tenant.pk):
            sibling = World(tenant=world.tenant)
            sibling.map_statuses({STORY: {"To Do": Meaning("in_progress")}})
            sibling.store([(STORY, walked("To Do"))])
            with connection.cursor() as cursor:
                cursor.execute(metrics_sql("work_items"))
                rows = cursor.fetchall()
        started = {(row[1], row[2]) for row in rows if row[4] is not None}
        mine, theirs = world.integration.pk, sibling.integration.pk
        assert len(rows) == 5
        assert started == {(mine, "0"), (mine, "3"), (theirs, "0")}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite always makes an index")
def test_postgresql_never_compares_each_change_with_each_meaning() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {metrics_sql('work_items')}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert plan.count("Full Join") == 2, plan
