"""Rules for types."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from mappings.admin.base import MappingAdmin
from mappings.models import WitMapping
from mappings.rules import fold
from mappings.services import save_type_rule
from tenants.admin import TenantForm


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
