"""Levels of the tenant's hierarchy, as a ladder."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mappings.admin.bulk import BulkMappingAdmin
from mappings.admin.confirm import Group, Move
from mappings.admin.rule_form import RuleForm
from mappings.book import delete_rows
from mappings.dependants import Dependants, rules_on_levels
from mappings.models import WitHierarchy
from mappings.services import move_to_level


class LevelForm(RuleForm):
    """A level: a number and a name."""

    class Meta:
        help_texts = {
            "level": "Higher levels contain lower ones: 1 epics, 0 stories, −1 sub-tasks.",
        }


@admin.register(WitHierarchy)
class WitHierarchyAdmin(BulkMappingAdmin):
    """Levels of the tenant's hierarchy."""

    form = LevelForm
    thing = "level"
    list_intro = "From the largest undertaking to the smallest task; type rules give a level each."
    list_display = ("rung", "rules", "items", "is_active")
    list_filter = ("is_active",)
    text_search = ("name",)
    ordering = ("-level",)
    fields = ("level", "name")

    @admin.display(description="Level", ordering="level")
    def rung(self, row: WitHierarchy) -> SafeString:
        return format_html(
            '<span class="mp-rung"><b>{}</b> <bdi>{}</bdi></span>', row.level, row.name
        )

    @admin.display(description="Type rules")
    def rules(self, row: Any) -> SafeString:
        if not hasattr(row, "use"):
            return format_html('<span class="etl-subtle">{}</span>', "–")
        if not row.use.count:
            return format_html('<span class="etl-subtle">{}</span>', "none")
        return format_html(
            '<a class="etl-link" href="{}">{}</a>', _rules_link(row.pk), f"{row.use.count:,}"
        )

    @admin.display(description="Items")
    def items(self, row: Any) -> SafeString:
        return format_html(
            '<span class="etl-number">{}</span>',
            f"{row.use.items:,}" if hasattr(row, "use") else "–",
        )

    def add_uses(self, rows: Sequence[Any]) -> None:
        if rows:
            uses = rules_on_levels(rows[0].tenant_id, [row.pk for row in rows])
            for row in rows:
                row.use = uses.get(row.pk, Dependants(0, 0))

    def groups_of(self, tenant_id: int, rows: Sequence[Any]) -> list[Group]:
        uses = rules_on_levels(tenant_id, [row.pk for row in rows])
        return [
            Group(
                f"type rule{'' if use.count == 1 else 's'} on {row}",
                use.count,
                use.items,
                _rules_link(row.pk),
                use.labels,
            )
            for row in rows
            if (use := uses.get(row.pk)) is not None
        ]

    def moves_of(self, tenant_id: int, rows: Sequence[Any]) -> list[Move]:
        uses = rules_on_levels(tenant_id, [row.pk for row in rows])
        others = WitHierarchy.objects.filter(tenant_id=tenant_id, is_active=True)
        choices = [
            (str(row.pk), str(row)) for row in others.exclude(pk__in=[row.pk for row in rows])
        ]
        return [
            Move(
                row.pk,
                f"Move the {uses[row.pk].count:,} rule{'' if uses[row.pk].count == 1 else 's'} "
                f"on {row} to",
                choices,
            )
            for row in rows
            if row.pk in uses
        ]

    def remove(self, tenant_id: int, rows: Sequence[Any], targets: dict[int, str]) -> None:
        self._move(tenant_id, targets)
        delete_rows(WitHierarchy, tenant_id, [row.pk for row in rows])

    def set_active(
        self, tenant_id: int, rows: Sequence[Any], is_active: bool, targets: dict[int, str]
    ) -> None:
        self._move(tenant_id, targets)
        levels = WitHierarchy.objects.filter(pk__in=[row.pk for row in rows])
        levels.update(is_active=is_active)

    def _move(self, tenant_id: int, targets: dict[int, str]) -> None:
        for level_id, chosen in targets.items():
            target = WitHierarchy.objects.get(tenant_id=tenant_id, pk=int(chosen))
            move_to_level(tenant_id, level_id, target)


def _rules_link(level_id: int) -> str:
    page = reverse("admin:mappings_witmapping_changelist")
    return f"{page}?hierarchy__id__exact={level_id}"
