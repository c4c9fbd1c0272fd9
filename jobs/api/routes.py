"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern, path

from jobs.api.raw_push import PushableRawPagesViewSet
from jobs.api.webhooks_in import DeliveriesViewSet, ReceiveView

VIEW_SETS: Final[list[tuple[str, Any, str]]] = [
    ("raw-pages", PushableRawPagesViewSet, "raw-page"),
    ("webhook-deliveries", DeliveriesViewSet, "webhook-delivery"),
]
PATHS: Final[list[URLPattern]] = [
    path("webhooks/<str:public_id>/", ReceiveView.as_view(), name="webhook-in"),
]
