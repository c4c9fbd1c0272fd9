"""Mappings: the tenant's rules, and what they are rules about."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from mappings.models import StatusMapping, WitHierarchy, WitMapping, Workflow, WorkflowStep
from mappings.rules import fold
from mappings.services import save_status_rule, save_type_rule
from tenants.admin import TenantForm, TenantInline, TenantModelAdmin, tag
from tenants.permissions import Capability

CATEGORY_TONES = {
    "to_do": "plain",
    "in_progress": "busy",
    "waiting": "warning",
    "done": "good",
    "discarded": "plain",
}


class TypeRuleForm(TenantForm):
    """A type rule matches by a name or by a level, never by both."""

    class Meta:
        help_texts = {
            "from_name": "Name of the type at the source; capitals and spaces do not matter.",
            "from_level": "Instead of a name: the level that the source itself gives the type.",
            "integration": "Empty: the rule holds for every integration.",
            "project_key": "Empty: the rule holds for every project.",
        }

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        values["from_name"] = fold(values.get("from_name") or "")
        if bool(values["from_name"]) == (values.get("from_level") is not None):
            raise ValidationError("Give a name or a source level, and not both.")
        return values


class StatusRuleForm(TenantForm):
    """A status rule matches by a name or by the source's category, never by both."""

    class Meta:
        help_texts = {
            "from_name": "Name of the status at the source; capitals and spaces do not matter.",
            "from_category": "Instead of a name: the source's own category (new, done, …).",
            "integration": "Empty: the rule holds for every integration.",
            "project_key": "Empty: the rule holds for every project.",
            "type_name": "Empty: the rule holds for every type.",
            "step": "Where there is one, it says the category.",
        }

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("from_name", "from_category", "type_name"):
            values[name] = fold(values.get(name) or "")
        if bool(values["from_name"]) == bool(values["from_category"]):
            raise ValidationError("Give a name or a source category, and not both.")
        return values


class MappingAdmin(TenantModelAdmin):
    """Base of the pages of rules. Names are text without limit in the database, yet one line."""

    capability = Capability.EDIT_MAPPINGS
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminTextInputWidget}}

    def say_when(self, request: HttpRequest) -> None:
        """Say from when on a saved rule holds."""
        self.message_user(
            request,
            "The rule holds from the next load of its integration on; "
            "`manage.py retransform` brings one about without fetching.",
            messages.INFO,
        )


@admin.register(WitMapping)
class WitMappingAdmin(MappingAdmin):
    """Rules for types."""

    form = TypeRuleForm
    list_display = ("rule", "target", "hierarchy", "integration", "project_key", "is_active")
    list_filter = ("is_active", "integration", "hierarchy")
    list_select_related = ("integration", "hierarchy")
    key_search = ("from_name", "target")
    ordering = ("from_name", "from_level", "id")
    fieldsets = (
        ("What is matched", {"fields": (("from_name", "from_level"),)}),
        ("Where", {"fields": (("integration", "project_key"),)}),
        ("What it becomes", {"fields": (("target", "hierarchy"), "is_active")}),
    )

    @admin.display(description="Matches", ordering="from_name")
    def rule(self, row: WitMapping) -> str:
        return row.from_name or f"source level {row.from_level}"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_type_rule(obj)
        self.say_when(request)


@admin.register(StatusMapping)
class StatusMappingAdmin(MappingAdmin):
    """Rules for statuses."""

    form = StatusRuleForm
    list_display = (
        "rule",
        "target",
        "shown_category",
        "step",
        "integration",
        "project_key",
        "is_active",
    )
    list_filter = ("is_active", "category", "integration")
    list_select_related = ("integration", "step")
    key_search = ("from_name", "target")
    ordering = ("from_name", "from_category", "id")
    fieldsets = (
        ("What is matched", {"fields": (("from_name", "from_category"),)}),
        ("Where", {"fields": (("integration", "project_key"), "type_name")}),
        ("What it becomes", {"fields": (("target", "category"), "step", "is_active")}),
    )

    @admin.display(description="Matches", ordering="from_name")
    def rule(self, row: StatusMapping) -> str:
        return row.from_name or f"category “{row.from_category}”"

    @admin.display(description="Category", ordering="category")
    def shown_category(self, row: StatusMapping) -> str:
        return tag(row.get_category_display(), CATEGORY_TONES[row.category])

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        save_status_rule(obj)
        self.say_when(request)


@admin.register(WitHierarchy)
class WitHierarchyAdmin(MappingAdmin):
    """Levels of the tenant's hierarchy."""

    list_display = ("name", "level")
    ordering = ("-level",)


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
