"""What the pages of type rules and of status rules have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mappings.admin.bulk import DEACTIVATE, BulkMappingAdmin
from mappings.admin.confirm import Group, Move
from mappings.admin.rule_lists import falls_to, links_of_rules, shown_items
from mappings.admin.tryout import answer_tryout
from mappings.book import delete_rows
from mappings.dependants import Use

MOST_KNOWN: Final = 20_000
"""Types or statuses of sources that a list looks at to say what a rule matches."""


class RuleAdmin(BulkMappingAdmin):
    """Pages of rules that match by name. what: type or status; source_model: what sources have."""

    what: ClassVar[str]
    source_model: ClassVar[str]
    try_form: ClassVar[type[Any]]

    intros: ClassVar[Mapping[str, str]] = {
        **BulkMappingAdmin.intros,
        DEACTIVATE: "An inactive rule matches nothing. It can be activated again.",
    }

    def save_rule(self, rule: Any) -> None:
        """Store a rule with its names folded."""
        raise NotImplementedError

    def uses_of(self, tenant_id: int, ids: Sequence[int]) -> Mapping[int, Use]:
        """Return what falls under rules, by their ids."""
        raise NotImplementedError

    def known(self) -> set[tuple[int | None, object]]:
        """Return what sources have that rules can match, as keys of `key_of`, by integration and
        again under None for all of them."""
        raise NotImplementedError

    def key_of(self, rule: Any) -> object:
        """Return what a rule matches."""
        raise NotImplementedError

    def values_of(self, rule: Any) -> str:
        """Return in words what a rule gives, so that rules that give the same say the same."""
        raise NotImplementedError

    def give_like(self, rows: Any, like: Any) -> None:
        """Let rules (a queryset) give what another gives."""
        raise NotImplementedError

    @admin.display(description="Becomes", ordering="target")
    def shown_target(self, row: Any) -> SafeString:
        return format_html("<bdi>{}</bdi>", row.target)

    @admin.display(description="Items")
    def items(self, row: Any) -> SafeString:
        return shown_items(row)

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_try"
        view = self.admin_site.admin_view(self.try_view)
        return [path("try/", view, name=name), *super().get_urls()]

    def try_view(self, request: HttpRequest) -> HttpResponse:
        """Say which rules match a name in a place, in their order."""
        add_url = self.page_url("add") if self.has_add_permission(request) else None
        rules_url = self.page_url("changelist")
        return answer_tryout(request, self.try_form, self.what, rules_url, add_url)

    def list_links(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return the tools above the list."""
        sources = reverse(f"admin:mappings_{self.source_model}_changelist")
        own = [("At the sources", sources), ("Try a name", self.page_url("try"))]
        return [*own, *super().list_links(request)]

    def add_uses(self, rows: Sequence[Any]) -> None:
        if rows:
            uses = self.uses_of(rows[0].tenant_id, [row.pk for row in rows])
            known = self.known()
            for row in rows:
                row.use = uses.get(row.pk)
                row.is_known = (row.integration_id, self.key_of(row)) in known

    def store(self, obj: Any, form: Any, formsets: Sequence[Any]) -> Mapping[int, int]:
        self.save_rule(obj)
        return {}

    def groups_of(self, tenant_id: int, rows: Sequence[Any]) -> list[Group]:
        uses = self.uses_of(tenant_id, [row.pk for row in rows])
        return links_of_rules(rows, uses, self.page_url("changelist"), f"{self.what} rules")

    def moves_of(self, tenant_id: int, rows: Sequence[Any]) -> list[Move]:
        ids = [row.pk for row in rows]
        others = self.model._default_manager.filter(tenant_id=tenant_id).exclude(pk__in=ids)
        alike = others.select_related(*self._related()).order_by("target", "pk")
        return falls_to(
            self.uses_of(tenant_id, ids), [(row.pk, self.values_of(row)) for row in alike]
        )

    def remove(self, tenant_id: int, rows: Sequence[Any], targets: dict[int, str]) -> None:
        """Delete rules, or let them give what another rule gives."""
        if not self._made_alike(tenant_id, rows, targets):
            model: Any = self.model
            delete_rows(model, tenant_id, [row.pk for row in rows])

    def set_active(
        self, tenant_id: int, rows: Sequence[Any], is_active: bool, targets: dict[int, str]
    ) -> None:
        if not self._made_alike(tenant_id, rows, targets):
            self._chosen(tenant_id, rows).update(is_active=is_active)

    def set_values(self, tenant_id: int, rows: Sequence[Any], form: Any) -> None:
        # Read again, for the rows are locked only now: nobody's edit of another column is lost.
        for row in self._chosen(tenant_id, rows).select_related(*self._related()):
            form.set_on(row)
            self.save_rule(row)

    def _made_alike(self, tenant_id: int, rows: Sequence[Any], targets: dict[int, str]) -> bool:
        """Give the rules what another rule gives, if that was chosen instead."""
        if not targets.get(0, "").isdecimal():
            return False
        like = self.model._default_manager.get(tenant_id=tenant_id, pk=int(targets[0]))
        self.give_like(self._chosen(tenant_id, rows), like)
        return True

    def _chosen(self, tenant_id: int, rows: Sequence[Any]) -> Any:
        ids = [row.pk for row in rows]
        return self.model._default_manager.filter(tenant_id=tenant_id, pk__in=ids)

    def _related(self) -> Sequence[str]:
        related = self.list_select_related
        return related if isinstance(related, (list, tuple)) else ()
