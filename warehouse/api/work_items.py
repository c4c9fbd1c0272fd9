"""Work items with their changes, timeline, explanation and links; changes of all of them."""

from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.etags import tagged
from tenants.api.filters import BooleanFilter, TextFilter, TimeFilter
from warehouse.api.exports import ExportMixin, exporting
from warehouse.api.pull_request_rows import LinkShown
from warehouse.api.reading import DetailSet, LoadedFilters, ReadSet, TombstoneFilters
from warehouse.api.rule_filters import StatusFilters, TypeFilters
from warehouse.api.stories import EXPLANATION, ExplanationShown, VisitShown, explained, visits
from warehouse.api.work_item_rows import (
    OURS,
    WORK_ITEM,
    ChangeShown,
    WorkItemDetail,
    WorkItemShown,
    with_ours,
)
from warehouse.explain import story_of
from warehouse.links import links_of_item
from warehouse.models import Changelog, WorkItem

_TAGS: Final = ["work-items"]


class WorkItemFilters(TombstoneFilters, TypeFilters, StatusFilters):
    """Of work items."""

    project = TextFilter("project_key", label="Key of the project.")
    key = TextFilter(label="The key, as `ACME-12`.")
    source_id = TextFilter(label="The id at the source.")
    parent = TextFilter("parent_key", label="Key of the parent.")
    source_type = TextFilter(label="The type as the source says.")
    source_status = TextFilter(label="The status as the source says.")
    assignee = TextFilter("assignee_source_id", label="Id of the assignee's account at the source.")
    created_from = TimeFilter("created_at", "gte", label="Created then or later.")
    created_before = TimeFilter("created_at", "lt", label="Created before then.")
    updated_from = TimeFilter("updated_at", "gte", label="Updated then or later.")
    updated_before = TimeFilter("updated_at", "lt", label="Updated before then.")
    done_from = TimeFilter("done_at", "gte", label="Done then or later.")
    done_before = TimeFilter("done_at", "lt", label="Done before then.")

    class Meta:
        model = WorkItem
        fields = ()


_SHOWN: Final = [
    field.attname
    for field in WorkItem._meta.concrete_fields
    if field.name in WorkItemShown.Meta.fields
]
_LISTED: Final = ("pk", *_SHOWN, "all_changes_loaded", "mapped_fields", *OURS)
"""What a list reads. No model is made of it: that takes as long as to show it."""

_EXAMPLE = OpenApiExample("A work item", value=WORK_ITEM, response_only=True)


@extend_schema_view(
    list=extend_schema(summary="List work items", tags=_TAGS, examples=[_EXAMPLE]),
    retrieve=extend_schema(summary="Read a work item", tags=_TAGS),
    export=exporting("work items", "work-items"),
)
class WorkItemsViewSet(ExportMixin, DetailSet):
    """Work items, with what the rules make of them and their metrics."""

    model = WorkItem
    serializer_class = WorkItemShown
    filterset_class = WorkItemFilters
    orderings = {"changed_seq": "changed_seq", "updated_at": "updated_at", "key": "key"}
    export_table = "work_items"

    def get_serializer_class(self) -> Any:
        return WorkItemDetail if self.action == "retrieve" else super().get_serializer_class()

    def rows(self) -> QuerySet[Any]:
        rows = super().rows()
        if self.action == "list":
            return with_ours(rows).values_list(*_LISTED, named=True)
        if self.action == "retrieve":
            return with_ours(rows)
        return rows.select_related(
            "integration", "wit_resolution__mapping", "status_resolution__mapping"
        )

    @extend_schema(
        summary="List the changes of a work item",
        tags=_TAGS,
        filters=False,
        responses=ChangeShown(many=True),
    )
    @action(
        detail=True,
        serializer_class=ChangeShown,
        filterset_class=None,
        extra_parameters=(),
        has_changes=False,
        orderings={"changed_at": "changed_at"},
    )
    def changelog(self, request: Request, pk: str) -> Response:
        """Its changes, of every field, the oldest first."""
        item = self.get_object()
        page = self.paginate_queryset(
            self.filter_queryset(
                Changelog.objects.filter(
                    tenant_id=item.tenant_id,
                    integration_id=item.integration_id,
                    work_item_source_id=item.source_id,
                )
            )
        )
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        summary="Read the timeline of a work item",
        tags=_TAGS,
        filters=False,
        responses=VisitShown(many=True),
    )
    @action(detail=True, filterset_class=None, pagination_class=None, extra_parameters=())
    def timeline(self, request: Request, pk: str) -> Response:
        """Every visit to a status: from when to when, what it counts towards, and what began.

        At most the first 5,000 changes of the status are told.
        """
        return Response(
            VisitShown(visits(story_of(self.get_object(), timezone.now())), many=True).data
        )

    @extend_schema(
        summary="Explain a work item",
        tags=_TAGS,
        filters=False,
        responses=ExplanationShown,
        examples=[OpenApiExample("An explanation", value=EXPLANATION, response_only=True)],
    )
    @action(detail=True, filterset_class=None, pagination_class=None, extra_parameters=())
    def explain(self, request: Request, pk: str) -> Response:
        """Where each value comes from: its place in the raw record, the rule, the change."""
        return tagged(request, ExplanationShown(explained(self.get_object())).data)

    @extend_schema(
        summary="List the pull requests that name a work item",
        tags=_TAGS,
        filters=False,
        responses=LinkShown(many=True),
    )
    @action(detail=True, filterset_class=None, pagination_class=None, extra_parameters=())
    def links(self, request: Request, pk: str) -> Response:
        """Its links: of 100 pull requests at most."""
        found = links_of_item(self.get_object())
        return tagged(request, [link._asdict() for link in found])


class ChangelogFilters(LoadedFilters):
    """Of changes."""

    work_item = TextFilter("work_item_source_id", label="Id of the work item at its source.")
    field = TextFilter(label="Name of the field.")
    is_status = BooleanFilter(label="Whether it is a change of the status.")
    changed_from = TimeFilter("changed_at", "gte", label="Made then or later.")
    changed_before = TimeFilter("changed_at", "lt", label="Made before then.")

    class Meta:
        model = Changelog
        fields = ()


@extend_schema_view(
    list=extend_schema(summary="List the changes of work items", tags=["changelogs"]),
    export=exporting("the changes of work items", "changelogs"),
)
class ChangelogsViewSet(ExportMixin, ReadSet):
    """Changes of the fields of all work items."""

    model = Changelog
    serializer_class = ChangeShown
    filterset_class = ChangelogFilters
    export_table = "changelogs"
    export_order = "changed_seq"
