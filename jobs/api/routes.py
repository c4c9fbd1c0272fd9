"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern

VIEW_SETS: Final[list[tuple[str, Any, str]]] = []
PATHS: Final[list[URLPattern]] = []
