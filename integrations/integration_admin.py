"""Integrations in the admin: the list, and where the pages of one are."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from integrations.glances import Glance, glances_at
from integrations.integration_pages import (
    HEALTH,
    add_page,
    change_page,
    chosen_of,
    logo_html,
    provider_label,
)
from integrations.integration_views import IntegrationViews
from integrations.models import Integration
from tenants.admin import PreferredChangeList, TenantModelAdmin, shortened, tag
from tenants.permissions import Capability, access_of
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from django.template.response import TemplateResponse


class IntegrationList(PreferredChangeList):
    """The list with a glance at each of its rows."""

    def get_results(self, request: HttpRequest) -> None:
        """Look at all rows of the page at once."""
        super().get_results(request)
        rows = list(self.result_list)
        glances, access = glances_at([row.pk for row in rows]), access_of(request)
        may_run = access is not None and access.may(Capability.RUN)
        for row in rows:
            row.glance, row.may_run = glances[row.pk], may_run
        self.result_list = rows


@admin.register(Integration)
class IntegrationAdmin(IntegrationViews, TenantModelAdmin):
    """Integrations. One is made inactive and not deleted: its rows would stay without an owner."""

    capability = Capability.EDIT_INTEGRATIONS
    can_delete_rows = False
    actions = None
    list_display = (
        "shown_name",
        "chosen",
        "health",
        "last_run",
        "shown_active",
        "run",
    )
    list_filter = ("is_active", "is_healthy")
    key_search = ("name",)
    sortable_by = ()
    change_list_template = "integrations/integration_list.html"

    def may(self, request: HttpRequest, capability: Capability) -> bool:
        """Whether whoever asks may do this now."""
        return self._may(request, capability)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return IntegrationList

    # ---- addresses

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        named = "integrations_integration"
        own = [
            path("test/", view(self.test_new), name=f"{named}_test_new"),
            path("discover/", view(self.discover_new), name=f"{named}_discover_new"),
            path("<int:object_id>/test/", view(self.test), name=f"{named}_test"),
            path("<int:object_id>/discover/", view(self.discover), name=f"{named}_discover"),
            path("<int:object_id>/logo/", view(self.logo), name=f"{named}_logo"),
            path("<int:object_id>/active/", view(self.active), name=f"{named}_active"),
        ]
        return [*own, *super().get_urls()]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Serve our own pages: what is asked depends on the provider."""
        if object_id is None:
            if not self.has_add_permission(request):
                raise PermissionDenied
            return add_page(self, request)
        row: Integration = self.object_or_404(request, object_id)
        if request.method == "POST" and not self.has_change_permission(request, row):
            raise PermissionDenied
        with tenant_scope(row.tenant_id):
            page: TemplateResponse | HttpResponse = change_page(self, request, row)
            return page.render() if hasattr(page, "render") else page

    # ---- columns

    @admin.display(description="Name")
    def shown_name(self, row: Integration) -> SafeString:
        return format_html(
            '<span class="etl-named">{}<span><span class="etl-link etl-strong">{}</span>'
            '<small class="etl-source">{}</small></span></span>',
            logo_html(row),
            row.name,
            provider_label(row),
        )

    @admin.display(description="Fetches")
    def chosen(self, row: Integration) -> str:
        return shortened(chosen_of(row), 60)

    @admin.display(description="Health")
    def health(self, row: Any) -> SafeString:
        text, tone = HEALTH[row.is_healthy]
        return format_html(
            '<span class="etl-stack">{}<small class="etl-source">{}</small></span>',
            tag(text, tone),
            shortened(row.health_message, 60) or _when(row.health_checked_at),
        )

    @admin.display(description="Last run")
    def last_run(self, row: Any) -> SafeString | str:
        glance: Glance = row.glance
        if glance.run_id is None:
            return "Never run"
        return format_html(
            '<span class="etl-stack"><a href="{}">{}</a>'
            '<small class="etl-source">{}</small></span>',
            reverse("admin:jobs_jobrun_change", args=(glance.run_id,)),
            tag(glance.state, glance.tone),
            _when(glance.at) + ("" if glance.is_loaded else ", nothing loaded"),
        )

    @admin.display(description="State")
    def shown_active(self, row: Integration) -> SafeString:
        return tag("Active", "good") if row.is_active else tag("Inactive", "plain")

    @admin.display(description="Run")
    def run(self, row: Any) -> SafeString | str:
        glance: Glance = row.glance
        if glance.is_running:
            address = reverse("admin:jobs_jobrun_change", args=(glance.run_id,))
            return format_html('<a class="etl-link" href="{}">Watch</a>', address)
        if not (row.may_run and row.is_active and row.credentials):
            return "–"
        # The list stands in a form of its own, whose address this button replaces.
        return format_html(
            '<button class="etl-button etl-button-small" type="submit" formmethod="post" '
            'formaction="{}" aria-label="Run {} now">Run now</button>',
            reverse("admin:jobs_run_now", args=(row.pk,)),
            row.name,
        )


def _when(moment: Any) -> str:
    return f"{localtime(moment):%-d %b %Y, %H:%M}" if moment else ""
