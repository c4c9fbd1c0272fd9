"""Webhooks in: the address that sources send to, and what they have sent."""

from typing import Any, Final

import django_filters
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.models import WebhookDelivery
from jobs.webhooks_in import NotJsonError, UnknownWebhookError, body_of, receive
from tenants.api.answers import OneForm, exact
from tenants.api.etags import tagged
from tenants.api.fields import ModelSerializer, Serializer
from tenants.api.filters import IntegerFilter, TextFilter, TimeFilter
from tenants.api.parsing import MOST_BYTES, malformed
from tenants.api.problems import Problem
from tenants.api.views import LimitedView, TenantViewSet

_TAGS: Final = ["webhooks in"]
_BYTES: Final = "application/octet-stream"
_JSON: Final = "application/json"


class ReceiptShown(Serializer):
    """What became of a delivery. state: `waiting`, what it is about is being fetched; `ignored`,
    nothing is; `ping`, it asked whether anybody is there. is_new: false if it came before."""

    id = serializers.IntegerField()
    state = serializers.CharField()
    is_new = serializers.BooleanField()


class ReceiveView(LimitedView):
    """Where sources deliver. No account: a delivery is signed by the webhook's secret."""

    throttle_scope = "delivery"
    is_of_machines = True

    authentication_classes = ()
    permission_classes = (AllowAny,)
    content_negotiation_class = OneForm

    @extend_schema(
        operation_id="webhooks_receive",
        summary="Deliver a webhook of Jira or GitHub",
        tags=_TAGS,
        request=OpenApiTypes.OBJECT,
        responses={202: ReceiptShown},
        examples=[
            OpenApiExample(
                "An item was changed",
                {
                    "webhookEvent": "jira:issue_updated",
                    "issue": {"id": "10001", "fields": {"project": {"id": "10000", "key": "PAY"}}},
                },
                request_only=True,
            ),
            OpenApiExample(
                "Kept", {"id": 815, "state": "waiting", "is_new": True}, response_only=True
            ),
        ],
    )
    def post(self, request: Request, public_id: str) -> Response:
        """Take a delivery that is signed over its raw body by SHA-256 (`X-Hub-Signature` of Jira,
        `X-Hub-Signature-256` of GitHub). What it is about is then fetched from the source; nothing
        that it holds is loaded. One that came before changes nothing. An unknown address and a
        wrong signature are answered alike."""
        body = request._request.read(MOST_BYTES + 1)
        if not body:
            raise malformed("it is empty")
        if (request.content_type or "").partition(";")[0].strip().lower() != _JSON:
            raise Problem(415, "unsupported-media-type", f"Let the source send {_JSON}.")
        if len(body) > MOST_BYTES:
            raise Problem(413, "too-large", f"The body is larger than {MOST_BYTES:,} bytes.")
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            receipt = receive(public_id, headers, body)
        except UnknownWebhookError:
            raise Http404 from None
        except NotJsonError:
            raise malformed("it is no JSON") from None
        kept = receipt.delivery
        told = {"id": kept.pk, "state": kept.state, "is_new": receipt.is_new}
        return Response(ReceiptShown(told).data, status=202)


class DeliveryShown(ModelSerializer):
    """What a source has sent. delivery_id: the source's own, or a digest of the body. run: that
    fetches what it is about, null where none does. state: `waiting`, `taken` by a run, `ignored`
    for a reason, or `ping`."""

    integration = serializers.IntegerField(source="integration_id")
    run = serializers.IntegerField(source="run_id", allow_null=True)
    state = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField())
    body_size = serializers.IntegerField()
    items = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))

    class Meta:
        model = WebhookDelivery
        fields = (
            "id",
            "integration",
            "delivery_id",
            "event",
            "headers",
            "body_size",
            "state",
            "reason",
            "items",
            "run",
            "received_at",
        )
        read_only_fields = fields


_DELIVERY: Final = OpenApiExample(
    "A change",
    {
        "id": 815,
        "integration": 7,
        "delivery_id": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "event": "jira:issue_updated",
        "headers": {"content-type": "application/json"},
        "body_size": 4711,
        "state": "taken",
        "reason": "",
        "items": [{"part": "10000", "id": "10001"}],
        "run": 43,
        "received_at": "2026-01-02T03:04:05Z",
    },
)


class DeliveryFilters(django_filters.FilterSet):
    """What deliveries are filtered by."""

    integration = IntegerFilter(field_name="integration_id")
    run = IntegerFilter(field_name="run_id")
    delivery_id = TextFilter()
    event = TextFilter()
    state = django_filters.ChoiceFilter(choices=WebhookDelivery.State.choices)
    received_after = TimeFilter(field_name="received_at", lookup_expr="gte")
    received_before = TimeFilter(field_name="received_at", lookup_expr="lt")

    class Meta:
        model = WebhookDelivery
        fields = ()


@extend_schema(tags=_TAGS)
@extend_schema_view(list=extend_schema(summary="List deliveries of webhooks", examples=[_DELIVERY]))
class DeliveriesViewSet(ListModelMixin, TenantViewSet):
    """What sources have sent, and what became of it. The newest come first."""

    model = WebhookDelivery
    serializer_class = DeliveryShown
    filterset_class = DeliveryFilters
    orderings = {"id": "pk"}
    default_ordering = "-id"

    def rows(self) -> QuerySet[Any]:
        return WebhookDelivery.objects.defer("body")

    @extend_schema(
        summary="Read a delivery of a webhook",
        responses={200: DeliveryShown, 304: None},
        examples=[_DELIVERY],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One delivery without its body."""
        return tagged(request, self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Get the body of a delivery", responses={(200, _BYTES): OpenApiTypes.BINARY}
    )
    @action(detail=True, methods=["get"], content_negotiation_class=OneForm)
    def body(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The bytes exactly as they came, to be saved and not to be shown."""
        delivery: WebhookDelivery = self.get_object()
        return exact(body_of(delivery), _BYTES, f"delivery-{delivery.pk}")
