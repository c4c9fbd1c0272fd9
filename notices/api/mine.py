"""What whoever asks is told by e-mail."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from notices.api.endpoints import TAGS
from notices.events import CHOSEN
from notices.subscriptions import events_of, subscribe
from tenants.api.fields import Serializer
from tenants.api.views import ScopedView
from tenants.permissions import Capability


class SubscriptionGiven(Serializer):
    """The events to be told of by e-mail, and no others."""

    events = serializers.ListField(
        child=serializers.ChoiceField(CHOSEN), max_length=2 * len(CHOSEN)
    )


class SubscriptionShown(Serializer):
    """What is told by e-mail. address: where to, empty if you have none. is_on: whether this
    installation sends e-mails at all."""

    events = serializers.ListField(child=serializers.CharField())
    address = serializers.CharField(allow_blank=True)
    is_on = serializers.BooleanField()


_GIVEN = OpenApiExample("Failures", {"events": ["run.failed", "run.recovered"]}, request_only=True)
_SHOWN = OpenApiExample(
    "Failures",
    {"events": ["run.failed", "run.recovered"], "address": "ada@acme.example", "is_on": True},
    response_only=True,
)


class MyNoticesView(ScopedView):
    """One's own e-mails of the tenant."""

    capabilities = {"get": Capability.READ, "put": Capability.READ}

    @extend_schema(
        operation_id="me_notices_retrieve",
        summary="Read what I am told by e-mail",
        responses=SubscriptionShown,
        examples=[_SHOWN],
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        """Tell which events of this tenant you are told of, and at which address."""
        return self._shown(request, events_of(self.tenant, request.user))

    @extend_schema(
        operation_id="me_notices_update",
        summary="Choose what I am told by e-mail",
        request=SubscriptionGiven,
        responses=SubscriptionShown,
        examples=[_GIVEN, _SHOWN],
        tags=TAGS,
    )
    def put(self, request: Request) -> Response:
        """Be told of these events of this tenant, and of no others."""
        given = SubscriptionGiven(data=request.data)
        given.is_valid(raise_exception=True)
        chosen = subscribe(self.tenant, request.user, given.validated_data["events"])
        return self._shown(request, chosen)

    def _shown(self, request: Request, events: list[str]) -> Response:
        user: Any = request.user
        told = {"events": events, "address": user.email, "is_on": settings.MAIL_IS_ON}
        return Response(SubscriptionShown(told).data)
