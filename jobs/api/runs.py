"""Runs over the API: listed, followed, cancelled, retried; their steps and logs."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from jobs.api.run_rows import (
    RUN,
    RUN_EXAMPLE,
    STEP_EXAMPLE,
    LogFilters,
    LogLineShown,
    RunFilters,
    RunShown,
    RunWithProgress,
    StepFilters,
    StepShown,
)
from jobs.control.runs import cancel, pause, resume, retry_failed
from jobs.models import JobRun, QueueEntry, RunLog
from jobs.progress import progress_of
from tenants.api.fields import Serializer
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantViewSet
from tenants.permissions import Capability
from tenants.scope import tenant_scope


class RunChanged(Serializer):
    """A run, and how many of its steps were concerned."""

    run = RunShown()
    steps = serializers.IntegerField()


_CHANGED = OpenApiExample("Three steps", {"run": RUN, "steps": 3}, response_only=True)


@extend_schema(tags=["runs"])
@extend_schema_view(list=extend_schema(summary="List runs", examples=[RUN_EXAMPLE]))
class RunsViewSet(ListModelMixin, TenantViewSet):
    """Runs. The newest come first."""

    model = JobRun
    serializer_class = RunShown
    filterset_class: ClassVar[Any] = RunFilters
    orderings: ClassVar[Any] = {"id": "pk"}
    default_ordering = "-id"
    capabilities = dict.fromkeys(("cancel", "pause", "resume", "retry"), Capability.RUN)

    @extend_schema(summary="Read a run and its progress", responses=RunWithProgress)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A run with counts by stage and stream, rate, and what it waits for."""
        run = self._run()
        with tenant_scope(run.tenant_id):
            progress = progress_of(run)
        context = self.get_serializer_context()
        return Response(RunWithProgress(run, context={**context, "progress": progress}).data)

    @extend_schema(
        summary="List the steps of a run", responses=StepShown(many=True), examples=[STEP_EXAMPLE]
    )
    @action(
        detail=True,
        methods=["get"],
        serializer_class=StepShown,
        filterset_class=StepFilters,
        orderings={"id": "pk"},
        default_ordering="id",
    )
    def steps(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Each step with its state, attempts and reason."""
        return self._listed(QueueEntry.objects.filter(run_id=self._run().pk))

    @extend_schema(summary="Read the log of a run", responses=LogLineShown(many=True))
    @action(
        detail=True,
        methods=["get"],
        serializer_class=LogLineShown,
        filterset_class=LogFilters,
        orderings={"id": "pk"},
        default_ordering="id",
    )
    def log(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The lines of the log, the oldest first."""
        return self._listed(RunLog.objects.filter(run_id=self._run().pk))

    @extend_schema(
        summary="Cancel a run", request=None, responses={202: RunChanged}, examples=[_CHANGED]
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Leave out the steps that wait; those under way end first. What is loaded is kept."""
        return self._asked(cancel)

    @extend_schema(
        summary="Pause a run", request=None, responses={202: RunChanged}, examples=[_CHANGED]
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def pause(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Begin nothing more of it until it is resumed; steps: those under way, which end first."""
        return self._asked(pause)

    @extend_schema(
        summary="Resume a run", request=None, responses={202: RunChanged}, examples=[_CHANGED]
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def resume(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let a paused run go on where it stopped; steps: those that wait."""
        return self._asked(resume)

    @extend_schema(
        summary="Retry the dead steps of a run",
        request=None,
        responses={202: RunChanged},
        examples=[_CHANGED],
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def retry(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Queue every dead step again, with its attempts counted anew; the run goes on."""
        return self._asked(retry_failed)

    def _asked(self, ask: Callable[[JobRun, str], int]) -> Response:
        run = self._run()
        return self._changed(run, ask(run, self.request.user.get_username()))

    def _run(self) -> JobRun:
        run: JobRun = get_object_or_404(self.rows(), pk=self.kwargs["pk"])
        return run

    def _listed(self, rows: QuerySet[Any]) -> Response:
        page = self.paginate_queryset(self.filter_queryset(rows))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    def _changed(self, run: JobRun, count: int) -> Response:
        run.refresh_from_db()
        return Response(RunChanged({"run": run, "steps": count}).data, status=202)
