"""What the sources have: their types and statuses, with the items behind them and their rules."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mappings.admin.base import RuleChangeList
from mappings.models import Status, Wit
from mappings.standings import (
    NOWHERE,
    SourceKey,
    Standing,
    standings_of_statuses,
    standings_of_types,
)
from tenants.admin import LoadedModelAdmin, tag

SHOWN_RULES: Final = 3


class SourceAdmin(LoadedModelAdmin):
    """What a source has. rule_model: lower-case name of the rules for it."""

    rule_model: ClassVar[str]
    change_list_template = "mappings/change_list.html"
    list_filter = ("integration",)
    list_select_related = ("integration",)
    key_search = ("name", "source_id")
    text_search = ("name",)

    def standings(self, rows: Sequence[Any]) -> Mapping[SourceKey, Standing]:
        """Return how each row stands, by integration and source id."""
        raise NotImplementedError

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RuleChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        rules = reverse(f"admin:mappings_{self.rule_model}_changelist")
        links = [("Rules", rules)]
        return super().changelist_view(request, {**(extra_context or {}), "list_links": links})

    def add_uses(self, rows: Sequence[Any]) -> None:
        """Put how it stands on each row."""
        found = self.standings(rows) if rows else {}
        for row in rows:
            row.standing = found.get((row.integration_id, row.source_id), NOWHERE)

    @admin.display(description="Name", ordering="name")
    def shown_name(self, row: Any) -> SafeString:
        other = row.untranslated_name
        if other and other != row.name:
            return format_html('<bdi>{}</bdi> <bdi class="etl-source">{}</bdi>', row.name, other)
        return format_html("<bdi>{}</bdi>", row.name)

    @admin.display(description="Items")
    def items(self, row: Any) -> SafeString:
        shown = f"{row.standing.items:,}" if hasattr(row, "standing") else "–"
        return format_html('<span class="etl-number">{}</span>', shown)

    @admin.display(description="Falls under")
    def rules(self, row: Any) -> SafeString | None:
        if not hasattr(row, "standing"):
            return None
        standing: Standing = row.standing
        if not standing.places:
            return format_html('<span class="etl-subtle">{}</span>', "no work item has it")
        labels = list(standing.rules.items())
        links = format_html_join(
            ", ",
            '<a class="etl-link" href="{}"><bdi>{}</bdi></a>',
            (
                (reverse(f"admin:mappings_{self.rule_model}_change", args=(pk,)), label)
                for pk, label in labels[:SHOWN_RULES]
            ),
        )
        more = f" and {len(labels) - SHOWN_RULES} more" if len(labels) > SHOWN_RULES else ""
        warning: SafeString | str = ""
        if standing.unmapped:
            query = urlencode({"from_name": row.name, "integration": row.integration_id})
            add = f"{reverse(f'admin:mappings_{self.rule_model}_add')}?{query}"
            text = "no rule" if not labels else f"no rule in {standing.unmapped}"
            warning = format_html(
                ' {} <a class="etl-link" href="{}">Add</a>', tag(text, "warning"), add
            )
        return format_html("{}{}{}", links, more, warning)


@admin.register(Wit)
class WitAdmin(SourceAdmin):
    """Types that sources have."""

    rule_model = "witmapping"
    list_intro = "The work item types of your sources, as they name them."
    list_display = ("shown_name", "integration", "level", "is_subtask", "items", "rules")
    ordering = ("name", "integration", "id")
    fields = ("name", "untranslated_name", "integration", "source_id", "level", "is_subtask")

    def standings(self, rows: Sequence[Any]) -> Mapping[SourceKey, Standing]:
        return standings_of_types(rows[0].tenant_id, rows)


@admin.register(Status)
class StatusAdmin(SourceAdmin):
    """Statuses that sources have."""

    rule_model = "statusmapping"
    list_intro = "The statuses of your sources, as they name them; a name may repeat."
    list_display = ("shown_name", "integration", "category", "source_id", "items", "rules")
    list_filter = ("integration", "category")  # type: ignore[assignment]
    ordering = ("name", "integration", "id")
    fields = (
        "name",
        "untranslated_name",
        "integration",
        "source_id",
        "category",
        "project_source_id",
    )

    def standings(self, rows: Sequence[Any]) -> Mapping[SourceKey, Standing]:
        return standings_of_statuses(rows[0].tenant_id, rows)
