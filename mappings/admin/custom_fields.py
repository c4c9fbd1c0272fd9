"""Custom fields: what sources have, how much it is used, and what it is to us."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from integrations.models import Integration
from mappings.admin.base import RuleChangeList, is_tenant_chosen
from mappings.admin.bulk import BulkMappingAdmin
from mappings.admin.confirm import Group
from mappings.admin.field_form import FieldRuleForm
from mappings.book import delete_rows
from mappings.dependants import SHOWN_RULES
from mappings.field_targets import save_field_rule, suggested_target
from mappings.field_use import LOOKED_AT, FieldUse, field_uses
from mappings.models import CustomField, CustomFieldMapping, FieldTarget
from tenants.admin import LoadedModelAdmin, tag
from tenants.permissions import Capability, access_of

_NOTHING: Final = FieldUse()


def may_map(request: HttpRequest) -> bool:
    """Whether the request's user edits rules, in a tenant that is chosen."""
    access = access_of(request)
    may = access is not None and access.may(Capability.EDIT_MAPPINGS)
    return may and is_tenant_chosen(request)


class FieldChangeList(RuleChangeList):
    """A list whose rows know whether their reader may map them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        may = may_map(request)
        for row in self.result_list:
            row.may_map = may


class MappedFilter(admin.SimpleListFilter):
    """By whether a field has a rule, and for what."""

    title = "what it is"
    parameter_name = "is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("mapped", "Mapped"), ("not", "Not mapped"), *FieldTarget.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in dict(self.lookup_choices):
            return queryset
        rules = CustomFieldMapping.objects.filter(
            integration_id=OuterRef("integration_id"), field_source_id=OuterRef("source_id")
        )
        if value in FieldTarget.values:
            rules = rules.filter(target=value)
        return queryset.filter(~Exists(rules) if value == "not" else Exists(rules))


class UsedFilter(admin.SimpleListFilter):
    """By whether work items have values of a field."""

    title = "values"
    parameter_name = "values"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Has values"), ("no", "Has none")] if is_tenant_chosen(request) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        access = access_of(request)
        if self.value() not in ("yes", "no") or access is None or access.current is None:
            return queryset
        ids = list(Integration.objects.values_list("pk", flat=True))
        used: dict[int, list[str]] = {}
        for integration_id, field in field_uses().uses(access.current.pk, ids):
            used.setdefault(integration_id, []).append(field)
        has = Q(pk__in=())
        for integration_id, fields in used.items():
            has |= Q(integration_id=integration_id, source_id__in=fields)
        return queryset.filter(has if self.value() == "yes" else ~has)


@admin.register(CustomField)
class CustomFieldAdmin(LoadedModelAdmin):
    """The custom fields that sources have, each with what it is to us."""

    change_list_template = "mappings/fields_list.html"
    change_form_template = "mappings/fields_source.html"
    list_intro = (
        "The custom fields of your sources. All of them are fetched and kept; say which are story "
        "points, team, sprint or epic link, or a column of your own."
    )
    list_display = ("shown_name", "integration", "value_type", "filled", "examples", "becomes")
    list_display_links = None
    list_filter = ("integration", MappedFilter, UsedFilter)
    linked_filters = ("is", "values")
    list_select_related = ("integration",)
    key_search = ("name", "source_id")
    text_search = ("name",)
    ordering = ("name", "integration", "id")
    sortable_by = ("shown_name", "integration", "value_type")
    fields = ("name", "source_id", "integration", "value_type", "schema")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return FieldChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Serve the list; with no field at all, what to do to get some."""
        context = dict(extra_context or {})
        context["list_links"] = [("Rules", _rules_url("changelist"))]
        if not CustomField.objects.exists():
            context["is_empty"] = True
            context["source"] = Integration.objects.order_by("-is_active", "pk").first()
        return super().changelist_view(request, context)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        field = kwargs.get("obj") or context.get("original")
        if field is not None:
            self.add_uses([field])
            context |= {"field": field, "may_map": may_map(request), "looked_at": LOOKED_AT}
            context |= sample_context(request, field.tenant_id, field, field.rule)
        return super().render_change_form(request, context, *args, **kwargs)

    def add_uses(self, rows: Sequence[Any]) -> None:
        """Put on each row its use and its rule; three queries for all."""
        if not rows:
            return
        ids = {row.integration_id for row in rows}
        uses = field_uses().uses(rows[0].tenant_id, ids)
        rules = CustomFieldMapping.objects.filter(
            integration_id__in=ids, field_source_id__in=[row.source_id for row in rows]
        )
        by_field = {(rule.integration_id, rule.field_source_id): rule for rule in rules}
        for row in rows:
            key = (row.integration_id, row.source_id)
            row.use = uses.get(key, _NOTHING)
            row.rule = by_field.get(key)

    @admin.display(description="Field", ordering="name")
    def shown_name(self, row: Any) -> SafeString:
        return format_html(
            '<span class="cf-together"><a class="etl-link" href="{}"><bdi>{}</bdi></a> '
            '<span class="etl-source">{}</span></span>',
            _field_url(row),
            row.name,
            row.source_id,
        )

    @admin.display(description="Filled")
    def filled(self, row: Any) -> SafeString:
        if not hasattr(row, "use"):
            return format_html('<span class="etl-subtle">{}</span>', "–")
        if not row.use.filled:
            return format_html('<span class="etl-subtle">{}</span>', "no value")
        return format_html(
            '<span class="etl-measure cf-filled" title="{} of the {} work items that changed last">'
            '<span class="etl-bar etl-bar-small"><span style="width:{}%"></span></span>'
            '<span class="etl-number">{}</span></span>',
            f"{row.use.filled:,}",
            f"{row.use.looked_at:,}",
            max(round(100 * row.use.filled / row.use.looked_at), 2),
            _percent(row.use),
        )

    @admin.display(description="Values")
    def examples(self, row: Any) -> SafeString | None:
        if not hasattr(row, "use") or not row.use.examples:
            return None
        values = format_html_join(", ", "<bdi>{}</bdi>", ((each,) for each in row.use.examples))
        return format_html('<span class="cf-together">{}</span>', values)

    @admin.display(description="Is")
    def becomes(self, row: Any) -> SafeString:
        if not hasattr(row, "rule"):
            return format_html('<span class="etl-subtle">{}</span>', "–")
        if row.rule is not None:
            return format_html(
                '<a class="etl-link" href="{}">{}</a>',
                _rules_url("change", row.rule.pk),
                tag(target_of(row.rule), "good" if row.rule.is_active else "plain"),
            )
        if not getattr(row, "may_map", False):
            return format_html('<span class="etl-subtle">{}</span>', "not mapped")
        target = suggested_target(row)
        query = urlencode({"field": row.pk})
        what = f"Map as {target.label.lower()}" if target and row.use.filled else "Map"
        return format_html(
            '<a class="etl-link" href="{}?{}">{}</a>', _rules_url("add"), query, what
        )


