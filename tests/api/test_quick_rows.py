"""Rows are shown quickly as REST framework would show them, and as it does where we cannot."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from datetime import timezone as fixed
from typing import Any

import pytest
from django.utils import timezone
from rest_framework import serializers

import etl_project.api  # noqa: F401  (makes all serializers)
from tenants.api.fields import ModelSerializer
from tenants.api.quick_rows import readers_of
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.admin.world import World
from warehouse.api.work_item_rows import WorkItemDetail, with_ours
from warehouse.models import WorkItem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_utc() -> Iterator[None]:
    """As requests of the API are."""
    with timezone.override(UTC):
        yield


def _serializers(kind: Any = ModelSerializer) -> Iterator[Any]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("warehouse."):
            yield each
        yield from _serializers(each)


class Named(ModelSerializer):
    """Of tenants, which are of no tenant."""

    class Meta:
        model = Tenant
        fields = ("id", "name", "created_at")


class Nesting(ModelSerializer):
    """Shows something of which REST framework alone knows how."""

    inner = Named(source="*")

    class Meta:
        model = Tenant
        fields = ("slug", "inner")


@pytest.mark.parametrize("kind", list(_serializers()), ids=lambda kind: kind.__name__)
def test_a_row_is_shown_as_rest_framework_shows_it(ours: World, kind: Any) -> None:
    model = kind.Meta.model
    with tenant_scope(ours.tenant.pk):
        rows = model.objects.filter(pk=ours.row(model).pk)
        row = (with_ours(rows) if model is WorkItem else rows).get()
        shown = kind(row).data
        expected = serializers.ModelSerializer.to_representation(kind(row), row)
    assert list(shown.items()) == list(expected.items())
    assert [type(value) for value in shown.values()] == [type(each) for each in expected.values()]


def test_work_items_are_shown_quickly() -> None:
    assert readers_of(WorkItemDetail) is not None


def test_what_has_a_serializer_inside_is_shown_as_ever(ours: World) -> None:
    assert readers_of(Nesting) is None
    assert Nesting(ours.tenant).data["inner"]["name"] == ours.tenant.name


def test_times_of_another_zone_are_told_in_utc(ours: World) -> None:
    ours.tenant.created_at = datetime(2026, 1, 2, 3, 4, 5, 6, fixed(timedelta(hours=2)))
    assert Named(ours.tenant).data["created_at"] == "2026-01-02T01:04:05.000006Z"


def test_times_are_told_in_the_zone_that_is_chosen(ours: World) -> None:
    ours.tenant.created_at = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    with timezone.override("Europe/Berlin"):
        assert Named(ours.tenant).data["created_at"] == "2026-01-02T04:04:00+01:00"
