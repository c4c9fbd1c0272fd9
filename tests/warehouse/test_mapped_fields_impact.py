"""What editing a rule for a custom field would do, and does."""

from typing import Any

import pytest
from django.db import transaction

from mappings import editing
from mappings.editing import Author
from mappings.models import ChangeSet, CustomFieldMapping
from mappings.undo import undo
from tenants.scope import tenant_scope
from tests.warehouse.loading import Source, given
from tests.warehouse.test_mapped_fields import POINTS, TEAM, item, mapped
from warehouse import field_impact
from warehouse.models import WorkItem

pytestmark = pytest.mark.django_db

AUTHOR = Author(None, "a test")


@pytest.fixture
def source() -> Source:
    source = Source()
    source.load(
        given(
            item(1, **{POINTS: 3, TEAM: "Blue"}),
            item(2, **{POINTS: 3, TEAM: "Red"}),
            item(3, **{POINTS: "many", TEAM: ["Blue"]}),
            item(4),
        )
    )
    return source


def adding(source: Source, field: str, target: str, column: str = "") -> Any:
    def edit() -> None:
        CustomFieldMapping.objects.create(
            tenant=source.tenant,
            integration=source.integration,
            field_source_id=field,
            target=target,
            column_name=column,
        )

    return edit


def previewed(source: Source, edit: Any) -> Any:
    with tenant_scope(source.tenant.pk), transaction.atomic():
        return editing.preview(source.tenant.pk, edit).impact


def applied(source: Source, edit: Any) -> Any:
    with tenant_scope(source.tenant.pk), transaction.atomic():
        return editing.apply(source.tenant.pk, edit, author=AUTHOR, origin=ChangeSet.Origin.FORM)


def test_the_preview_counts_values_and_shows_examples_and_changes_nothing(source: Source) -> None:
    impact = previewed(source, adding(source, TEAM, "team"))
    assert impact.touched_count == 3
    assert impact.counts == {"team": 3}
    assert [(m.before, m.after, m.count) for m in impact.moves["team"]] == [
        ("", "Blue", 2),
        ("", "Red", 1),
    ]
    assert [(e.key, e.before.fields, e.after.fields) for e in impact.examples] == [
        ("WEB-3", (), (("team", "Blue"),)),
        ("WEB-2", (), (("team", "Red"),)),
    ]
    assert set(mapped(source).values()) == {None}


def test_the_preview_says_what_saving_then_does(source: Source) -> None:
    edit = adding(source, POINTS, "story_points")
    impact = previewed(source, edit)
    change_set = applied(source, edit)
    assert change_set.touched_count == impact.touched_count == 2
    assert mapped(source)["1"] == {"story_points": 3}
    assert not impact.is_large


def test_undo_gives_back_what_was_mapped_before(source: Source) -> None:
    applied(source, adding(source, POINTS, "story_points"))
    before = mapped(source)
    change_set = applied(source, adding(source, TEAM, "column", "team_name"))
    assert mapped(source)["3"] == {"columns": {"team_name": ["Blue"]}}
    with tenant_scope(source.tenant.pk):
        undo(change_set, AUTHOR)
    assert mapped(source) == before


def test_a_deleted_item_is_written_but_not_counted(source: Source) -> None:
    with tenant_scope(source.tenant.pk):
        row = WorkItem.objects.get(source_id="1")
        WorkItem.objects.filter(pk=row.pk).update(deleted_at=row.fetched_at)
    edit = adding(source, POINTS, "story_points")
    assert previewed(source, edit).touched_count == 1
    assert applied(source, edit).touched_count == 2


def test_of_a_large_integration_the_newest_items_are_counted_and_it_is_said(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(field_impact, "LOOKED_AT", 3)
    monkeypatch.setattr("warehouse.impact.LOOKED_AT", 3)
    impact = previewed(source, adding(source, TEAM, "team"))
    assert impact.touched_count == 2
    assert impact.notes == (
        "Values of custom fields are counted among the newest 3 work items; "
        "up to 3 get another one.",
    )


def test_long_values_and_numbers_are_shown_in_a_few_words() -> None:
    assert field_impact.shown_value(3.0) == "3"
    assert field_impact.shown_value([0.5, "a"]) == "0.5, a"
    assert len(field_impact.shown_value("x" * 500)) == 60
