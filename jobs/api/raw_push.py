"""Raw pages over the API: read, and stored for sources that push."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.bodies import refusal
from integrations.api.raw import PAGE, RawPageShown, RawPagesViewSet
from integrations.errors import FieldError
from integrations.models import Integration
from jobs.raw_push import Pushed, push
from tenants.api.fields import Flag, OwnField, Serializer, Text
from tenants.api.idempotency import idempotent
from tenants.permissions import Capability
from tenants.scope import tenant_scope

_BODY: Final = '{"issues": [{"id": "10001", "key": "PAY-1", "fields": {"summary": "…"}}]}'


class PushGiven(Serializer):
    """A page to be stored. body: the text of the page, exactly as the source's API gives it.
    is_lines: each of its lines is an entity, or a page. fetched_at: when the source gave it, now
    where it is left out."""

    integration = OwnField(lambda: Integration.objects.all())
    stream = Text(max_length=64)
    body = Text(trim_whitespace=False)
    is_lines = Flag(default=False)
    fetched_at = serializers.DateTimeField(required=False)


class PushShown(Serializer):
    """A stored page, and the run that loads it; null if the same page was stored before."""

    page = RawPageShown()
    run = serializers.IntegerField(allow_null=True)


class PushableRawPagesViewSet(RawPagesViewSet):
    """Pages exactly as they were received, kept for good. The newest come first."""

    capabilities = {"create": Capability.RUN}

    @extend_schema(
        summary="Store a page for a source that pushes",
        tags=["raw data"],
        request=PushGiven,
        responses={200: PushShown, 202: PushShown},
        examples=[
            OpenApiExample(
                "A page of issues",
                {"integration": 7, "stream": "issues", "body": _BODY},
                request_only=True,
            ),
            OpenApiExample("Stored", {"page": PAGE, "run": 42}, response_only=True),
        ],
    )
    @idempotent
    def create(self, request: Request) -> Response:
        """Store a page, and start the run that loads it (202). The same page of the same stream
        once more is the one that is there: nothing is started (200)."""
        given = PushGiven(data=request.data)
        given.is_valid(raise_exception=True)
        body: dict[str, Any] = given.validated_data
        integration: Integration = body["integration"]
        pushed = Pushed(
            stream=body["stream"],
            body=body["body"].encode(),
            is_lines=body["is_lines"],
            fetched_at=body.get("fetched_at"),
        )
        try:
            with tenant_scope(integration.tenant_id):
                page, run = push(integration, pushed)
        except FieldError as error:
            raise refusal(error) from None
        told = {"page": page, "run": run.pk if run is not None else None}
        return Response(PushShown(told).data, status=200 if run is None else 202)