def _percent(use: FieldUse) -> str:
    percent = 100 * use.filled / use.looked_at
    return f"{percent:.0f}%" if percent >= 1 else "<1%"


def _rules_url(page: str, *args: Any) -> str:
    return reverse(f"admin:mappings_customfieldmapping_{page}", args=args)


def _field_url(row: Any) -> str:
    return reverse("admin:mappings_customfield_change", args=(row.pk,))


def target_of(rule: CustomFieldMapping) -> str:
    """Return what a rule makes of its field in words."""
    return f"column {rule.column_name}" if rule.column_name else rule.get_target_display()


def sample_context(
    request: HttpRequest, tenant_id: int, field: CustomField, rule: CustomFieldMapping | None
) -> dict[str, Any]:
    """Return what a page shows of the values of a field, and of reading it again."""
    target, column = (rule.target, rule.column_name) if rule else (FieldTarget.COLUMN, "value")
    access = access_of(request)
    sample = field_uses().sample(tenant_id, (field.integration_id, field.source_id), target, column)
    return {
        "sample": sample,
        "sample_rule": rule,
        "sample_integration": field.integration,
        "may_run": access is not None and access.may(Capability.RUN),
        "target": target_of(rule) if rule else "",
    }


@admin.register(CustomFieldMapping)
class CustomFieldMappingAdmin(BulkMappingAdmin):
    """Rules for custom fields."""

    form = FieldRuleForm
    change_form_template = "mappings/fields_rule.html"
    list_intro = "Which custom field is what. Of several that are the same, the lowest order wins."
    list_display = ("rule", "field_name", "shown_target", "integration", "position", "is_active")
    list_filter = ("is_active", "integration", "target")
    list_select_related = ("integration",)
    key_search = ("field_source_id", "column_name")
    ordering = ("integration", "target", "column_name", "position", "id")
    fieldsets = (
        ("Which field", {"fields": ("field",)}),
        ("What it is", {"fields": ("target", "column_name", "position", "is_active")}),
    )

    def list_links(self, request: HttpRequest) -> list[tuple[str, str]]:
        every = ("All custom fields", reverse("admin:mappings_customfield_changelist"))
        return [*super().list_links(request), every]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Let the panel of a form that came filled in say at once what it does."""
        context["is_now"] = "field" in request.GET
        return super().render_change_form(request, context, *args, **kwargs)

    def _response(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        """Go from a rule to the list of the fields, which shows the rules."""
        answer = super()._response(request, obj)
        if isinstance(answer, HttpResponseRedirect) and answer.url == self.page_url("changelist"):
            return HttpResponseRedirect(reverse("admin:mappings_customfield_changelist"))
        return answer

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"is_active": True, "position": 0, **super().get_changeform_initial_data(request)}

    def add_uses(self, rows: Sequence[Any]) -> None:
        """Put on each rule what its field is called."""
        found = CustomField.objects.filter(
            integration_id__in={row.integration_id for row in rows},
            source_id__in={row.field_source_id for row in rows},
        )
        names = {(each.integration_id, each.source_id): each.name for each in found}
        for row in rows:
            row.name = names.get((row.integration_id, row.field_source_id))

    @admin.display(description="Field", ordering="field_source_id")
    def rule(self, row: Any) -> str:
        return str(getattr(row, "name", None) or row.field_source_id)

    @admin.display(description="Id at the source")
    def field_name(self, row: Any) -> SafeString:
        return format_html('<span class="etl-source">{}</span>', row.field_source_id)

    @admin.display(description="Is", ordering="target")
    def shown_target(self, row: CustomFieldMapping) -> SafeString:
        return format_html("<bdi>{}</bdi>", target_of(row))

    def store(self, obj: Any, form: Any, formsets: Sequence[Any]) -> Mapping[int, int]:
        save_field_rule(obj)
        return {}

    def form_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        field = CustomField.objects.filter(
            integration=obj.integration_id, source_id=obj.field_source_id
        ).select_related("integration")
        found = field.first()
        return sample_context(request, obj.tenant_id, found, obj) if found is not None else {}

    def groups_of(self, tenant_id: int, rows: Sequence[Any]) -> list[Group]:
        title = "rule" if len(rows) == 1 else "rules"
        return [Group(title, len(rows), labels=[str(row) for row in rows[:SHOWN_RULES]])]

    def remove(self, tenant_id: int, rows: Sequence[Any], targets: dict[int, str]) -> None:
        delete_rows(CustomFieldMapping, tenant_id, [row.pk for row in rows])

    def set_active(
        self, tenant_id: int, rows: Sequence[Any], is_active: bool, targets: dict[int, str]
    ) -> None:
        chosen = CustomFieldMapping.objects.filter(
            tenant_id=tenant_id, pk__in=[row.pk for row in rows]
        )
        chosen.update(is_active=is_active)
