"""Notices and their deliveries over the API."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from notices.api.bodies import NoticeDeliveryInFull, NoticeDeliveryShown, NoticeShown
from notices.api.endpoints import TAGS
from notices.api.examples import DELIVERY, DELIVERY_IN_FULL, NOTICE
from notices.endpoints import send_again
from notices.events import Event
from notices.models import Delivery, Notice
from tenants.api.etags import tagged
from tenants.api.filters import IntegerFilter, TextFilter, TimeFilter
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantViewSet
from tenants.permissions import Capability
from tenants.scope import tenant_scope


class NoticeFilters(django_filters.FilterSet):
    """What notices are filtered by."""

    event = django_filters.ChoiceFilter(choices=Event.choices)
    integration = IntegerFilter(field_name="integration_id")
    occurred_after = TimeFilter(field_name="occurred_at", lookup_expr="gte")
    occurred_before = TimeFilter(field_name="occurred_at", lookup_expr="lt")

    class Meta:
        model = Notice
        fields = ()


@extend_schema(tags=TAGS)
@extend_schema_view(list=extend_schema(summary="List notices", examples=[NOTICE]))
class NoticesViewSet(ListModelMixin, TenantViewSet):
    """What was told, whether or not anybody had asked for it. The newest come first."""

    model = Notice
    serializer_class = NoticeShown
    filterset_class = NoticeFilters
    orderings = {"id": "pk"}
    default_ordering = "-id"

    @extend_schema(
        summary="Read a notice", responses={200: NoticeShown, 304: None}, examples=[NOTICE]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One notice."""
        return tagged(request, self.get_serializer(self.get_object()).data)


class DeliveryFilters(django_filters.FilterSet):
    """What deliveries of notices are filtered by."""

    notice = IntegerFilter(field_name="notice_id")
    webhook = IntegerFilter(field_name="endpoint_id")
    event = django_filters.ChoiceFilter(field_name="notice__event", choices=Event.choices)
    state = django_filters.ChoiceFilter(choices=Delivery.State.choices)
    message_id = TextFilter()
    created_after = TimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = TimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Delivery
        fields = ()


@extend_schema(tags=TAGS)
@extend_schema_view(list=extend_schema(summary="List deliveries of notices", examples=[DELIVERY]))
class DeliveriesViewSet(ListModelMixin, TenantViewSet):
    """Notices on their way to webhooks, and by e-mail. The newest come first."""

    model = Delivery
    serializer_class = NoticeDeliveryShown
    filterset_class = DeliveryFilters
    orderings = {"id": "pk"}
    default_ordering = "-id"
    capabilities = {"send_again": Capability.EDIT_INTEGRATIONS}

    def rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = Delivery.objects.select_related("notice")
        return rows

    @extend_schema(
        summary="Read a delivery of a notice",
        responses={200: NoticeDeliveryInFull, 304: None},
        examples=[DELIVERY_IN_FULL],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One delivery with the body as it is sent, and each attempt with what was answered."""
        row = self.get_object()
        with tenant_scope(row.tenant_id):
            return tagged(
                request, NoticeDeliveryInFull(row, context=self.get_serializer_context()).data
            )

    @extend_schema(
        summary="Send a notice again",
        request=None,
        responses={202: NoticeDeliveryShown},
        examples=[DELIVERY],
    )
    @action(detail=True, methods=["post"], url_path="send-again", throttle_scope="test")
    @idempotent
    def send_again(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Put it on its way once more, by the same `webhook-id`, with its attempts counted anew.
        One that is being sent at this moment is refused."""
        row = self.get_object()
        with tenant_scope(row.tenant_id):
            send_again(row)
            row.refresh_from_db()
            return Response(NoticeDeliveryShown(row).data, status=202)
