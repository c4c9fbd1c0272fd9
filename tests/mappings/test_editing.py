"""Edits of rules: what is recorded, what is refused, and that nothing is half done."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from common.errors import UsageError
from integrations.models import Integration
from mappings.book import delete_rows, read_book
from mappings.checks import RuleError
from mappings.editing import Author, apply, current_version, preview
from mappings.effects import Effects, effects
from mappings.models import (
    Change,
    ChangeSet,
    StatusMapping,
    WitHierarchy,
    WitMapping,
    Workflow,
    WorkflowStep,
)
from mappings.services import save_type_rule
from mappings.undo import EditedSinceError, between, preview_undo, restore, undo
from tenants.scope import tenant_scope
from tests.warehouse.flow_world import new_tenant
from tests.warehouse.rules_world import RulesWorld
from warehouse.models import TenantCounter

pytestmark = pytest.mark.django_db

ME = Author(None, "Ada")


@pytest.fixture
def world() -> Iterator[RulesWorld]:
    made = RulesWorld(random.Random(1), item_count=10)
    with tenant_scope(made.tenant.pk):
        made.build()
        yield made


def save(world: RulesWorld, edit: Callable[[], object], summary: str = "") -> ChangeSet | None:
    return apply(world.tenant.pk, edit, author=ME, origin=ChangeSet.Origin.FORM, summary=summary)


def rename_level(level: int, name: str) -> Callable[[], object]:
    return lambda: WitHierarchy.objects.filter(level=level).update(name=name)


def test_an_edit_records_who_did_what_to_which_row(world: RulesWorld) -> None:
    version = current_version(world.tenant.pk)
    change_set = save(world, rename_level(1, "Feature"))
    assert change_set is not None
    assert (change_set.version, change_set.author_name) == (version + 1, "Ada")
    change = change_set.changes.get()
    assert change.table == "wit_hierarchies"
    assert change.before == {"level": 1, "name": "Epic", "is_active": True}
    assert change.after == {"level": 1, "name": "Feature", "is_active": True}
    assert change_set.summary == "Changed Level 1 Feature"


def test_an_edit_that_changes_nothing_makes_no_version(world: RulesWorld) -> None:
    version = current_version(world.tenant.pk)
    assert save(world, rename_level(1, "Epic")) is None
    assert current_version(world.tenant.pk) == version


def test_many_rows_are_one_change_set(world: RulesWorld) -> None:
    change_set = save(world, lambda: WitHierarchy.objects.update(name="Same"))
    assert change_set is not None
    assert change_set.changes.count() == 6
    assert change_set.summary.endswith("and 5 more (changed 6)")


def test_an_error_in_the_middle_leaves_nothing(world: RulesWorld) -> None:
    def edit() -> None:
        WitHierarchy.objects.update(name="Half")
        raise UsageError("no more")

    before = world.state()
    with pytest.raises(UsageError, match="no more"):
        save(world, edit)
    assert world.state() == before


STEPS = [
    pytest.param({"position": 40}, "number 3 is missing", "position", id="gap"),
    pytest.param({"position": 2}, "both have number 2", "position", id="twice"),
    pytest.param({"position": None}, "number 3 is missing", "position", id="unnumbered"),
    pytest.param(
        {"is_commitment_point": True},
        "exactly one step is the commitment point, not .* and .*",
        "is_commitment_point",
        id="two commitment points",
    ),
    pytest.param({"name": " refinement "}, "have the same name", "name", id="same name"),
]


@pytest.mark.parametrize(("change", "message", "column"), STEPS)
def test_steps_that_cannot_be_are_refused(
    world: RulesWorld, change: dict[str, object], message: str, column: str
) -> None:
    def edit() -> None:
        step = WorkflowStep.objects.get(position=3)
        if "is_commitment_point" in change:
            # The database allows one; who turns the order round gets here with two.
            with connection.cursor() as cursor:
                cursor.execute("DROP INDEX one_commitment_point")
        WorkflowStep.objects.filter(pk=step.pk).update(**change)

    before = world.state()
    with pytest.raises(RuleError, match=message) as caught:
        save(world, edit)
    assert (caught.value.table, caught.value.column) == ("workflow_steps", column)
    assert world.state() == before


def test_a_workflow_needs_a_commitment_point(world: RulesWorld) -> None:
    with pytest.raises(RuleError, match="one step must be the commitment point; none is"):
        save(world, lambda: WorkflowStep.objects.update(is_commitment_point=False))


def test_a_level_in_use_is_not_deleted(world: RulesWorld) -> None:
    level = WitHierarchy.objects.get(level=0)
    save(world, lambda: WitMapping.objects.update(hierarchy=level))
    count = WitMapping.objects.count()
    with pytest.raises(RuleError, match=f"Level 0 Story is still used by {count} WIT mappings"):
        save(world, lambda: delete_rows(WitHierarchy, world.tenant.pk, [level.pk]))


def test_a_rule_to_another_tenants_level_is_refused_like_one_to_none(world: RulesWorld) -> None:
    other = new_tenant()
    with tenant_scope(other.pk):
        foreign = WitHierarchy.objects.create(tenant=other, level=0, name="Secret").pk
    before = world.state()
    rule = WitMapping.objects.order_by("pk").first()
    assert rule is not None
    for wanted in (foreign, 987_654_321):
        edit = partial(WitMapping.objects.filter(pk=rule.pk).update, hierarchy_id=wanted)
        with pytest.raises(RuleError) as caught:
            save(world, edit)
        assert str(caught.value) == f"there is no level {wanted}"
    assert world.state() == before


def test_a_rule_for_another_tenants_integration_is_refused_like_one_for_none(
    world: RulesWorld,
) -> None:
    other = new_tenant()
    with tenant_scope(other.pk):
        foreign = Integration.objects.create(tenant=other, provider="jira", name="one").pk
    before = world.state()
    for model in (WitMapping, StatusMapping):
        rule = model.objects.order_by("pk").first()
        assert rule is not None
        edit = partial(model.objects.filter(pk=rule.pk).update, integration_id=foreign)
        with pytest.raises(RuleError) as caught:
            save(world, edit)
        assert str(caught.value) == f"there is no integration {foreign}"
    assert world.state() == before


def test_a_second_rule_for_the_same_is_refused(world: RulesWorld) -> None:
    def edit() -> None:
        for name in ("Straße", " STRASSE "):
            save_type_rule(
                WitMapping(
                    tenant=world.tenant,
                    from_name=name,
                    target="Road",
                    hierarchy=WitHierarchy.objects.get(level=0),
                )
            )

    before = world.state()
    with pytest.raises(RuleError, match="there is such a rule already"):
        save(world, edit)
    assert world.state() == before


def test_a_preview_leaves_no_trace(world: RulesWorld) -> None:
    before, versions = world.state(), ChangeSet.objects.count()
    said = preview(world.tenant.pk, lambda: StatusMapping.objects.update(is_active=False))
    assert said.changes
    assert world.state() == before
    assert ChangeSet.objects.count() == versions


def test_what_was_edited_since_is_not_taken_back_alone(world: RulesWorld) -> None:
    first = save(world, rename_level(1, "Feature"))
    second = save(world, rename_level(1, "Theme"), "Renamed again")
    assert first is not None
    with pytest.raises(EditedSinceError, match="Renamed again") as caught:
        undo(first, ME)
    assert caught.value.later == [second]


def test_taking_back_what_was_taken_back_brings_it_back(world: RulesWorld) -> None:
    change_set = save(world, rename_level(1, "Feature"))
    assert change_set is not None
    after = world.state()
    taken_back = undo(change_set, ME)
    assert taken_back is not None
    assert taken_back.undoes == change_set
    undo(taken_back, ME)
    assert world.state() == after


def test_two_rows_may_take_each_others_names_and_give_them_back(world: RulesWorld) -> None:
    before = world.state()

    def swap() -> None:
        WitHierarchy.objects.filter(level=1).update(level=99)
        WitHierarchy.objects.filter(level=0).update(level=1)
        WitHierarchy.objects.filter(level=99).update(level=0)

    change_set = save(world, swap)
    assert change_set is not None
    undo(change_set, ME)
    assert world.state() == before


def test_versions_are_compared_row_by_row(world: RulesWorld) -> None:
    start = current_version(world.tenant.pk)
    save(world, rename_level(1, "Feature"))
    save(world, rename_level(1, "Theme"))
    save(world, rename_level(0, "Piece"))
    changes = between(world.tenant.pk, start, start + 2)
    assert [(row.before, row.after) for row in changes] == [
        (
            {"level": 1, "name": "Epic", "is_active": True},
            {"level": 1, "name": "Theme", "is_active": True},
        )
    ]
    with pytest.raises(UsageError, match="no version 99"):
        restore(world.tenant.pk, 99, ME)


def test_histories_of_tenants_are_apart(world: RulesWorld) -> None:
    save(world, rename_level(1, "Feature"))
    other = new_tenant()
    with tenant_scope(other.pk):
        assert not ChangeSet.objects.exists()
        assert not Change.objects.exists()
        assert not any(read_book(other.pk).rows.values())
        assert current_version(other.pk) == 0
        assert Workflow.objects.count() == 0


def test_taking_back_many_rows_asks_no_more_than_taking_back_few(
    world: RulesWorld, django_assert_max_num_queries: Any
) -> None:
    few = save(world, rename_level(1, "Feature"))
    many = save(world, add_levels(world, 300))
    assert few is not None
    assert many is not None
    with CaptureQueriesContext(connection) as asked:
        preview_undo(few)
    with django_assert_max_num_queries(len(asked) + 2):
        preview_undo(many)


def add_levels(world: RulesWorld, count: int) -> Callable[[], object]:
    return lambda: WitHierarchy.objects.bulk_create(
        WitHierarchy(tenant=world.tenant, level=100 + number, name=f"Level {number}")
        for number in range(count)
    )


def test_no_edit_comes_between_a_large_one_and_its_preparation(
    world: RulesWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tenant stays locked from the look at its rules to the stored change-set."""
    done: list[str] = []

    def lock(self: Effects, tenant_id: int) -> None:
        done.append("lock")

    def prepare(self: Effects, change_set: ChangeSet) -> int:
        assert connection.in_atomic_block
        done.append("prepare")
        return 1

    monkeypatch.setattr(type(effects()), "lock", lock)
    monkeypatch.setattr(type(effects()), "prepare", prepare)
    TenantCounter.objects.get_or_create(tenant=world.tenant)
    apply(
        world.tenant.pk,
        lambda: StatusMapping.objects.update(is_active=False),
        author=ME,
        origin=ChangeSet.Origin.FORM,
        large=-1,
    )
    assert done == ["lock", "prepare"]
