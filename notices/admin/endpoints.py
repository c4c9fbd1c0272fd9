"""Webhooks in the admin: made with a secret that is shown once, tested, rotated, switched."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from notices import courier, endpoints
from notices.addresses import origin_of
from notices.admin.forms import EndpointForm
from notices.models import Delivery, Endpoint
from tenants import shown_once
from tenants.admin import TenantModelAdmin, shortened, tag
from tenants.models import Tenant
from tenants.permissions import Capability
from tenants.scope import tenant_scope


@admin.register(Endpoint)
class EndpointAdmin(TenantModelAdmin):
    """Webhooks: where notices of the tenant are sent to."""

    capability = Capability.EDIT_INTEGRATIONS
    form = EndpointForm
    actions = None
    list_display = ("name", "address", "shown_events", "health", "delivered")
    list_filter = ("is_active",)
    sortable_by = ()
    key_search = ("name",)
    empty_text = (
        "A webhook posts to an address of yours what happens here, such as a run that failed."
    )
    change_form_outer_before_template = "notices/endpoint_state.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return ("name", "url", "events", "integration_ids", "is_active")
        return ("name", "address", "shown_events", "is_active")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None or self.has_change_permission(request, obj):
            return ()
        return self.get_fields(request, obj)

    # ---- columns

    @admin.display(description="Address")
    def address(self, row: Endpoint) -> SafeString:
        # The rest may be a secret: who may edit the webhook sees it in the form.
        shown = shortened(origin_of(row.url), 60)
        return format_html('<span class="etl-wrap">{}</span>', shown)

    @admin.display(description="Sends")
    def shown_events(self, row: Endpoint) -> str:
        return ", ".join(row.events) or "–"

    @admin.display(description="State")
    def health(self, row: Endpoint) -> SafeString:
        text, tone = health_of(row)
        return tag(text, tone)

    @admin.display(description="Last delivered")
    def delivered(self, row: Endpoint) -> str:
        return f"{localtime(row.succeeded_at):%-d %b %Y, %H:%M}" if row.succeeded_at else "Never"

    # ---- saving

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        values = endpoints.Values(**form.cleaned_data)
        if change:
            row = Endpoint.objects.select_for_update().get(pk=obj.pk)
            endpoints.change(row, values)
        else:
            row, secret = endpoints.make(Tenant.objects.get(pk=obj.tenant_id), values)
            obj.pk = row.pk
            shown_once.keep(request, row, secret)
        obj.refresh_from_db()

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return _to("secret", obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Count the deliveries that go with a webhook, and name none of them."""
        rows = list(objs)
        log = Delivery.objects.filter(endpoint__in=[row.pk for row in rows]).count()
        counts = {"webhooks": len(rows)} | ({"deliveries": log} if log else {})
        return [str(row) for row in rows], counts, set(), []

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        row = self.get_object(request, object_id) if object_id else None
        shown: dict[str, Any] = {"title": f"Webhook {row}" if row else "Add a webhook"}
        if row is not None:
            text, tone = health_of(row)
            shown |= {
                "endpoint": row,
                "state": {"text": text, "tone": tone},
                "may_edit": self.has_change_permission(request, row),
            }
        return super().changeform_view(
            request, object_id, form_url, {**shown, **(extra_context or {})}
        )

    # ---- what its page does

    def get_urls(self) -> list[URLPattern]:
        named = "notices_endpoint"
        views: dict[str, Callable[..., HttpResponse]] = {
            "test": self.test_view,
            "rotate": self.rotate_view,
            "active": self.active_view,
            "secret": self.secret_view,
        }
        own = [
            path(
                f"<int:object_id>/{name}/", self.admin_site.admin_view(view), name=f"{named}_{name}"
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def _editable(self, request: HttpRequest, object_id: int) -> Endpoint:
        """Return the webhook; raise Http404 for one that is not to be seen, as for none."""
        row: Endpoint = self.object_or_404(request, str(object_id))
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        return row

    def test_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Send a test at once, and show what came of it."""
        row = self._editable(request, object_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        with tenant_scope(row.tenant_id):
            key = endpoints.ping(row).pk
            related = Delivery.objects.select_related("notice", "endpoint", "user")
            courier.deliver_now(related.get(pk=key))
            done = related.get(pk=key)
        if done.state == Delivery.State.DELIVERED:
            messages.success(request, f"{row.name} took the test: it answered {done.status}.")
        elif done.state == Delivery.State.WAITING:
            messages.info(request, "The test is on its way; look here in a moment.")
        else:
            messages.error(request, f"{row.name} did not take the test: {done.error}.")
        return HttpResponseRedirect(reverse("admin:notices_delivery_change", args=(key,)))

    def rotate_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Make another secret, and show it once."""
        row = self._editable(request, object_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        with tenant_scope(row.tenant_id), transaction.atomic():
            row = Endpoint.objects.select_for_update().get(pk=row.pk)
            shown_once.keep(request, row, endpoints.rotate(row))
            self.log_change(request, row, "The secret was rotated.")
        return _to("secret", row)

    def active_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Switch it on or off."""
        row = self._editable(request, object_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        is_active = request.POST.get("active") == "yes"
        with tenant_scope(row.tenant_id), transaction.atomic():
            row = Endpoint.objects.select_for_update().get(pk=row.pk)
            if endpoints.set_active(row, is_active):
                done = "on" if is_active else "off"
                self.log_change(request, row, f"The webhook was switched {done}.")
                messages.success(request, f"{row.name} is switched {done}.")
        return _to("change", row)

    def secret_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Show a secret just made, once."""
        row = self._editable(request, object_id)
        secret = shown_once.take(request, row)
        template, title = "notices/secret.html", f"Secret of {row.name}"
        return shown_once.page(self, request, template, title, endpoint=row, secret=secret)


def health_of(row: Endpoint) -> tuple[str, str]:
    """Return the state of a webhook in words, and its tone."""
    if not row.is_active:
        return ("Switched itself off", "bad") if row.disabled_because else ("Off", "plain")
    if row.failing_since is not None:
        return "Failing", "warning"
    return ("Works", "good") if row.succeeded_at is not None else ("Not used yet", "plain")


def _to(page: str, row: Endpoint) -> HttpResponse:
    return HttpResponseRedirect(reverse(f"admin:notices_endpoint_{page}", args=(row.pk,)))
