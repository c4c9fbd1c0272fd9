"""Filters by what the rules make of types and statuses."""

from typing import Any, Final

import django_filters
from django.db.models import Q, QuerySet
from django_filters import ChoiceFilter

from mappings.models import StatusResolution, StepCategory, WitResolution
from tenants.api.filters import IntegerFilter, TextFilter


class TypeFilters(django_filters.FilterSet):
    """By our type. The resolutions are looked up first: so a rare one is found by its index."""

    type = TextFilter(method="of_type", label="Our type.")
    level = IntegerFilter(method="of_level", label="Level of our type.")

    def of_type(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to a type."""
        return _of_types(rows, Q(mapping__target=value))

    def of_level(self, rows: QuerySet[Any], name: str, value: int) -> QuerySet[Any]:
        """Narrow to a level."""
        return _of_types(rows, Q(mapping__hierarchy__level=value))


_OF_STATUS: Final = {"status": "mapping__target", "step": "mapping__step__name"}


class StatusFilters(django_filters.FilterSet):
    """By our status; see `TypeFilters`."""

    status = TextFilter(method="of_status", label="Our status.")
    category = ChoiceFilter(
        method="of_category", choices=StepCategory.choices, label="Category of our status."
    )
    step = TextFilter(method="of_status", label="Name of the workflow step.")

    def of_status(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to a status or a step."""
        return _of_statuses(rows, Q(**{_OF_STATUS[name]: value}))

    def of_category(self, rows: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        """Narrow to a category: that of the step, where the rule has one."""
        of_rule = Q(mapping__step=None, mapping__category=value)
        return _of_statuses(rows, Q(mapping__step__category=value) | of_rule)


def _of_types(rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
    found = WitResolution.objects.filter(condition).values_list("pk", flat=True)
    return rows.filter(wit_resolution_id__in=list(found))


def _of_statuses(rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
    found = StatusResolution.objects.filter(condition).values_list("pk", flat=True)
    return rows.filter(status_resolution_id__in=list(found))
