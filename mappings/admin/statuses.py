"""Rules for statuses."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mappings.admin.base import CATEGORY_TONES
from mappings.admin.bulk_forms import StatusBulkForm
from mappings.admin.filters import ReachFilter, TargetFilter, UseFilter
from mappings.admin.reach import reach_of_status_rule
from mappings.admin.rule_admin import MOST_KNOWN, RuleAdmin
from mappings.admin.rule_form import RuleForm
from mappings.admin.rule_lists import shown_name
from mappings.admin.suggest import (
    project_keys,
    status_categories,
    status_names,
    suggest,
    type_names,
)
from mappings.admin.tryout import StatusTryForm
from mappings.dependants import Use, use_of_status_rules
from mappings.models import Status, StatusMapping, WorkflowStep
from mappings.rules import fold
from mappings.services import make_status_rules_like, save_status_rule
from tenants.admin import tag


class StatusRuleForm(RuleForm):
    """A status rule matches by a name or by the source's category, never by both."""

    folded: ClassVar[tuple[str, ...]] = ("from_name", "from_category", "type_name")

    class Meta:
        labels = {
            "from_name": "Status name",
            "from_category": "or source category",
            "type_name": "Type",
            "project_key": "Project",
            "target": "Becomes",
            "is_active": "Active",
        }
        help_texts = {
            "from_name": "As the source calls it; capitals and spaces do not matter.",
            "from_category": "Instead of a name: the source's own category (new, done, …).",
            "integration": "Empty: the rule holds for every integration.",
            "project_key": "Empty: the rule holds for every project.",
            "type_name": "The source's name of a type; empty: the rule holds for every type.",
            "target": "The status of your own taxonomy.",
            "step": "Where there is one, it says the category.",
            "is_active": "An inactive rule matches nothing.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        suggest(self, "from_name", status_names)
        suggest(self, "from_category", status_categories)
        suggest(self, "project_key", project_keys)
        suggest(self, "type_name", type_names)
        if "category" in self.fields:
            self.fields["category"].required = False
        field: Any = self.fields.get("step")
        if field is not None:
            present = Q(workflow__is_active=True) | Q(pk=self.instance.step_id)
            rows = WorkflowStep.objects.filter(present).select_related("workflow")
            field.queryset = rows.order_by("workflow__name", "workflow_id", "position", "name")
            field.label_from_instance = _step_label

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        if bool(values.get("from_name")) == bool(values.get("from_category")):
            self.add_error("from_name", "Give a name or a source category, and not both.")
        elif other := self._alike(values):
            self.refuse_duplicate(other)
        step = values.get("step")
        if step is not None:
            values["category"] = step.category
        elif not values.get("category") and "category" not in self.errors:
            self.add_error("category", "Choose a category, or a step, which has one.")
        return values

    def _alike(self, values: dict[str, Any]) -> StatusMapping | None:
        rows = StatusMapping.objects.filter(
            integration=values.get("integration"),
            from_name=values["from_name"],
            from_category=values["from_category"],
            type_name=values["type_name"],
        ).exclude(pk=self.instance.pk)
        project = fold(values.get("project_key") or "")
        return next((row for row in rows if fold(row.project_key) == project), None)


def _step_label(step: WorkflowStep) -> str:
    return f"{step.workflow}: {step.name}"


@admin.register(StatusMapping)
class StatusMappingAdmin(RuleAdmin):
    """Rules for statuses."""

    what = "status"
    source_model = "status"
    form = StatusRuleForm
    bulk_form = StatusBulkForm
    try_form = StatusTryForm
    list_intro = "What the statuses of your sources mean, and where they stand in a workflow."
    list_display = (
        "rule",
        "shown_target",
        "shown_category",
        "shown_step",
        "integration",
        "project_key",
        "shown_type",
        "items",
        "is_active",
    )
    list_filter = (
        "is_active",
        "integration",
        ReachFilter,
        TargetFilter,
        "category",
        "step__workflow",
        UseFilter,
    )
    linked_filters = ("target_is", "use", "reach", "step", "step__workflow")
    list_select_related = ("integration", "step__workflow")
    key_search = ("from_name", "target", "project_key")
    text_search = ("from_name", "target")
    ordering = ("from_name", "from_category", "id")
    fieldsets = (
        ("What is matched", {"fields": ("from_name", "from_category")}),
        ("Where", {"fields": ("integration", "project_key", "type_name")}),
        ("What it becomes", {"fields": ("target", "step", "category", "is_active")}),
    )

    @admin.display(description="Matches", ordering="from_name")
    def rule(self, row: StatusMapping) -> SafeString:
        return shown_name(row.from_name, f"category “{row.from_category}”")

    @admin.display(description="Category", ordering="category")
    def shown_category(self, row: StatusMapping) -> SafeString:
        category = row.step.category if row.step else row.category
        label = row.step.get_category_display() if row.step else row.get_category_display()
        return tag(label, CATEGORY_TONES[category])

    @admin.display(description="Step", ordering="step__position")
    def shown_step(self, row: StatusMapping) -> SafeString | None:
        if row.step is None:
            return None
        title = f"{row.step.workflow}: {row.step.name}"
        return format_html('<bdi title="{}">{}</bdi>', title, row.step.name)

    @admin.display(description="Type", ordering="type_name")
    def shown_type(self, row: StatusMapping) -> SafeString | None:
        return format_html("<bdi>{}</bdi>", row.type_name) if row.type_name else None

    def save_rule(self, rule: StatusMapping) -> None:
        save_status_rule(rule)

    def uses_of(self, tenant_id: int, ids: Sequence[int]) -> Mapping[int, Use]:
        return use_of_status_rules(tenant_id, ids)

    def known(self) -> set[tuple[int | None, object]]:
        found: set[tuple[int | None, object]] = set()
        for row in Status.objects.all()[:MOST_KNOWN]:
            keys = (
                ("name", fold(row.name)),
                ("name", fold(row.untranslated_name or "")),
                ("category", fold(row.category or "")),
            )
            found |= {(place, key) for place in (None, row.integration_id) for key in keys}
        return found

    def key_of(self, rule: StatusMapping) -> object:
        return ("name", rule.from_name) if rule.from_name else ("category", rule.from_category)

    def values_of(self, rule: StatusMapping) -> str:
        if rule.step is None:
            return f"{rule.target}, {rule.get_category_display()}"
        return f"{rule.target}, step {rule.step.name} of {rule.step.workflow}"

    def give_like(self, rows: Any, like: StatusMapping) -> None:
        make_status_rules_like(rows, like)

    def form_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        return {"reach": reach_of_status_rule(obj), "tool_url": self.page_url("try")}
