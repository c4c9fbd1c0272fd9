"""Filters of the lists of rules; what they offer comes from the tenant in scope."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from mappings.models import StatusMapping, StatusResolution, WitMapping, WitResolution

OFFERED: Final = 200


class TargetFilter(admin.SimpleListFilter):
    """By what the rule makes of things."""

    title = "target"
    parameter_name = "target_is"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = model_admin.model.objects.order_by("target").values_list("target", flat=True)
        return [(target, target) for target in rows.distinct()[:OFFERED]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(target=value)


class UseFilter(admin.SimpleListFilter):
    """By whether anything falls under the rule."""

    title = "use"
    parameter_name = "use"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Something falls under it"), ("no", "Nothing falls under it")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        resolutions = _RESOLUTIONS[queryset.model].objects.filter(mapping_id=OuterRef("pk"))
        used = Exists(resolutions)
        return queryset.filter(used if self.value() == "yes" else ~used)


_RESOLUTIONS: Final[dict[type[Any], Any]] = {
    WitMapping: WitResolution,
    StatusMapping: StatusResolution,
}


class ReachFilter(admin.SimpleListFilter):
    """By whether a rule is for every integration."""

    title = "reach"
    parameter_name = "reach"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("all", "Every integration"), ("one", "One integration"), ("project", "A project")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset.filter(integration=None)
        if self.value() == "one":
            return queryset.exclude(integration=None)
        return queryset.exclude(project_key="") if self.value() == "project" else queryset
