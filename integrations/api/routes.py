"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern, path

from integrations.api.providers import ProvidersView, ProviderView

VIEW_SETS: Final[list[tuple[str, Any, str]]] = []
PATHS: Final[list[URLPattern]] = [
    path("providers/", ProvidersView.as_view(), name="providers"),
    path("providers/<slug:provider>/", ProviderView.as_view(), name="provider"),
]
