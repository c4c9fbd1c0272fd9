"""What the sources have: their types, statuses and custom fields, and how each stands."""

from collections.abc import Sequence
from typing import Any, Final

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from mappings.effects import effects
from mappings.field_targets import suggested_column, suggested_target
from mappings.field_use import FieldUse, field_uses
from mappings.models import (
    CustomField,
    CustomFieldMapping,
    FieldTarget,
    Status,
    StatusResolution,
    Wit,
    WitResolution,
)
from mappings.standings import NOWHERE, standings_of_statuses, standings_of_types
from tenants.api.etags import tagged
from tenants.api.fields import IntegerField, Serializer
from tenants.api.filters import BooleanFilter, IntegerFilter, TextFilter
from tenants.api.views import TenantViewSet
from tenants.scope import current_tenant_id

_NO_USE: Final = FieldUse()


class RuleNamed(Serializer):
    """A rule, and what it says in words."""

    id = IntegerField()
    summary = serializers.CharField()


class SourceShown(Serializer):
    """What a source has, and how it stands. The view puts `standing` and `rules` on each row."""

    id = IntegerField()
    integration = IntegerField(source="integration_id")
    source_id = serializers.CharField()
    name = serializers.CharField()
    untranslated_name = serializers.CharField(allow_null=True)
    item_count = IntegerField(source="standing.items", help_text="Live work items that have it.")
    place_count = IntegerField(
        source="standing.places", help_text="Projects and types in which it occurs."
    )
    unmapped_count = IntegerField(
        source="standing.unmapped", help_text="Of these places, those without a rule."
    )
    rules = RuleNamed(many=True, help_text="The rules that it falls under, place by place.")


class WitShown(SourceShown):
    """A work item type as a source has it."""

    level = IntegerField(allow_null=True, help_text="The source's own level.")
    is_subtask = serializers.BooleanField(allow_null=True)


class StatusShown(SourceShown):
    """A status as a source has it; names repeat. category: the source's own."""

    category = serializers.CharField(allow_null=True)
    project_source_id = serializers.CharField(allow_null=True)


class FieldUseShown(Serializer):
    """How much a field is used, in the work items that changed last."""

    looked_at = IntegerField()
    filled = IntegerField()
    examples = serializers.ListField(child=serializers.CharField())


class FieldRuleShown(Serializer):
    """What a field is to us."""

    id = IntegerField()
    target = serializers.ChoiceField(FieldTarget.choices)
    column_name = serializers.CharField()
    is_active = serializers.BooleanField()


class FieldSuggested(Serializer):
    """What a field most likely is. target: null where it says nothing of itself."""

    target = serializers.ChoiceField(FieldTarget.choices, allow_null=True)
    column_name = serializers.CharField()


class CustomFieldShown(Serializer):
    """A custom field as a source has it."""

    id = IntegerField()
    integration = IntegerField(source="integration_id")
    source_id = serializers.CharField()
    name = serializers.CharField()
    value_type = serializers.CharField(allow_null=True)
    schema = serializers.CharField(allow_null=True)
    use = FieldUseShown()
    rule = FieldRuleShown(allow_null=True)
    suggested = FieldSuggested()


class _SourceFilters(django_filters.FilterSet):
    integration = IntegerFilter(help_text="Id of an integration.")
    name = TextFilter(lookup_expr="icontains", help_text="Part of the name.")
    source_id = TextFilter()


class _StandingFilters(_SourceFilters):
    """resolutions, column: where it occurs."""

    resolutions: Any
    column: str
    unmapped = BooleanFilter(
        method="by_unmapped", help_text="Whether it occurs anywhere without a rule."
    )
    project = TextFilter(method="by_project", help_text="Key of a project in which it occurs.")

    def _places(self) -> Any:
        return self.resolutions.objects.filter(
            integration_id=OuterRef("integration_id"), **{self.column: OuterRef("source_id")}
        )

    def by_unmapped(self, rows: Any, name: str, value: bool) -> Any:
        """Keep what occurs without a rule, or what does not."""
        found = Exists(self._places().filter(mapping=None))
        return rows.filter(found) if value else rows.filter(~found)

    def by_project(self, rows: Any, name: str, value: str) -> Any:
        """Keep what occurs in a project with this key."""
        tenant_id = current_tenant_id()
        if tenant_id is None:
            return rows.none()
        wanted = Q(pk=None)
        for integration_id in rows.order_by().values_list("integration_id", flat=True).distinct():
            keys = effects().project_keys(tenant_id, integration_id)
            ids = [source_id for source_id, key in keys.items() if key == value]
            wanted |= Q(integration_id=integration_id, project_source_id__in=ids)
        return rows.filter(Exists(self._places().filter(wanted)))


class WitFilters(_StandingFilters):
    """What types can be filtered by."""

    resolutions = WitResolution
    column = "type_source_id"

    class Meta:
        model = Wit
        fields = ()


class StatusFilters(_StandingFilters):
    """What statuses can be filtered by."""

    resolutions = StatusResolution
    column = "status_source_id"
    category = TextFilter(help_text="The source's own category.")

    class Meta:
        model = Status
        fields = ()


