"""Rules for types."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString

from mappings.admin.bulk_forms import TypeBulkForm
from mappings.admin.filters import ReachFilter, TargetFilter, UseFilter
from mappings.admin.reach import reach_of_type_rule
from mappings.admin.rule_admin import MOST_KNOWN, RuleAdmin
from mappings.admin.rule_form import RuleForm
from mappings.admin.rule_lists import shown_name
from mappings.admin.suggest import project_keys, suggest, type_names
from mappings.admin.tryout import TypeTryForm
from mappings.dependants import Use, use_of_type_rules
from mappings.models import Wit, WitHierarchy, WitMapping
from mappings.resolve import type_facts
from mappings.rules import fold
from mappings.services import make_type_rules_like, save_type_rule


class TypeRuleForm(RuleForm):
    """A type rule matches by a name or by a level, never by both."""

    folded: ClassVar[tuple[str, ...]] = ("from_name",)

    class Meta:
        labels = {
            "from_name": "Type name",
            "from_level": "or source level",
            "project_key": "Project",
            "target": "Becomes",
            "hierarchy": "On level",
            "is_active": "Active",
        }
        help_texts = {
            "from_name": "As the source calls it; capitals and spaces do not matter.",
            "from_level": "Instead of a name: the level that the source itself gives the type.",
            "integration": "Empty: the rule holds for every integration.",
            "project_key": "Empty: the rule holds for every project.",
            "target": "The type of your own taxonomy.",
            "is_active": "An inactive rule matches nothing.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        suggest(self, "from_name", type_names)
        suggest(self, "project_key", project_keys)
        field: Any = self.fields.get("hierarchy")
        if field is not None:
            present = Q(is_active=True) | Q(pk=self.instance.hierarchy_id)
            field.queryset = WitHierarchy.objects.filter(present).order_by("-level")

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if bool(values.get("from_name")) == (values.get("from_level") is not None):
            self.add_error("from_name", "Give a name or a source level, and not both.")
        elif other := self._alike(values):
            self.refuse_duplicate(other)
        return values

    def _alike(self, values: dict[str, Any]) -> WitMapping | None:
        rows = WitMapping.objects.filter(
            integration=values.get("integration"),
            from_name=values["from_name"],
            from_level=values.get("from_level"),
        ).exclude(pk=self.instance.pk)
        project = fold(values.get("project_key") or "")
        return next((row for row in rows if fold(row.project_key) == project), None)


@admin.register(WitMapping)
class WitMappingAdmin(RuleAdmin):
    """Rules for types."""

    what = "type"
    source_model = "wit"
    form = TypeRuleForm
    bulk_form = TypeBulkForm
    try_form = TypeTryForm
    list_intro = "What the types of your sources are in your own taxonomy. The narrowest rule wins."
    list_display = (
        "rule",
        "shown_target",
        "hierarchy",
        "integration",
        "project_key",
        "items",
        "is_active",
    )
    list_filter = ("is_active", "integration", ReachFilter, TargetFilter, "hierarchy", UseFilter)
    linked_filters = ("target_is", "use", "reach")
    list_select_related = ("integration", "hierarchy")
    key_search = ("from_name", "target", "project_key")
    text_search = ("from_name", "target")
    ordering = ("from_name", "from_level", "id")
    fieldsets = (
        ("What is matched", {"fields": ("from_name", "from_level")}),
        ("Where", {"fields": ("integration", "project_key")}),
        ("What it becomes", {"fields": ("target", "hierarchy", "is_active")}),
    )

    @admin.display(description="Matches", ordering="from_name")
    def rule(self, row: WitMapping) -> SafeString:
        return shown_name(row.from_name, f"source level {row.from_level}")

    def save_rule(self, rule: WitMapping) -> None:
        save_type_rule(rule)

    def uses_of(self, tenant_id: int, ids: Sequence[int]) -> Mapping[int, Use]:
        return use_of_type_rules(tenant_id, ids)

    def known(self) -> set[tuple[int | None, object]]:
        found: set[tuple[int | None, object]] = set()
        for row in Wit.objects.all()[:MOST_KNOWN]:
            level = type_facts(row.integration_id, None, row).effective_level
            keys = (fold(row.name), fold(row.untranslated_name or ""), level)
            found |= {(place, key) for place in (None, row.integration_id) for key in keys}
        return found

    def key_of(self, rule: WitMapping) -> object:
        return rule.from_name or rule.from_level

    def values_of(self, rule: WitMapping) -> str:
        return f"{rule.target} on {rule.hierarchy}"

    def give_like(self, rows: Any, like: WitMapping) -> None:
        make_type_rules_like(rows, like)

    def form_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        return {"reach": reach_of_type_rule(obj), "tool_url": self.page_url("try")}
