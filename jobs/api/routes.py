"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern

from jobs.api.raw_push import PushableRawPagesViewSet

VIEW_SETS: Final[list[tuple[str, Any, str]]] = [
    ("raw-pages", PushableRawPagesViewSet, "raw-page"),
]
PATHS: Final[list[URLPattern]] = []