class CustomFieldFilters(_SourceFilters):
    """What custom fields can be filtered by."""

    mapped = BooleanFilter(method="by_mapped", help_text="Whether it has a rule.")
    target = django_filters.ChoiceFilter(
        choices=FieldTarget.choices, method="by_target", help_text="What its rule makes of it."
    )

    class Meta:
        model = CustomField
        fields = ()

    def _rules(self) -> Any:
        return CustomFieldMapping.objects.filter(
            integration_id=OuterRef("integration_id"), field_source_id=OuterRef("source_id")
        )

    def by_mapped(self, rows: Any, name: str, value: bool) -> Any:
        """Keep fields with a rule, or without."""
        return rows.filter(Exists(self._rules()) if value else ~Exists(self._rules()))

    def by_target(self, rows: Any, name: str, value: str) -> Any:
        """Keep fields that are this to us."""
        return rows.filter(Exists(self._rules().filter(target=value)))


class SourceViewSet(ListModelMixin, TenantViewSet):
    """Base of what sources have. It is one tenant's, for what stands behind it is counted."""

    orderings = {"id": "pk", "name": "name"}

    def rows(self) -> QuerySet[Any]:
        assert self.tenant  # raises for an operator who named none
        return super().rows()

    def add(self, rows: Sequence[Any]) -> None:
        """Put on each row what is shown beside it, a few queries for all."""
        raise NotImplementedError

    def paginate_queryset(self, queryset: Any) -> Any:
        rows = super().paginate_queryset(queryset)
        if rows:
            self.add(rows)
        return rows

    def get_object(self) -> Any:
        row = super().get_object()
        self.add([row])
        return row

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One of them."""
        return tagged(request, self.get_serializer(self.get_object()).data)


def _stand(rows: Sequence[Any], standings: Any) -> None:
    for row in rows:
        row.standing = standings.get((row.integration_id, row.source_id), NOWHERE)
        row.rules = [{"id": pk, "summary": label} for pk, label in row.standing.rules.items()]


_STANDING_EXAMPLE: Final = {
    "id": 12,
    "integration": 3,
    "source_id": "10004",
    "name": "In Review",
    "untranslated_name": "In Review",
    "item_count": 148,
    "place_count": 4,
    "unmapped_count": 1,
    "rules": [{"id": 31, "summary": "in review → In review"}],
}


@extend_schema(
    tags=["sources"],
    examples=[
        OpenApiExample(
            "A type",
            {**_STANDING_EXAMPLE, "name": "Bug", "level": 0, "is_subtask": False},
            response_only=True,
        )
    ],
)
@extend_schema_view(
    list=extend_schema(summary="List the types that sources have"),
    retrieve=extend_schema(summary="Read a type of a source"),
)
class WitsViewSet(SourceViewSet):
    """Work item types as the sources have them, with the work items and rules behind each."""

    model = Wit
    serializer_class = WitShown
    filterset_class = WitFilters

    def add(self, rows: Sequence[Any]) -> None:
        _stand(rows, standings_of_types(self.tenant.pk, rows))


@extend_schema(
    tags=["sources"],
    examples=[
        OpenApiExample(
            "A status",
            {**_STANDING_EXAMPLE, "category": "indeterminate", "project_source_id": None},
            response_only=True,
        )
    ],
)
@extend_schema_view(
    list=extend_schema(summary="List the statuses that sources have"),
    retrieve=extend_schema(summary="Read a status of a source"),
)
class StatusesViewSet(SourceViewSet):
    """Statuses as the sources have them, with the work items and rules behind each."""

    model = Status
    serializer_class = StatusShown
    filterset_class = StatusFilters

    def add(self, rows: Sequence[Any]) -> None:
        _stand(rows, standings_of_statuses(self.tenant.pk, rows))


@extend_schema(
    tags=["sources"],
    examples=[
        OpenApiExample(
            "A custom field",
            {
                "id": 7,
                "integration": 3,
                "source_id": "customfield_10016",
                "name": "Story point estimate",
                "value_type": "number",
                "schema": "com.pyxis.greenhopper.jira:jsw-story-points",
                "use": {"looked_at": 1000, "filled": 412, "examples": ["3", "5", "8"]},
                "rule": {"id": 2, "target": "story_points", "column_name": "", "is_active": True},
                "suggested": {"target": "story_points", "column_name": "story_point_estimate"},
            },
            response_only=True,
        )
    ],
)
@extend_schema_view(
    list=extend_schema(summary="List the custom fields that sources have"),
    retrieve=extend_schema(summary="Read a custom field of a source"),
)
class CustomFieldsViewSet(SourceViewSet):
    """Custom fields as the sources have them: how much each is used, and what it is to us."""

    model = CustomField
    serializer_class = CustomFieldShown
    filterset_class = CustomFieldFilters

    def add(self, rows: Sequence[Any]) -> None:
        ids = {row.integration_id for row in rows}
        uses = field_uses().uses(self.tenant.pk, ids)
        rules = CustomFieldMapping.objects.filter(
            integration_id__in=ids, field_source_id__in=[row.source_id for row in rows]
        )
        by_field = {(rule.integration_id, rule.field_source_id): rule for rule in rules}
        for row in rows:
            key = (row.integration_id, row.source_id)
            row.use = uses.get(key, _NO_USE)
            row.rule = by_field.get(key)
            row.suggested = {
                "target": suggested_target(row),
                "column_name": suggested_column(row),
            }
