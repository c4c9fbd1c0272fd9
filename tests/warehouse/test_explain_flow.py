"""What Explain tells of an item's metrics is what is stored of it."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tenants.scope import tenant_scope
from tests.warehouse.flow_model import Item, Meaning, category_of, is_past_commitment
from tests.warehouse.flow_world import Pair, World
from tests.warehouse.test_flow import DEFAULT, NAMES, STORY, WORKFLOW, walked
from tests.warehouse.test_flow_property import (
    PAIRS,
    PLAUSIBLE,
    STATUSES,
    _meanings,
    _plausible_item,
    _wild_item,
)
from warehouse.explain import MOST_CHANGES, Story, story_of
from warehouse.explain_flow import POLICIES, placed
from warehouse.flow import METRICS
from warehouse.models import WorkItem

pytestmark = pytest.mark.django_db

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def stories(meanings: dict[Pair, dict[str, Meaning]], stored: list[tuple[Pair, Item]]) -> list[Any]:
    """Store items, compute their metrics by flow.py, and return their stories."""
    world = World()
    with tenant_scope(world.tenant.pk):
        world.map_statuses(meanings)
        world.store(stored)
        world.recompute()
        rows = WorkItem.objects.filter(**world.owner).select_related(
            "wit_resolution__mapping", "integration"
        )
        return [story_of(row, NOW) for row in sorted(rows, key=lambda row: int(row.source_id))]


def check(meanings: dict[Pair, dict[str, Meaning]], stored: list[tuple[Pair, Item]]) -> None:
    for story, (pair, item) in zip(stories(meanings, stored), stored, strict=True):
        told = dict(zip(METRICS, story.explained.metrics, strict=True))
        kept = {name: getattr(story.item, name) for name in METRICS}
        assert told == kept, (pair, item, meanings[pair])
        assert story.is_in_line
        check_the_visits(story, item)
        check_the_points(story)


def check_the_visits(story: Story, item: Item) -> None:
    """One visit a change, each until the next, and what is counted of them is the whole."""
    assert len(story.visits) == 1 + len(item.changes)
    for visit, following in zip(story.visits, story.visits[1:], strict=False):
        assert visit.left_at == following.entered_at
    for name in ("active", "waiting"):
        counted = [visit.counted_time for visit in story.visits if visit.counted == name]
        seconds = getattr(story.item, f"{name}_seconds")
        if seconds is not None:
            assert sum(counted, timedelta()) == timedelta(seconds=seconds)
            assert all(
                time <= (visit.left_at or NOW) - visit.entered_at
                for visit in story.visits
                if (time := visit.counted_time)
            )


def check_the_points(story: Story) -> None:
    """Each point is the entry that it names, and that visit is marked with it."""
    explained = story.explained
    for name, point in (
        ("Committed", explained.committed),
        ("Started", explained.started),
        ("Done", explained.done),
    ):
        marked = [visit for visit in story.visits if name in visit.marks]
        assert [visit.entered_at for visit in marked] == ([point.at] if point.at else [])
        assert point.reason
        assert set(point.policies) <= set(POLICIES)


@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_the_metrics_of_random_histories_are_explained_as_they_are_stored(seed: int) -> None:
    rng = random.Random(seed)
    check(_meanings(rng), [(rng.choice(PAIRS), _wild_item(rng)) for _ in range(40)])


def test_the_metrics_of_plausible_histories_are_explained_as_they_are_stored() -> None:
    rng = random.Random(4)
    meanings = {
        pair: {
            status: Meaning("to_do", step, PLAUSIBLE)
            for status, step in zip(STATUSES, PLAUSIBLE, strict=True)
            if rng.random() > 0.05
        }
        for pair in PAIRS
    }
    check(meanings, [(rng.choice(PAIRS), _plausible_item(rng)) for _ in range(200)])


@pytest.mark.parametrize("seed", range(5))
def test_what_commits_is_told_as_the_model_has_it(seed: int) -> None:
    rng = random.Random(seed)
    for meanings in _meanings(rng).values():
        for meaning in meanings.values():
            step = meaning.step
            point = next((s for s in meaning.workflow if s.is_commitment_point), None)
            category = category_of(meaning)
            assert category is not None
            commits, _ = placed(
                category,
                step.position if step else None,
                bool(step and step.is_commitment_point),
                point.position if step and point else None,
            )
            assert commits == is_past_commitment(meaning)


def told_of(first: str, *changes: tuple[float, str], **values: Any) -> Story:
    """The story of an item on the default workflow; times in hours after its creation."""
    story: Story = stories({STORY: DEFAULT}, [(STORY, walked(first, *changes, **values))])[0]
    return story


TO_DO, DOING, WAITING, DONE = (
    next(
        name
        for name, step in zip(NAMES, WORKFLOW, strict=True)
        if step.category == category and (category != "to_do" or step.is_commitment_point)
    )
    for category in ("to_do", "in_progress", "waiting", "done")
)


def test_an_item_that_was_reopened_says_so() -> None:
    story = told_of(TO_DO, (1, DOING), (2, DONE), (3, DOING), (5, DONE))
    assert "reopened" in story.explained.done.reason
    assert story.explained.done.policies == ("last_done",)
    assert [visit.marks for visit in story.visits] == [
        ("Committed",),
        ("Started",),
        (),
        (),
        ("Done",),
    ]
    assert [visit.counted for visit in story.visits] == ["", "active", "", "active", ""]


def test_an_item_that_skipped_all_work_says_so() -> None:
    story = told_of(TO_DO, (4, DONE))
    assert story.explained.cycle.policies == ("skipped_active",)
    assert story.explained.lead.seconds == 4 * 3600


def test_an_item_that_went_back_keeps_its_start_and_says_so() -> None:
    story = told_of(TO_DO, (1, DOING), (2, TO_DO), (4, WAITING), (5, DONE))
    assert story.explained.started.policies == ("first_start",)
    assert story.explained.active.policies == ("first_start",)
    assert story.explained.waiting.seconds == 3600


def test_an_item_of_a_truncated_history_says_so() -> None:
    story = told_of(TO_DO, (1, DOING), history_complete=False)
    assert all(value is None for value in story.explained.metrics)
    assert story.explained.lead.policies == ("truncated_history",)


def test_each_policy_that_is_told_of_is_one_of_the_docs_and_of_the_sql() -> None:
    root = Path(__file__).resolve().parents[2]
    documented = (root / "docs" / "metrics.md").read_text()
    computed = (root / "warehouse" / "flow.py").read_text()
    for name in POLICIES:
        assert f"| `{name}` |" in documented
        assert f"- {name}: " in computed


def test_of_a_history_that_is_too_long_only_its_beginning_is_told() -> None:
    changes = [(n / 60, DOING if n % 2 else TO_DO) for n in range(MOST_CHANGES + 20)]
    story = told_of(TO_DO, *changes)
    assert story.is_cut
    assert len(story.visits) == 1 + MOST_CHANGES
