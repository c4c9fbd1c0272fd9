"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern, path

from integrations.api.integrations import IntegrationsViewSet
from integrations.api.providers import ProvidersView, ProviderView
from integrations.api.raw import QuarantineViewSet
from integrations.api.trials import DiscoverNewView, TestNewView

VIEW_SETS: Final[list[tuple[str, Any, str]]] = [
    ("integrations", IntegrationsViewSet, "integration"),
    ("quarantine", QuarantineViewSet, "quarantine"),
]
PATHS: Final[list[URLPattern]] = [
    path("providers/", ProvidersView.as_view(), name="providers"),
    path("providers/<slug:provider>/", ProviderView.as_view(), name="provider"),
    path("providers/<slug:provider>/test/", TestNewView.as_view(), name="provider-test"),
    path(
        "providers/<slug:provider>/discover/", DiscoverNewView.as_view(), name="provider-discover"
    ),
]
