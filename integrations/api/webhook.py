"""The webhook of an integration over the API: made, replaced, ended."""

from typing import Any, Final

from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.models import Integration, Webhook
from integrations.webhooks import end_webhook, make_webhook
from tenants.api.fields import Serializer
from tenants.api.history import note_change
from tenants.scope import tenant_scope

_SHOWN: Final = {
    "is_there": True,
    "url": "https://etl.example.com/api/v1/webhooks/n0tGue55ab1e/",
    "created_at": "2026-01-02T03:04:05Z",
}


class WebhookShown(Serializer):
    """The webhook of an integration. url: what the source is to send to, empty without one."""

    is_there = serializers.BooleanField()
    url = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField(allow_null=True)


class WebhookMade(WebhookShown):
    """A new webhook. secret: what the source is to sign by; it is told this once."""

    secret = serializers.CharField()


class WebhookActions:
    """The actions of a webhook, to be mixed into the view set of integrations."""

    get_object: Any

    @extend_schema(
        summary="Read the webhook of an integration",
        responses=WebhookShown,
        examples=[OpenApiExample("A webhook", _SHOWN)],
    )
    @action(detail=True, methods=["get"], url_path="webhook")
    def webhook(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Whether there is one, and its address. What it was sent is at `webhook-deliveries`."""
        row: Integration = self.get_object()
        return Response(WebhookShown(_told(request, row)).data)

    @extend_schema(
        summary="Make the webhook of an integration",
        request=None,
        responses={201: WebhookMade},
        examples=[
            OpenApiExample(
                "A new webhook", {**_SHOWN, "secret": "told-this-once"}, response_only=True
            )
        ],
    )
    @webhook.mapping.post
    def make_webhook(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make an address and a secret, in place of those that there are. The secret is told this
        once: enter both at the source."""
        row: Integration = self.get_object()
        with tenant_scope(row.tenant_id):
            _, secret = make_webhook(row)
            note_change(request, row, "A webhook was made.")
            told = {**_told(request, row), "secret": secret}
        headers = {"Cache-Control": "no-store"}
        return Response(WebhookMade(told).data, status=201, headers=headers)

    @extend_schema(summary="End the webhook of an integration", request=None, responses={204: None})
    @webhook.mapping.delete
    def end_webhook(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take nothing more at its address. What it was sent stays."""
        row: Integration = self.get_object()
        with tenant_scope(row.tenant_id):
            if end_webhook(row):
                note_change(request, row, "The webhook was ended.")
        return Response(status=204)


def _told(request: Request, row: Integration) -> dict[str, Any]:
    hook = Webhook.objects.filter(integration=row).first()
    if hook is None:
        return {"is_there": False, "url": "", "created_at": None}
    address = reverse("api:webhook-in", args=(hook.public_id,))
    return {
        "is_there": True,
        "url": request.build_absolute_uri(address),
        "created_at": hook.created_at,
    }
