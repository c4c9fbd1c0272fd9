"""Runs started over the API: from a source, and from the raw pages that are kept."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.models import Integration
from jobs.api.run_rows import RUN, RUN_EXAMPLE, RunShown
from jobs.models import JobRun
from jobs.phases import LIVE_MODES
from jobs.retransform import start_retransform
from jobs.sync import start_sync
from tenants.api.fields import Flag, OwnField, Serializer, Text
from tenants.api.idempotency import idempotent
from tenants.api.views import ScopedView, TenantViewSet
from tenants.permissions import Capability
from tenants.scope import tenant_scope


class RunGiven(Serializer):
    """How a source is read. since, until: the window of a backfill, which needs since."""

    mode = serializers.ChoiceField(
        choices=[(mode.value, mode.label) for mode in LIVE_MODES],
        default=JobRun.Mode.INCREMENTAL.value,
    )
    since = serializers.DateTimeField(required=False)
    until = serializers.DateTimeField(required=False)


class RetransformGiven(Serializer):
    """Which raw pages are transformed and loaded again: all, or those of an integration and a
    stream; only_set_aside: those of which something is set aside."""

    integration = OwnField(lambda: Integration.objects.all(), required=False)
    stream = Text(required=False, max_length=64)
    only_set_aside = Flag(default=False)


class RunsStarted(Serializer):
    """The runs that were started, one for each integration."""

    runs = RunShown(many=True)


class IntegrationRunsViewSet(TenantViewSet):
    """Starts runs of an integration."""

    model = Integration
    serializer_class = RunShown
    capabilities = {"run": Capability.RUN}

    @extend_schema(
        summary="Start a run of an integration",
        tags=["runs"],
        request=RunGiven,
        responses={202: RunShown},
        examples=[
            OpenApiExample("What changed", {"mode": "incremental"}, request_only=True),
            OpenApiExample(
                "A window",
                {"mode": "backfill", "since": "2025-01-01T00:00:00Z"},
                request_only=True,
            ),
            RUN_EXAMPLE,
        ],
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def run(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Fetch from the source. 409 while another run of it goes on, which is named."""
        integration: Integration = self.get_object()
        given = RunGiven(data=request.data)
        given.is_valid(raise_exception=True)
        body: dict[str, Any] = given.validated_data
        with tenant_scope(integration.tenant_id):
            run = start_sync(
                integration,
                JobRun.Mode(body["mode"]),
                since=body.get("since"),
                until=body.get("until"),
            )
        return Response(RunShown(run).data, status=202)


_STARTED: Final = {**RUN, "mode": "retransform", "state": "running", "finished_at": None}


class RetransformView(ScopedView):
    """Starts transform and load of raw pages that are kept."""

    capabilities = {"post": Capability.RUN}

    @extend_schema(
        summary="Transform and load raw pages again",
        tags=["runs"],
        request=RetransformGiven,
        responses={202: RunsStarted},
        examples=[
            OpenApiExample("One stream", {"integration": 7, "stream": "issues"}, request_only=True),
            OpenApiExample(
                "Started",
                {"runs": [{**_STARTED, "duration_seconds": None}]},
                response_only=True,
            ),
        ],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Nothing is fetched. 409 if there is no page of that choice."""
        given = RetransformGiven(data=request.data)
        given.is_valid(raise_exception=True)
        body: dict[str, Any] = given.validated_data
        chosen: Integration | None = body.get("integration")
        runs = start_retransform(
            self.tenant if chosen is None else chosen.tenant,
            chosen.name if chosen is not None else None,
            body.get("stream"),
            only_set_aside=body["only_set_aside"],
        )
        return Response(RunsStarted({"runs": runs}).data, status=202)
