"""Random rules, histories and edits: a preview says what saving does, and undo takes it back."""

import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mappings.book import delete_rows
from mappings.checks import RuleError
from mappings.editing import Author, apply, current_version, preview
from mappings.effects import Impact
from mappings.models import ChangeSet, StatusMapping
from mappings.services import save_status_rule
from mappings.undo import restore, undo
from tenants.scope import tenant_scope
from tests.warehouse.rules_model import Expected
from tests.warehouse.rules_world import AlreadyThereError, Edit, RulesWorld
from warehouse import impact

pytestmark = pytest.mark.django_db

ME = Author(None, "somebody")
REFUSED = (RuleError, AlreadyThereError)
EVERY = 10**6

random_worlds = settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def save(world: RulesWorld, edit: Edit) -> ChangeSet | None:
    return apply(world.tenant.pk, edit, author=ME, origin=ChangeSet.Origin.FORM)


def save_some(world: RulesWorld) -> ChangeSet | None:
    """Save an edit; one that is refused leaves everything as it was."""
    before = world.state()
    try:
        return save(world, world.some_edit())
    except REFUSED:
        assert world.state() == before
        return None


@random_worlds
@given(seed=st.integers(0, 2**32))
def test_a_preview_says_item_for_item_what_saving_does_and_the_model_agrees(seed: int) -> None:
    world = RulesWorld(random.Random(seed))
    with tenant_scope(world.tenant.pk):
        world.build()
        assert world.stored() == world.expected(world.book())
        for _ in range(6):
            before, edit = world.state(), world.some_edit()
            seen_before = world.stored()
            try:
                said = preview(world.tenant.pk, edit, example_count=EVERY)
            except REFUSED:
                assert world.state() == before
                continue
            assert world.state() == before
            change_set = save(world, edit)
            seen_after = world.stored()
            assert seen_after == world.expected(world.book())
            check_impact(said.impact, *(live(world, seen) for seen in (seen_before, seen_after)))
            touched = sum(a != b for a, b in zip(seen_before, seen_after, strict=True))
            assert (change_set.touched_count if change_set else 0) == touched


Seen = dict[str, Expected]
"""What readers see of the items that are not deleted at the source, by key."""


def live(world: RulesWorld, seen: list[Expected]) -> Seen:
    items = enumerate(zip(world.items, seen, strict=True))
    return {f"KEY-{n}": each for n, (placed, each) in items if not placed.is_deleted}


def check_impact(said: Impact, before: Seen, after: Seen) -> None:
    """Compare what a preview said with what items were and are, counted plainly."""
    moved = {key: (old, after[key]) for key, old in before.items() if old != after[key]}
    assert said.touched_count == len(moved)
    assert {example.key for example in said.examples} == set(moved)
    for example in said.examples:
        for told, seen in zip((example.before, example.after), moved[example.key], strict=True):
            assert (told.type, told.level, told.status, told.category, told.step) == seen.shown
            assert told.lead_time_seconds == seen.metrics.lead_time_seconds
            assert told.cycle_time_seconds == seen.metrics.cycle_time_seconds
    for place, kind in enumerate(("type", "level", "status", "category", "step")):
        count = sum(a.shown[place] != b.shown[place] for a, b in moved.values())
        assert said.counts.get(kind, 0) == count, kind
    assert said.metrics_count == sum(a.metrics != b.metrics for a, b in moved.values())
    for measured, name in (
        (said.lead, "lead_time_seconds"),
        (said.cycle, "cycle_time_seconds"),
    ):
        assert measured.before == median(before, name)
        assert measured.after == median(after, name)


def median(seen: Seen, name: str) -> float | None:
    values = sorted(
        value
        for item in seen.values()
        if item.metrics.done_at is not None and (value := getattr(item.metrics, name)) is not None
    )
    if not values:
        return None
    middle = values[(len(values) - 1) // 2 : len(values) // 2 + 1]
    return pytest.approx(sum(middle) / len(middle))  # type: ignore[return-value]


def test_times_of_very_many_items_are_estimated_from_some_and_the_preview_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = RulesWorld(random.Random(3), item_count=300)
    with tenant_scope(world.tenant.pk):
        world.build()

        def edit() -> None:
            rules = StatusMapping.objects.values_list("pk", flat=True)
            delete_rows(StatusMapping, world.tenant.pk, list(rules))
            for source, ours in (
                ("new", "in_progress"),
                ("indeterminate", "waiting"),
                ("done", "done"),
            ):
                save_status_rule(
                    StatusMapping(
                        tenant=world.tenant, from_category=source, target=ours, category=ours
                    )
                )

        exact = preview(world.tenant.pk, edit).impact
        monkeypatch.setattr(impact, "EXACT", 40)
        said = preview(world.tenant.pk, edit).impact
        assert exact.metrics_count > 80
        assert not any("estimated" in note for note in exact.notes)
        assert any("estimated from one in" in note for note in said.notes)
        assert (said.counts, said.moves) == (exact.counts, exact.moves)
        assert said.metrics_count == pytest.approx(exact.metrics_count, rel=0.3)
        assert said.touched_count == pytest.approx(exact.touched_count, rel=0.3)


@random_worlds
@given(seed=st.integers(0, 2**32))
def test_undo_of_any_sequence_of_edits_gives_back_the_same_tables(seed: int) -> None:
    world = RulesWorld(random.Random(seed))
    with tenant_scope(world.tenant.pk):
        world.build()
        states = [world.state()]
        made: list[ChangeSet] = []
        for _ in range(6):
            if change_set := save_some(world):
                made.append(change_set)
                states.append(world.state())
        for change_set in reversed(made):
            assert world.state() == states.pop()
            undo(change_set, ME)
        assert world.state() == states.pop()
        assert not states


@random_worlds
@given(seed=st.integers(0, 2**32))
def test_any_version_can_be_restored_from_any_other(seed: int) -> None:
    rng = random.Random(seed)
    world = RulesWorld(rng, item_count=15)
    with tenant_scope(world.tenant.pk):
        world.build()
        states = {current_version(world.tenant.pk): world.state()}
        for _ in range(5):
            save_some(world)
            states[current_version(world.tenant.pk)] = world.state()
        for _ in range(4):
            version = rng.choice(list(states))
            restore(world.tenant.pk, version, ME)
            assert world.state() == states[version]
            states[current_version(world.tenant.pk)] = states[version]
