"""How much custom fields are used, and with what."""

from typing import Any

import pytest

from mappings.field_use import field_uses
from tenants.scope import tenant_scope
from tests.warehouse.loading import Source, given
from tests.warehouse.test_mapped_fields import POINTS, TEAM, item
from warehouse import field_use
from warehouse.models import WorkItem

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    source = Source()
    source.load(
        given(
            item(1, **{POINTS: 3.0, TEAM: {"id": "7", "name": "Blue"}}),
            item(2, **{POINTS: "lots", TEAM: [{"value": "Red"}, {"value": "Green"}]}),
            item(3, **{POINTS: "", TEAM: []}),
            item(4, **{POINTS: None, TEAM: {}}),
        )
    )
    return source


def uses(source: Source, *more: Source) -> Any:
    with tenant_scope(source.tenant.pk):
        ids = [each.integration.pk for each in (source, *more)]
        return field_uses().uses(source.tenant.pk, ids)


def sample(source: Source, field: str, target: str, column: str = "") -> Any:
    with tenant_scope(source.tenant.pk):
        key = (source.integration.pk, field)
        return field_uses().sample(source.tenant.pk, key, target, column)


def test_what_is_empty_is_not_counted_and_examples_are_in_words(source: Source) -> None:
    found = uses(source)
    key = source.integration.pk
    assert {field: (use.looked_at, use.filled) for (_, field), use in found.items()} == {
        POINTS: (4, 2),
        TEAM: (4, 2),
    }
    assert set(found[key, POINTS].examples) == {"3", "lots"}
    assert set(found[key, TEAM].examples) == {"Blue", "Red, Green"}


def test_a_foreign_integration_and_deleted_items_are_not_looked_at(source: Source) -> None:
    other = Source()
    other.load(given(item(1, secret="x")))
    assert {field for _, field in uses(source, other)} == {POINTS, TEAM}
    with tenant_scope(source.tenant.pk):
        row = WorkItem.objects.get(source_id="1")
        WorkItem.objects.filter(pk=row.pk).update(deleted_at=row.fetched_at)
    assert uses(source)[source.integration.pk, POINTS].looked_at == 3


def test_only_the_items_that_changed_last_are_looked_at(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(field_use, "LOOKED_AT", 2)
    source.load(given(item(9, newest=1)))
    found = uses(source)
    assert found[source.integration.pk, "newest"].looked_at == 2
    assert sample(source, POINTS, "story_points").looked_at == 2


def test_a_sample_shows_first_what_does_not_fit(source: Source) -> None:
    found = sample(source, POINTS, "story_points")
    assert (found.looked_at, found.filled, found.unfit) == (4, 2, 1)
    assert [(each.key, each.source, each.made) for each in found.values] == [
        ("WEB-2", '"lots"', ""),
        ("WEB-1", "3.0", "3"),
    ]
    assert [each.made for each in sample(source, TEAM, "column", "x").values] == [
        "Red, Green",
        "Blue",
    ]


def test_a_field_that_no_source_gives_has_no_values(source: Source) -> None:
    assert sample(source, "a'b", "team").values == ()
    assert sample(source, "customfield_1", "team").filled == 0
