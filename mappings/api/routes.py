"""Addresses of this room's part of the API."""

from typing import Any, Final

from django.urls import URLPattern, path

from mappings.api.exchange import MappingExportView, MappingImportView
from mappings.api.inbox import InboxAcceptAllView, InboxAcceptView, MappingInboxView
from mappings.api.preview import MappingEditsView, MappingPreviewView
from mappings.api.rule_views import (
    CustomFieldMappingsViewSet,
    StatusMappingsViewSet,
    WitHierarchiesViewSet,
    WitMappingsViewSet,
    WorkflowStepsViewSet,
    WorkflowsViewSet,
)
from mappings.api.sources import CustomFieldsViewSet, StatusesViewSet, WitsViewSet
from mappings.api.versions import MappingVersionsViewSet

VIEW_SETS: Final[list[tuple[str, Any, str]]] = [
    ("wits", WitsViewSet, "wit"),
    ("statuses", StatusesViewSet, "status"),
    ("custom-fields", CustomFieldsViewSet, "custom-field"),
    ("wit-hierarchies", WitHierarchiesViewSet, "wit-hierarchy"),
    ("wit-mappings", WitMappingsViewSet, "wit-mapping"),
    ("status-mappings", StatusMappingsViewSet, "status-mapping"),
    ("workflows", WorkflowsViewSet, "workflow"),
    ("workflow-steps", WorkflowStepsViewSet, "workflow-step"),
    ("custom-field-mappings", CustomFieldMappingsViewSet, "custom-field-mapping"),
    ("mapping-versions", MappingVersionsViewSet, "mapping-version"),
]
PATHS: Final[list[URLPattern]] = [
    path("mapping-preview/", MappingPreviewView.as_view(), name="mapping-preview"),
    path("mapping-edits/", MappingEditsView.as_view(), name="mapping-edits"),
    path("mapping-export/", MappingExportView.as_view(), name="mapping-export"),
    path("mapping-import/", MappingImportView.as_view(), name="mapping-import"),
    path("mapping-inbox/", MappingInboxView.as_view(), name="mapping-inbox"),
    path("mapping-inbox/accept/", InboxAcceptView.as_view(), name="mapping-inbox-accept"),
    path(
        "mapping-inbox/accept-all/",
        InboxAcceptAllView.as_view(),
        name="mapping-inbox-accept-all",
    ),
]
