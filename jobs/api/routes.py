"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern, path

from jobs.api.jobs import JobsViewSet
from jobs.api.raw_push import PushableRawPagesViewSet
from jobs.api.runs import RunsViewSet
from jobs.api.schedules import IntegrationScheduleViewSet
from jobs.api.starts import IntegrationRunsViewSet, RetransformView
from jobs.api.state import HealthView, QueueView, WorkersView
from jobs.api.steps import DeadStepsViewSet, StepsViewSet
from jobs.api.webhooks_in import DeliveriesViewSet, ReceiveView

VIEW_SETS: Final[list[tuple[str, Any, str]]] = [
    ("raw-pages", PushableRawPagesViewSet, "raw-page"),
    ("jobs", JobsViewSet, "job"),
    ("runs", RunsViewSet, "run"),
    ("steps", StepsViewSet, "step"),
    ("dead-steps", DeadStepsViewSet, "dead-step"),
    ("integrations", IntegrationRunsViewSet, "integration-run"),
    ("integrations", IntegrationScheduleViewSet, "integration-schedule"),
    ("webhook-deliveries", DeliveriesViewSet, "webhook-delivery"),
]
PATHS: Final[list[URLPattern]] = [
    path("retransform/", RetransformView.as_view(), name="retransform"),
    path("queue/", QueueView.as_view(), name="queue"),
    path("workers/", WorkersView.as_view(), name="workers"),
    path("health/", HealthView.as_view(), name="health"),
    path("webhooks/<slug:public_id>/", ReceiveView.as_view(), name="webhook-in"),
]
