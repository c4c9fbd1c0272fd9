"""Custom fields as the tenant maps them: at the load, and again when the rules change."""

from typing import Any

import pytest
from django.db import transaction

from integrations.contract import WorkItemDraft
from integrations.models import Integration
from mappings.models import CustomFieldMapping
from tenants.scope import tenant_scope
from tests.warehouse.loading import Source, day, given
from warehouse import mapped_fields
from warehouse.load import lock_counter
from warehouse.mapped_fields import count_touched
from warehouse.merge import Batch
from warehouse.models import WorkItem

pytestmark = pytest.mark.django_db

POINTS, TEAM, COLOUR = "customfield_10016", "customfield_10001", "customfield_10042"


def item(number: int, **custom_fields: Any) -> list[WorkItemDraft]:
    draft = WorkItemDraft(
        source_id=str(number),
        key=f"WEB-{number}",
        project_source_id="1",
        project_key="WEB",
        type_source_id="1",
        source_type="Story",
        status_source_id="1",
        source_status="Open",
        title=f"Item {number}",
        labels=[],
        sprint_source_ids=[],
        created_at=day(0),
        updated_at=day(1),
        custom_fields=custom_fields,
        history_complete=True,
        history_total=0,
    )
    return [draft]


def add_rule(source: Source, field: str, target: str, column: str = "", **more: Any) -> int:
    with tenant_scope(source.tenant.pk):
        rule = CustomFieldMapping.objects.create(
            tenant=source.tenant,
            integration=source.integration,
            field_source_id=field,
            target=target,
            column_name=column,
            **more,
        )
    return int(rule.pk)


def mapped(source: Source) -> dict[str, Any]:
    with tenant_scope(source.tenant.pk):
        return dict(WorkItem.objects.values_list("source_id", "mapped_fields"))


def count(source: Source) -> int:
    with tenant_scope(source.tenant.pk):
        return count_touched(source.tenant.pk, source.integration.pk)


def apply(source: Source) -> int:
    owner = (source.tenant.pk, source.integration.pk)
    with tenant_scope(source.tenant.pk), transaction.atomic():
        counter = lock_counter(*owner)
        batch = Batch(*owner, counter.changed_seq)
        written = mapped_fields.apply(batch)
        assert batch.changed_seq == counter.changed_seq + written
        counter.changed_seq = batch.changed_seq
        counter.save()
    return written


@pytest.fixture
def source() -> Source:
    return Source()


def test_a_load_maps_what_the_rules_say(source: Source) -> None:
    add_rule(source, POINTS, "story_points")
    add_rule(source, TEAM, "team")
    add_rule(source, COLOUR, "column", "colour")
    source.load(
        given(
            item(1, **{POINTS: 3, TEAM: {"id": "7", "name": "Blue"}, COLOUR: [{"value": "red"}]}),
            item(2, **{POINTS: "three", TEAM: " "}),
            item(3),
        )
    )
    assert mapped(source) == {
        "1": {"story_points": 3, "team": "Blue", "columns": {"colour": ["red"]}},
        "2": None,
        "3": None,
    }


def test_without_rules_nothing_is_mapped_and_nothing_is_written_again(source: Source) -> None:
    page = given(item(1, **{POINTS: 3}))
    source.load(page)
    before = source.changes_seen()
    assert mapped(source) == {"1": None}
    assert source.load(page).row_count == 0
    assert apply(source) == 0
    assert source.changes_seen() == before


def test_a_rule_that_comes_later_writes_just_the_items_that_it_touches(source: Source) -> None:
    source.load(given(*(item(n, **({POINTS: n} if n % 3 == 0 else {})) for n in range(1, 10))))
    before = source.changes_seen()["work_items"]
    add_rule(source, POINTS, "story_points")
    assert count(source) == 3
    assert apply(source) == 3
    after = source.changes_seen()["work_items"]
    assert len(set(after) - set(before)) == 3
    assert min(set(after) - set(before)) == max(before) + 1
    assert mapped(source)["3"] == {"story_points": 3}
    assert (count(source), apply(source)) == (0, 0)


def test_a_load_and_an_edit_give_the_same(source: Source) -> None:
    page = given(item(1, **{POINTS: 0.1 + 0.2, TEAM: ["a", None, 7]}), item(2, **{TEAM: "b"}))
    source.load(page)
    add_rule(source, POINTS, "story_points")
    add_rule(source, TEAM, "column", "teams")
    apply(source)
    by_edit = mapped(source)
    assert source.load(page, fingerprint=2).record_count == 2
    assert mapped(source) == by_edit
    assert by_edit["1"] == {"story_points": 0.1 + 0.2, "columns": {"teams": ["a", 7]}}
    assert count(source) == 0


def test_the_first_field_with_a_value_that_fits_wins_by_position(source: Source) -> None:
    add_rule(source, POINTS, "story_points", position=2)
    add_rule(source, TEAM, "story_points", position=1)
    source.load(given(item(1, **{POINTS: 1, TEAM: 2}), item(2, **{POINTS: 1, TEAM: "no"}), item(3)))
    assert mapped(source) == {"1": {"story_points": 2}, "2": {"story_points": 1}, "3": None}


def test_an_inactive_rule_gives_nothing(source: Source) -> None:
    rule = add_rule(source, POINTS, "story_points")
    source.load(given(item(1, **{POINTS: 5})))
    with tenant_scope(source.tenant.pk):
        CustomFieldMapping.objects.filter(pk=rule).update(is_active=False)
    assert (count(source), apply(source)) == (1, 1)
    assert mapped(source) == {"1": None}


def test_rules_of_another_integration_or_tenant_touch_nothing(source: Source) -> None:
    other = Source()
    with tenant_scope(source.tenant.pk):
        Integration.objects.update(name="the first")
    sibling = Source(tenant=source.tenant)
    for each in (source, other, sibling):
        each.load(given(item(1, **{POINTS: 1})))
    add_rule(other, POINTS, "story_points")
    add_rule(sibling, POINTS, "team")
    assert (count(source), apply(source)) == (0, 0)
    assert (apply(other), apply(sibling)) == (1, 1)
    assert mapped(other) == {"1": {"story_points": 1}}


def test_in_a_large_integration_the_count_may_be_more_but_never_less(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.load(given(*(item(n, **({POINTS: n} if n < 3 else {TEAM: "x"})) for n in range(6))))
    add_rule(source, POINTS, "story_points")
    apply(source)
    add_rule(source, COLOUR, "team")
    monkeypatch.setattr(mapped_fields, "EXACT_UP_TO", 5)
    assert count(source) == 3
    monkeypatch.setattr(mapped_fields, "EXACT_UP_TO", 6)
    assert count(source) == 0
