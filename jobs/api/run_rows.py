"""What the API shows of runs, their steps and their logs."""

from typing import Any, Final

import django_filters
from drf_spectacular.utils import OpenApiExample, extend_schema_field
from rest_framework import serializers

from jobs.models import JobRun, QueueEntry, RunLog, Stage
from tenants.api.fields import ModelSerializer, Serializer
from tenants.api.filters import IdsFilter, IntegerFilter, TextFilter, TimeFilter

RUN: Final[dict[str, Any]] = {
    "id": 42,
    "job": 3,
    "integration": 7,
    "trigger": "manual",
    "mode": "incremental",
    "state": "completed",
    "error": "",
    "is_cancelling": False,
    "is_paused": False,
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "started_at": "2026-01-02T03:04:05Z",
    "finished_at": "2026-01-02T03:05:17Z",
    "duration_seconds": 72.0,
}
RUN_EXAMPLE: Final = OpenApiExample("A run", RUN, response_only=True)


class RunShown(ModelSerializer):
    """A run. duration_seconds: null while it goes on."""

    job = serializers.IntegerField(source="job_id")
    integration = serializers.IntegerField(source="integration_id")
    is_cancelling = serializers.SerializerMethodField()
    is_paused = serializers.SerializerMethodField()
    duration_seconds = serializers.SerializerMethodField()

    class Meta:
        model = JobRun
        fields = tuple(RUN)
        read_only_fields = fields

    def get_is_cancelling(self, row: JobRun) -> bool:
        return row.cancel_requested and row.state == JobRun.State.RUNNING

    def get_is_paused(self, row: JobRun) -> bool:
        return row.paused_at is not None and row.state == JobRun.State.RUNNING

    def get_duration_seconds(self, row: JobRun) -> float | None:
        if row.finished_at is None:
            return None
        return round((row.finished_at - row.started_at).total_seconds(), 3)


class StageShown(Serializer):
    """Steps of one stage of one stream by state, and what the done ones did."""

    stage = serializers.ChoiceField(choices=Stage.choices)
    stream = serializers.CharField()
    queued = serializers.IntegerField()
    running = serializers.IntegerField()
    done = serializers.IntegerField()
    dead = serializers.IntegerField()
    cancelled = serializers.IntegerField()
    left_out = serializers.IntegerField()
    records = serializers.IntegerField()
    rows = serializers.IntegerField()
    skipped = serializers.IntegerField()
    quarantined = serializers.IntegerField()


class ProgressShown(Serializer):
    """How far a run is. percent: of its pages; null while it is not known how many there are.
    done: steps that nothing more is to be done about. rate: records a second.
    left_seconds: null while nobody knows. waiting_until: when it goes on if all is put off."""

    stages = StageShown(many=True)
    open = serializers.IntegerField()
    done = serializers.IntegerField()
    dead = serializers.IntegerField()
    records = serializers.IntegerField()
    rows = serializers.IntegerField()
    skipped = serializers.IntegerField()
    quarantined = serializers.IntegerField()
    is_total_known = serializers.BooleanField()
    percent = serializers.IntegerField(allow_null=True)
    run_seconds = serializers.FloatField(source="seconds")
    rate = serializers.FloatField()
    left_seconds = serializers.FloatField(source="seconds_left", allow_null=True)
    waiting_until = serializers.DateTimeField(allow_null=True)
    waiting_for = serializers.CharField()
    requests_left = serializers.IntegerField(allow_null=True)
    budget_resets_at = serializers.DateTimeField(allow_null=True)


class RunWithProgress(RunShown):
    """A run with its progress, which the context holds."""

    progress = serializers.SerializerMethodField()

    class Meta:
        model = JobRun
        fields = (*RunShown.Meta.fields, "progress")
        read_only_fields = fields

    @extend_schema_field(ProgressShown)
    def get_progress(self, _row: JobRun) -> Any:
        return ProgressShown(self.context["progress"]).data


class RunFilters(django_filters.FilterSet):
    """What runs are filtered by."""

    id = IdsFilter(field_name="pk")
    job = IntegerFilter(field_name="job_id")
    integration = IntegerFilter(field_name="integration_id")
    state = django_filters.ChoiceFilter(choices=JobRun.State.choices)
    mode = django_filters.ChoiceFilter(choices=JobRun.Mode.choices)
    trigger = django_filters.ChoiceFilter(choices=JobRun.Trigger.choices)
    started_after = TimeFilter(field_name="started_at", lookup_expr="gte")
    started_before = TimeFilter(field_name="started_at", lookup_expr="lt")

    class Meta:
        model = JobRun
        fields = ()


STEP: Final[dict[str, Any]] = {
    "id": 815,
    "run": 42,
    "integration": 7,
    "stage": "transform",
    "stream": "issues",
    "key": "transform:4711",
    "state": "dead",
    "attempts": 5,
    "error": "PermanentError: the page is no JSON",
    "raw_page": 4711,
    "record_count": 0,
    "row_count": 0,
    "skipped_count": 0,
    "quarantined_count": 0,
    "run_at": "2026-01-02T03:04:05Z",
    "leased_until": None,
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "created_at": "2026-01-02T03:04:05Z",
    "started_at": "2026-01-02T03:04:06Z",
    "finished_at": "2026-01-02T03:04:07Z",
}
STEP_EXAMPLE: Final = OpenApiExample("A dead step", STEP, response_only=True)


class StepShown(ModelSerializer):
    """A step of a run. run_at: when it is due. raw_page: the page that it transforms, null for a
    step of another stage. error: why it is dead, or was put off."""

    run = serializers.IntegerField(source="run_id")
    integration = serializers.IntegerField(source="integration_id")
    raw_page = serializers.SerializerMethodField()

    class Meta:
        model = QueueEntry
        fields = tuple(STEP)
        read_only_fields = fields

    def get_raw_page(self, row: QueueEntry) -> int | None:
        found = row.params.get("raw_page")
        return found if isinstance(found, int) else None


class StepFilters(django_filters.FilterSet):
    """What steps are filtered by."""

    stage = django_filters.ChoiceFilter(choices=Stage.choices)
    stream = TextFilter()
    state = django_filters.ChoiceFilter(choices=QueueEntry.State.choices)

    class Meta:
        model = QueueEntry
        fields = ()


class DeadStepFilters(django_filters.FilterSet):
    """What dead steps are filtered by."""

    run = IntegerFilter(field_name="run_id")
    integration = IntegerFilter(field_name="integration_id")
    stage = django_filters.ChoiceFilter(choices=Stage.choices)
    stream = TextFilter()

    class Meta:
        model = QueueEntry
        fields = ()


class LogLineShown(ModelSerializer):
    """A line of a run's log."""

    class Meta:
        model = RunLog
        fields = ("id", "level", "message", "created_at")
        read_only_fields = fields


class LogFilters(django_filters.FilterSet):
    """What the lines of a log are filtered by."""

    level = django_filters.ChoiceFilter(choices=RunLog.Level.choices)

    class Meta:
        model = RunLog
        fields = ()
