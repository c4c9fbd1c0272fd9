"""Sources: integrations, raw pages and what was set aside of them."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html

from integrations.integration_admin import IntegrationAdmin
from integrations.models import QuarantinedRecord, RawPage, WebhookDelivery
from integrations.preview import asked, preview
from tenants.admin import LoadedModelAdmin, shortened, tag

__all__ = ["IntegrationAdmin", "QuarantinedRecordAdmin", "RawPageAdmin", "WebhookDeliveryAdmin"]

DELIVERY_TONES = {"waiting": "busy", "taken": "good", "ignored": "plain", "ping": "plain"}
SEVERITY_TONES = {"record": "bad", "value": "warning", "note": "plain"}


@admin.register(RawPage)
class RawPageAdmin(LoadedModelAdmin):
    """Raw pages: exactly what was received, shown pretty and never changed."""

    list_display = ("page", "stream", "integration", "shown_url", "size", "fetched_at")
    list_filter = ("integration",)
    linked_filters = ("run_id", "stream")
    list_select_related = ("integration",)
    key_search = ("stream", "url")
    ordering = ("-id",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("body")

    @admin.display(description="Page")
    def page(self, row: RawPage) -> str:
        return f"Page {row.pk}"

    @admin.display(description="Address")
    def shown_url(self, row: RawPage) -> str:
        return format_html('<span class="etl-wrap">{}</span>', shortened(row.url, 70))

    @admin.display(description="Size")
    def size(self, row: RawPage) -> str:
        return filesizeformat(row.body_size)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        page: RawPage = self.object_or_404(request, object_id)
        asks = request.GET
        wanted = asked(asks.get("record", ""), asks.get("of", ""), asks.getlist("path"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": page,
            "title": f"Page {page.pk}",
            "page": page,
            "shown": preview(page, wanted),
            "wanted": wanted,
            "quarantined": page.quarantined.order_by("id")[:20],
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "integrations/raw_page.html", context)


@admin.register(QuarantinedRecord)
class QuarantinedRecordAdmin(LoadedModelAdmin):
    """What was not loaded as it stands, with the reason and a way to its place."""

    list_display = ("reason", "shown_severity", "place", "path", "shown_detail", "integration")
    list_filter = ("severity", "integration")
    linked_filters = ("run_id", "reason", "stream")
    list_select_related = ("integration",)
    key_search = ("reason", "place")
    text_search = ("detail",)
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        "reason",
        "shown_severity",
        "detail",
        "raw_record",
        "place",
        "path",
        "excerpt",
        "stream",
        "integration",
        "run_id",
        "created_at",
    )
    readonly_fields = ("shown_severity", "raw_record")

    @admin.display(description="Severity")
    def shown_severity(self, row: QuarantinedRecord) -> str:
        return tag(row.get_severity_display(), SEVERITY_TONES.get(row.severity, "plain"))

    @admin.display(description="Detail")
    def shown_detail(self, row: QuarantinedRecord) -> str:
        return shortened(row.detail, 60)

    @admin.display(description="Raw record")
    def raw_record(self, row: QuarantinedRecord) -> str:
        if row.raw_page_id is None:
            return "The page is no longer kept."
        url = reverse("admin:integrations_rawpage_change", args=(row.raw_page_id,))
        asked = {"record": row.position} | ({"path": row.path} if row.path else {})
        return format_html(
            '<a class="etl-link" href="{}?{}#place">Page {}, record {}</a>',
            url,
            urlencode(asked),
            row.raw_page_id,
            row.position,
        )


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(LoadedModelAdmin):
    """What sources have sent to our webhooks, and what became of it."""

    list_display = ("number", "event", "shown_state", "integration", "delivery_id", "received_at")
    list_filter = ("state", "integration")
    linked_filters = ("run_id", "event")
    list_select_related = ("integration",)
    key_search = ("delivery_id",)
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("event", "shown_state"),
        "reason",
        "delivery_id",
        ("integration", "run_id"),
        "items",
        "headers",
        ("body_size", "received_at"),
    )
    readonly_fields = ("shown_state",)
    empty_text = "They come when a source sends something to the webhook of an integration."

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("body")

    @admin.display(description="Delivery")
    def number(self, row: WebhookDelivery) -> str:
        return f"Delivery {row.pk}"

    @admin.display(description="State")
    def shown_state(self, row: WebhookDelivery) -> str:
        return tag(row.get_state_display(), DELIVERY_TONES.get(row.state, "plain"))
