"""Workflows with their steps."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from mappings.admin.base import MappingAdmin
from mappings.models import Workflow, WorkflowStep
from tenants.admin import TenantInline
from tenants.permissions import Capability


class WorkflowStepInline(TenantInline):
    """The steps of a workflow."""

    capability = Capability.EDIT_MAPPINGS
    model = WorkflowStep
    fields = ("name", "position", "category", "is_commitment_point")


@admin.register(Workflow)
class WorkflowAdmin(MappingAdmin):
    """Workflows with their steps."""

    list_display = ("name", "step_names")
    inlines = (WorkflowStepInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("steps")

    @admin.display(description="Steps")
    def step_names(self, row: Workflow) -> str:
        return " → ".join(step.name for step in row.steps.all() if step.position is not None)
