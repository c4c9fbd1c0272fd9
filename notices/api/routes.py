"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern, path

from notices.api.endpoints import EndpointsViewSet
from notices.api.log import DeliveriesViewSet, NoticesViewSet
from notices.api.mine import MyNoticesView

VIEW_SETS: Final[list[tuple[str, Any, str]]] = [
    ("webhook-endpoints", EndpointsViewSet, "webhook-endpoint"),
    ("notices", NoticesViewSet, "notice"),
    ("notice-deliveries", DeliveriesViewSet, "notice-delivery"),
]
PATHS: Final[list[URLPattern]] = [
    path("me/notices/", MyNoticesView.as_view(), name="my-notices"),
]
