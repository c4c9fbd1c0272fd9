"""Jobs over the API: what is run for each integration, and when."""

from collections.abc import Callable
from typing import Any, Final

import django_filters
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import UsageError
from jobs.agenda import agenda_of
from jobs.clock import database_now
from jobs.models import Job, JobRun
from jobs.planning import plan_of
from jobs.schedule_edits import LONGEST_MINUTES, LONGEST_RETRY_MINUTES, change, held_job
from jobs.slots import checked_cron
from tenants.api.etags import IF_MATCH, etag_of, require_match, tagged
from tenants.api.fields import Flag, IntegerField, ModelSerializer, Serializer, Text
from tenants.api.filters import BooleanFilter, IntegerFilter
from tenants.api.views import TenantViewSet
from tenants.permissions import Capability
from tenants.scope import tenant_scope

_JOB: Final[dict[str, Any]] = {
    "id": 3,
    "integration": 7,
    "schedule": "every 30 minutes",
    "problem": "",
    "interval_minutes": 30,
    "cron": "",
    "time_zone": "Europe/Berlin",
    "catch_up": "once",
    "blackouts": "mon-fri 08:00-18:00",
    "retry_minutes": 15,
    "is_active": True,
    "next_run_at": "2026-01-02T03:30:00Z",
    "last_run": 42,
    "last_run_state": "completed",
}
_EDITED: Final = (
    "interval_minutes",
    "cron",
    "catch_up",
    "blackouts",
    "retry_minutes",
    "is_active",
)
"""What people edit; the rest is of runs."""
_EXAMPLE: Final = OpenApiExample("Every half hour", _JOB, response_only=True)


class JobShown(ModelSerializer):
    """A job. schedule: in words, empty without one; problem: why it cannot be kept. cron and
    blackouts (one a line) are in time_zone, the tenant's."""

    integration = serializers.IntegerField(source="integration_id")
    schedule = serializers.SerializerMethodField()
    problem = serializers.SerializerMethodField()
    time_zone = serializers.CharField(source="tenant.time_zone")
    last_run = serializers.IntegerField(allow_null=True)
    last_run_state = serializers.ChoiceField(choices=JobRun.State.choices, allow_null=True)

    class Meta:
        model = Job
        fields = tuple(_JOB)
        read_only_fields = fields

    def get_schedule(self, row: Job) -> str:
        return _words(row)[0]

    def get_problem(self, row: Job) -> str:
        return _words(row)[1]


def _words(job: Job) -> tuple[str, str]:
    """Return the schedule in words, and why it cannot be kept."""
    try:
        plan = plan_of(job)
    except UsageError as error:
        return "", str(error)
    return plan.slots.words() if plan is not None else "", ""


class ScheduleGiven(Serializer):
    """When an integration is synced by itself; what is left out stays as it is. An interval takes
    the place of a cron expression, and the other way round; null or an empty text is none."""

    interval_minutes = IntegerField(
        required=False, allow_null=True, min_value=1, max_value=LONGEST_MINUTES
    )
    cron = Text(required=False, allow_blank=True, max_length=100)
    catch_up = serializers.ChoiceField(required=False, choices=Job.CatchUp.choices)
    blackouts = Text(required=False, allow_blank=True, max_length=4000)
    retry_minutes = IntegerField(required=False, min_value=0, max_value=LONGEST_RETRY_MINUTES)
    is_active = Flag(required=False)

    def validate_cron(self, value: str) -> str:
        try:
            return checked_cron(value.strip()) if value.strip() else ""
        except UsageError as error:
            raise serializers.ValidationError(str(error)) from None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("interval_minutes") and attrs.get("cron"):
            told = "There is a cron expression, too: give one of them."
            raise serializers.ValidationError({"interval_minutes": [told]})
        if attrs.get("interval_minutes"):
            attrs["cron"] = ""
        elif attrs.get("cron"):
            attrs["interval_minutes"] = None
        return attrs


class NextShown(Serializer):
    """The next runs, if nothing keeps them from starting."""

    next = serializers.ListField(child=serializers.DateTimeField())


class JobFilters(django_filters.FilterSet):
    """What jobs are filtered by."""

    integration = IntegerFilter(field_name="integration_id")
    is_active = BooleanFilter()

    class Meta:
        model = Job
        fields = ()


def job_rows() -> QuerySet[Any]:
    """Return the jobs of the scope with what is shown of them."""
    runs = JobRun.objects.filter(job_id=OuterRef("pk")).order_by("-id")
    rows: QuerySet[Any] = Job.objects.select_related("tenant").annotate(
        last_run=Subquery(runs.values("pk")[:1]),
        last_run_state=Subquery(runs.values("state")[:1]),
    )
    return rows


def scheduled(request: Request, tenant_id: int, hold: Callable[[], Job]) -> Response:
    """Change the schedule of a job as the body says. hold: returns the job, held."""
    given = ScheduleGiven(data=request.data)
    given.is_valid(raise_exception=True)
    with tenant_scope(tenant_id), transaction.atomic():
        held = hold()
        require_match(request, etag_of(JobShown(job_rows().get(pk=held.pk)).data, _EDITED))
        if given.validated_data:
            change(held, given.validated_data)
        return tagged(request, JobShown(job_rows().get(pk=held.pk)).data, edited=_EDITED)


CHANGE_EXAMPLES: Final = [
    OpenApiExample("Every half hour", {"interval_minutes": 30}, request_only=True),
    OpenApiExample("On work days", {"cron": "30 6 * * 1-5"}, request_only=True),
    _EXAMPLE,
]


@extend_schema(tags=["jobs"])
@extend_schema_view(list=extend_schema(summary="List jobs", examples=[_EXAMPLE]))
class JobsViewSet(ListModelMixin, TenantViewSet):
    """What is run for each integration, and when. One comes with its first run or schedule."""

    model = Job
    serializer_class = JobShown
    filterset_class = JobFilters
    capabilities = {"partial_update": Capability.EDIT_INTEGRATIONS}

    def rows(self) -> QuerySet[Any]:
        return job_rows()

    @extend_schema(summary="Read a job", responses={200: JobShown, 304: None}, examples=[_EXAMPLE])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One job with its schedule and its last run."""
        return tagged(request, self.get_serializer(self.get_object()).data, edited=_EDITED)

    @extend_schema(
        summary="Change a schedule",
        request=ScheduleGiven,
        responses={200: JobShown},
        examples=CHANGE_EXAMPLES,
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say when the integration is synced by itself. 409 for a schedule that cannot be kept."""
        job: Job = self.get_object()
        return scheduled(request, job.tenant_id, lambda: held_job(job.integration_id))

    @extend_schema(
        summary="Tell the next runs",
        responses=NextShown,
        examples=[OpenApiExample("Two", {"next": ["2026-01-02T03:30:00Z"]}, response_only=True)],
    )
    @action(detail=True, methods=["get"])
    def next(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """When the next five runs by schedule are to start."""
        job = self.get_object()
        with tenant_scope(job.tenant_id):
            return Response(NextShown({"next": agenda_of(job, database_now())["next"]}).data)
