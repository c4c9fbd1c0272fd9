"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern, path

from tenants.api.me import MeView
from tenants.api.tenants import TenantsViewSet

VIEW_SETS: Final[list[tuple[str, Any, str]]] = [
    ("tenants", TenantsViewSet, "tenant"),
]
PATHS: Final[list[URLPattern]] = [
    path("me/", MeView.as_view(), name="me"),
]
