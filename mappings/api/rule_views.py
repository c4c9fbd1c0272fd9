"""The view sets of the tables of rules."""

from typing import Any, Final

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from mappings.api.described import described
from mappings.api.rows import (
    CustomFieldMappingRow,
    StatusMappingRow,
    WitHierarchyRow,
    WitMappingRow,
    WorkflowRow,
    WorkflowStepShown,
)
from mappings.api.rule_filters import (
    CustomFieldMappingFilters,
    StatusMappingFilters,
    WitHierarchyFilters,
    WitMappingFilters,
    WorkflowFilters,
    WorkflowStepFilters,
)
from mappings.api.rules import RuleViewSet
from mappings.api.tables import CustomFieldMappings, StatusMappings, WitHierarchies, WitMappings
from mappings.api.workflow_table import Workflows
from mappings.models import (
    CustomFieldMapping,
    StatusMapping,
    WitHierarchy,
    WitMapping,
    Workflow,
    WorkflowStep,
)
from tenants.api.etags import tagged
from tenants.api.views import TenantViewSet

_LEVEL: Final = {"id": 5, "level": 1, "name": "Epic", "is_active": True}
_TYPE_RULE: Final = {
    "id": 31,
    "integration": None,
    "project_key": "",
    "from_name": "bug",
    "from_level": None,
    "target": "Bug",
    "hierarchy": 6,
    "is_active": True,
}
_STATUS_RULE: Final = {
    "id": 44,
    "integration": 3,
    "project_key": "OPS",
    "type_name": "",
    "from_name": "in review",
    "from_category": "",
    "target": "In review",
    "step": 13,
    "category": "in_progress",
    "is_active": True,
}
_FIELD_RULE: Final = {
    "id": 2,
    "integration": 3,
    "field_source_id": "customfield_10016",
    "target": "story_points",
    "column_name": "",
    "position": 0,
    "is_active": True,
}
_STEPS: Final = (
    ("To do", "to_do", False, False),
    ("In progress", "in_progress", True, False),
    ("Done", "done", False, False),
    ("Discarded", "discarded", False, True),
)
_WORKFLOW: Final = {
    "id": 4,
    "name": "Delivery",
    "is_active": True,
    "steps": [
        {
            "id": 11 + number,
            "name": name,
            "category": category,
            "is_commitment_point": is_point,
            "is_outside_order": is_outside,
        }
        for number, (name, category, is_point, is_outside) in enumerate(_STEPS)
    ],
}
_TO_RULE: Final = (
    "Where goes what falls under it: `next`, to whatever rule matches next, or to none; or the id "
    "of a rule: then it stays, and gives what that gives."
)


@extend_schema(tags=["mappings"])
@described(
    "a level",
    "the levels of the hierarchy",
    WitHierarchyRow,
    _LEVEL,
    "Id of the level that the rules on it are given.",
    (
        OpenApiParameter(
            "move_to", OpenApiTypes.STR, description="Id of a level that its rules are given."
        ),
    ),
)
class WitHierarchiesViewSet(RuleViewSet):
    """Levels of the hierarchy: type rules give a level each."""

    model = WitHierarchy
    table = WitHierarchies()
    serializer_class = WitHierarchyRow
    filterset_class = WitHierarchyFilters
    orderings = {"level": "level", "id": "pk", "name": "name"}
    default_ordering = "-level"
    update_parameters = ("move_to",)


@extend_schema(tags=["mappings"])
@described("a rule for types", "the rules for types", WitMappingRow, _TYPE_RULE, _TO_RULE)
class WitMappingsViewSet(RuleViewSet):
    """Rules for types: what the types of the sources are in your own taxonomy."""

    model = WitMapping
    table = WitMappings()
    serializer_class = WitMappingRow
    filterset_class = WitMappingFilters
    orderings = {"id": "pk", "from_name": "from_name", "target": "target"}


@extend_schema(tags=["mappings"])
@described(
    "a rule for statuses", "the rules for statuses", StatusMappingRow, _STATUS_RULE, _TO_RULE
)
class StatusMappingsViewSet(RuleViewSet):
    """Rules for statuses: what the statuses of the sources mean, and where in a workflow."""

    model = StatusMapping
    table = StatusMappings()
    serializer_class = StatusMappingRow
    filterset_class = StatusMappingFilters
    orderings = {"id": "pk", "from_name": "from_name", "target": "target"}


@extend_schema(tags=["mappings"])
@described(
    "a rule for a custom field",
    "the rules for custom fields",
    CustomFieldMappingRow,
    _FIELD_RULE,
)
class CustomFieldMappingsViewSet(RuleViewSet):
    """Rules for custom fields: what they are to us."""

    model = CustomFieldMapping
    table = CustomFieldMappings()
    serializer_class = CustomFieldMappingRow
    filterset_class = CustomFieldMappingFilters
    orderings = {"id": "pk", "field_source_id": "field_source_id", "target": "target"}


@extend_schema(tags=["mappings"])
@described(
    "a workflow",
    "the workflows with their steps",
    WorkflowRow,
    _WORKFLOW,
    "Id of the step that the rules of its steps are given; `none`: they keep their category.",
)
class WorkflowsViewSet(RuleViewSet):
    """Workflows: the ordered steps that work passes. Time counts from the commitment point."""

    model = Workflow
    table = Workflows()
    serializer_class = WorkflowRow
    filterset_class = WorkflowFilters
    orderings = {"name": "name", "id": "pk"}


@extend_schema(
    tags=["mappings"],
    examples=[
        OpenApiExample(
            "A step",
            {
                "id": 12,
                "workflow": 4,
                "name": "In progress",
                "position": 2,
                "category": "in_progress",
                "is_commitment_point": True,
            },
            response_only=True,
        )
    ],
)
@extend_schema_view(
    list=extend_schema(summary="List the steps of all workflows"),
    retrieve=extend_schema(summary="Read a step of a workflow"),
)
class WorkflowStepsViewSet(ListModelMixin, TenantViewSet):
    """Steps of workflows; they are edited with their workflow."""

    model = WorkflowStep
    serializer_class = WorkflowStepShown
    filterset_class = WorkflowStepFilters
    orderings = {"id": "pk", "name": "name"}

    def rows(self) -> QuerySet[Any]:
        return WorkflowStep.objects.all()

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One of them."""
        return tagged(request, self.get_serializer(self.get_object()).data)
