"""What rules can be filtered by."""

from typing import Any

import django_filters

from mappings.models import (
    CustomFieldMapping,
    FieldTarget,
    StatusMapping,
    StepCategory,
    WitHierarchy,
    WitMapping,
    Workflow,
    WorkflowStep,
)
from mappings.rules import fold
from tenants.api.filters import BooleanFilter, IntegerFilter, TextFilter


class NamedFilters(django_filters.FilterSet):
    """By a part of the name, and whether it is active."""

    name = TextFilter(lookup_expr="icontains", help_text="Part of the name.")
    is_active = BooleanFilter()


class WitHierarchyFilters(NamedFilters):
    """Of levels."""

    level = IntegerFilter()

    class Meta:
        model = WitHierarchy
        fields = ()


class WorkflowFilters(NamedFilters):
    """Of workflows."""

    class Meta:
        model = Workflow
        fields = ()


class WorkflowStepFilters(django_filters.FilterSet):
    """Of steps."""

    workflow = IntegerFilter(help_text="Id of a workflow.")
    name = TextFilter(lookup_expr="icontains", help_text="Part of the name.")
    category = django_filters.ChoiceFilter(choices=StepCategory.choices)

    class Meta:
        model = WorkflowStep
        fields = ()


class _MatchingFilters(django_filters.FilterSet):
    integration = IntegerFilter(help_text="Id of an integration.")
    everywhere = BooleanFilter(
        field_name="integration",
        lookup_expr="isnull",
        help_text="Whether it is for every integration.",
    )
    project = TextFilter(field_name="project_key", help_text="Key of a project.")
    name = TextFilter(method="by_name", help_text="Part of the name that it matches.")
    target = TextFilter(help_text="What it gives.")
    is_active = BooleanFilter()

    def by_name(self, rows: Any, name: str, value: str) -> Any:
        """Keep rules whose name has this in it, however written."""
        return rows.filter(from_name__contains=fold(value))


class WitMappingFilters(_MatchingFilters):
    """Of rules for types."""

    hierarchy = IntegerFilter(help_text="Id of a level.")

    class Meta:
        model = WitMapping
        fields = ()


class StatusMappingFilters(_MatchingFilters):
    """Of rules for statuses."""

    type = TextFilter(method="by_type", help_text="Name of a type.")
    category = django_filters.ChoiceFilter(choices=StepCategory.choices)
    step = IntegerFilter(help_text="Id of a step.")
    workflow = IntegerFilter(field_name="step__workflow", help_text="Id of a workflow.")

    class Meta:
        model = StatusMapping
        fields = ()

    def by_type(self, rows: Any, name: str, value: str) -> Any:
        """Keep rules for this type, however written."""
        return rows.filter(type_name=fold(value))


class CustomFieldMappingFilters(django_filters.FilterSet):
    """Of rules for custom fields."""

    integration = IntegerFilter(help_text="Id of an integration.")
    name = TextFilter(field_name="field_source_id", help_text="The field's id at the source.")
    target = django_filters.ChoiceFilter(choices=FieldTarget.choices)
    column_name = TextFilter()
    is_active = BooleanFilter()

    class Meta:
        model = CustomFieldMapping
        fields = ()
