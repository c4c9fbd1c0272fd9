"""Rules for statuses."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from mappings.admin.base import CATEGORY_TONES, MappingAdmin
from mappings.models import StatusMapping
from mappings.rules import fold
from mappings.services import save_status_rule
from tenants.admin import TenantForm, tag


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
