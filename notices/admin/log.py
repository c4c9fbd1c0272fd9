"""What was told, and what became of it: notices and their deliveries in the admin."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from common.errors import UsageError
from notices.endpoints import send_again
from notices.models import Delivery, Notice
from notices.sending import body_of
from notices.wording import title_of
from tenants.admin import LoadedModelAdmin, shortened, tag
from tenants.permissions import Capability
from tenants.scope import tenant_scope

_TONES = {"waiting": "busy", "delivered": "good", "given_up": "bad"}
_EMPTY = "They come when something is to be told: with the end of the next run."


@admin.register(Delivery)
class DeliveryAdmin(LoadedModelAdmin):
    """Notices on their way to webhooks, and by e-mail."""

    list_display = ("title", "to", "shown_state", "attempts", "last", "created_at")
    list_filter = ("state", "notice__event", "endpoint")
    list_select_related = ("notice", "endpoint", "user")
    linked_filters = ("notice", "notice_id")
    key_search = ("message_id",)
    ordering = ("-id",)
    sortable_by = ()
    empty_text = _EMPTY

    @admin.display(description="Notice")
    def title(self, row: Delivery) -> str:
        return shortened(title_of(row.notice), 70)

    @admin.display(description="To")
    def to(self, row: Delivery) -> str:
        return receiver_of(row)

    @admin.display(description="State")
    def shown_state(self, row: Delivery) -> str:
        return tag(*state_of(row))

    @admin.display(description="Last attempt")
    def last(self, row: Delivery) -> str:
        return shortened(row.error, 60) or (f"Answered {row.status}" if row.status else "–")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.again_view)
        own = path("<int:object_id>/again/", view, name="notices_delivery_again")
        return [own, *super().get_urls()]

    def again_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Put a delivery on its way once more."""
        row: Delivery = self.object_or_404(request, str(object_id))
        if not self._may(request, Capability.EDIT_INTEGRATIONS):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            with tenant_scope(row.tenant_id):
                send_again(row)
        except UsageError as error:
            messages.error(request, f"It was not sent again: {error}.")
        else:
            messages.success(request, "It is on its way again; look here in a moment.")
        return HttpResponseRedirect(reverse("admin:notices_delivery_change", args=(row.pk,)))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row: Delivery = self.object_or_404(request, object_id)
        text, tone = state_of(row)
        with tenant_scope(row.tenant_id):
            tries = list(row.tries.order_by("-number"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": title_of(row.notice),
            "delivery": row,
            "to": receiver_of(row),
            "state": {"text": text, "tone": tone},
            "tries": tries,
            "body": body_of(row.notice).decode() if row.endpoint_id else "",
            "may_send": self._may(request, Capability.EDIT_INTEGRATIONS),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "notices/delivery.html", context)


@admin.register(Notice)
class NoticeAdmin(LoadedModelAdmin):
    """What was told, whether or not anybody had asked for it."""

    list_display = ("title", "event", "occurred_at", "log")
    list_filter = ("event",)
    linked_filters = ("integration_id",)
    key_search = ("key",)
    ordering = ("-id",)
    sortable_by = ()
    empty_text = _EMPTY
    fields = ("title", "event", "occurred_at", "key", "shown_payload", "log")
    readonly_fields = ("title", "shown_payload", "log")

    @admin.display(description="Notice")
    def title(self, row: Notice) -> str:
        return shortened(title_of(row), 90)

    @admin.display(description="What is told")
    def shown_payload(self, row: Notice) -> str:
        text = json.dumps(row.payload, indent=2, ensure_ascii=False, sort_keys=True)
        return format_html('<pre class="etl-pre">{}</pre>', text)

    @admin.display(description="Deliveries")
    def log(self, row: Notice) -> str:
        address = reverse("admin:notices_delivery_changelist")
        return format_html('<a class="etl-link" href="{}?notice={}">Show</a>', address, row.pk)


def receiver_of(row: Delivery) -> str:
    """Return whom a delivery is for."""
    if row.endpoint is not None:
        return row.endpoint.name
    return f"{row.user} by e-mail"


def state_of(row: Delivery) -> tuple[str, str]:
    """Return the state of a delivery in words, and its tone."""
    if row.state == Delivery.State.WAITING and row.attempts:
        return "To be tried again", "warning"
    return row.get_state_display(), _TONES[row.state]
