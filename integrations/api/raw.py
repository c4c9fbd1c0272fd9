"""Raw data over the API: pages exactly as they were received, and what was set aside of them."""

from typing import Any, Final

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.models import QuarantinedRecord, RawPage
from integrations.raw import read
from tenants.api.answers import OneForm, exact
from tenants.api.etags import tagged
from tenants.api.fields import ModelSerializer
from tenants.api.filters import BooleanFilter, IntegerFilter, TextFilter, TimeFilter
from tenants.api.views import TenantViewSet

BYTES: Final = "application/octet-stream"

PAGE: Final = {
    "id": 4711,
    "integration": 7,
    "run": 42,
    "stream": "issues",
    "method": "POST",
    "url": "https://acme.atlassian.net/rest/api/3/search/jql",
    "request_body": '{"jql": "project = 10001 ORDER BY updated ASC, key ASC"}',
    "status": 200,
    "media_type": "application/json",
    "body_size": 183422,
    "body_digest": "9f86d081884c7d659a2feaa0c55ad015",
    "is_data": True,
    "record_count": 100,
    "fetched_at": "2026-01-02T03:04:05Z",
    "created_at": "2026-01-02T03:04:05Z",
}


class RawPageShown(ModelSerializer):
    """A page. body_size: bytes; body_digest: of the body. is_data: its records are loaded; others
    are kept beside them. record_count: null until it is transformed. run: that it was first
    stored by, null if that is not known."""

    integration = serializers.IntegerField(source="integration_id")
    run = serializers.IntegerField(source="run_id", allow_null=True)
    body_size = serializers.IntegerField()
    url = serializers.CharField()

    class Meta:
        model = RawPage
        fields = (
            "id",
            "integration",
            "run",
            "stream",
            "method",
            "url",
            "request_body",
            "status",
            "media_type",
            "body_size",
            "body_digest",
            "is_data",
            "record_count",
            "fetched_at",
            "created_at",
        )
        read_only_fields = fields


class RawPageFilters(django_filters.FilterSet):
    """What raw pages are filtered by."""

    integration = IntegerFilter(field_name="integration_id")
    run = IntegerFilter(field_name="run_id")
    stream = TextFilter()
    body_digest = TextFilter()
    is_data = BooleanFilter()
    is_transformed = BooleanFilter(field_name="record_count", lookup_expr="isnull", exclude=True)
    received_after = TimeFilter(field_name="fetched_at", lookup_expr="gte")
    received_before = TimeFilter(field_name="fetched_at", lookup_expr="lt")

    class Meta:
        model = RawPage
        fields = ()


@extend_schema(tags=["raw data"])
@extend_schema_view(
    list=extend_schema(
        summary="List raw pages", examples=[OpenApiExample("A page of issues", PAGE)]
    )
)
class RawPagesViewSet(ListModelMixin, TenantViewSet):
    """Pages exactly as they were received, kept for good. The newest come first."""

    model = RawPage
    serializer_class = RawPageShown
    filterset_class = RawPageFilters
    orderings = {"id": "pk"}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Any]:
        return RawPage.objects.defer("body")

    @extend_schema(
        summary="Read what is known of a raw page",
        responses={200: RawPageShown, 304: None},
        examples=[OpenApiExample("A page of issues", PAGE)],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One page without its body."""
        return tagged(request, self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Get the body of a raw page", responses={(200, BYTES): OpenApiTypes.BINARY}
    )
    @action(detail=True, methods=["get"], content_negotiation_class=OneForm)
    def body(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The bytes exactly as they were received, to be saved and not to be shown."""
        page: RawPage = self.get_object()
        return exact(read(page), BYTES, f"raw-page-{page.pk}")


class QuarantinedShown(ModelSerializer):
    """Something of a page that was not loaded as it stands. severity: `record`, it is set aside
    whole; `value`, it is loaded without that value; `note`, it was cleaned. place: file and line,
    or page and number. path: inside the record."""

    integration = serializers.IntegerField(source="integration_id")
    run = serializers.IntegerField(source="run_id", allow_null=True)
    raw_page = serializers.IntegerField(source="raw_page_id", allow_null=True)

    class Meta:
        model = QuarantinedRecord
        fields = (
            "id",
            "integration",
            "run",
            "raw_page",
            "stream",
            "severity",
            "reason",
            "detail",
            "place",
            "position",
            "path",
            "excerpt",
            "created_at",
        )
        read_only_fields = fields


_SET_ASIDE: Final = OpenApiExample(
    "A time that is none",
    {
        "id": 12,
        "integration": 7,
        "run": 42,
        "raw_page": 4711,
        "stream": "issues",
        "severity": "value",
        "reason": "bad_value",
        "detail": "'yesterday' is no time",
        "place": "issues.jsonl:17",
        "position": 16,
        "path": "fields.created",
        "excerpt": '"created": "yesterday"',
        "created_at": "2026-01-02T03:04:05Z",
    },
)


class QuarantineFilters(django_filters.FilterSet):
    """What is filtered by of what was set aside."""

    integration = IntegerFilter(field_name="integration_id")
    run = IntegerFilter(field_name="run_id")
    raw_page = IntegerFilter(field_name="raw_page_id")
    stream = TextFilter()
    reason = TextFilter()
    severity = django_filters.ChoiceFilter(choices=QuarantinedRecord.Severity.choices)

    class Meta:
        model = QuarantinedRecord
        fields = ()


@extend_schema(tags=["raw data"])
@extend_schema_view(list=extend_schema(summary="List what was set aside", examples=[_SET_ASIDE]))
class QuarantineViewSet(ListModelMixin, TenantViewSet):
    """What was not loaded as it stands, with the reason and its place. The newest come first."""

    model = QuarantinedRecord
    serializer_class = QuarantinedShown
    filterset_class = QuarantineFilters
    orderings = {"id": "pk"}
    default_ordering = "-id"

    @extend_schema(
        summary="Read what was set aside",
        responses={200: QuarantinedShown, 304: None},
        examples=[_SET_ASIDE],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One of them."""
        return tagged(request, self.get_serializer(self.get_object()).data)
