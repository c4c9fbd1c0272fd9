"""Sources: integrations, raw pages and what was set aside of them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget

from common.errors import UsageError
from integrations.credentials import base_url_needs_secret
from integrations.egress import check_url
from integrations.models import Integration, QuarantinedRecord, RawPage
from integrations.preview import asked, preview
from integrations.registry import connectors
from tenants.admin import LoadedModelAdmin, TenantForm, TenantModelAdmin, shortened, tag
from tenants.permissions import Capability

ADDRESS_IS_KEPT = (
    "Credentials are kept for the present address and must not be sent elsewhere: to change it, "
    "give them anew by `manage.py connect`."
)
HEALTH = {True: ("Works", "good"), False: ("Broken", "bad"), None: ("Not tested", "plain")}
SEVERITY_TONES = {"record": "bad", "value": "warning", "note": "plain"}


class HttpsUrlField(forms.URLField):
    """An address; one without a scheme is taken to be https."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "assume_scheme": "https"})


class IntegrationForm(TenantForm):
    """The provider is one of those that are installed: the registry's list, not the model's."""

    class Meta:
        model = Integration
        field_classes = {"base_url": HttpsUrlField}
        fields = ("name", "provider", "base_url", "settings", "is_active")
        help_texts = {
            "name": "Short and lower case; exports name it in the column `integration`.",
            "settings": "Settings of the provider as JSON, such as "
            '{"story_points_field": "customfield_10024"}.',
        }

    def clean_provider(self) -> str:
        slug: str = self.cleaned_data["provider"]
        if slug not in connectors():
            known = ", ".join(sorted(connectors())) or "none"
            raise ValidationError(f"There is no provider “{slug}”. Installed: {known}.")
        return slug

    def clean_settings(self) -> dict[str, Any]:
        settings = self.cleaned_data["settings"] or {}
        if not isinstance(settings, dict):
            raise ValidationError("Settings are a JSON object.")
        return settings

    def clean_base_url(self) -> str:
        given: str = self.cleaned_data["base_url"]
        if not given:
            return given
        try:
            url = check_url(given)
        except UsageError as error:
            raise ValidationError(str(error)) from None
        if self.instance.credentials and base_url_needs_secret(self.instance.base_url, url):
            raise ValidationError(ADDRESS_IS_KEPT)
        return url

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.credentials and _addresses(cleaned.get("settings") or {}) != _addresses(
            Integration.objects.get(pk=self.instance.pk).settings
        ):
            self.add_error("settings", ADDRESS_IS_KEPT)
        return cleaned


def _addresses(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name.endswith("_url")}


@admin.register(Integration)
class IntegrationAdmin(TenantModelAdmin):
    """Integrations. One is made inactive and not deleted: its rows would stay without an owner."""

    capability = Capability.EDIT_INTEGRATIONS
    can_delete_rows = False
    form = IntegrationForm
    list_display = ("name", "provider_label", "base_url", "health", "is_active", "updated_at")
    list_filter = ("is_active",)
    key_search = ("name",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ("name", "provider", "base_url", "settings", "is_active")
        return (*fields, "signs_in", "health", "health_message") if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("name", "provider", "signs_in", "health", "health_message") if obj else ()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "provider" in form.base_fields:
            choices = [(slug, found.label) for slug, found in sorted(connectors().items())]
            form.base_fields["provider"] = forms.ChoiceField(
                choices=choices, widget=UnfoldAdminSelectWidget
            )
        return form

    @admin.display(description="Provider", ordering="provider")
    def provider_label(self, row: Integration) -> str:
        connector = connectors().get(row.provider)
        return connector.label if connector else f"{row.provider} (not installed)"

    @admin.display(description="Health", ordering="is_healthy")
    def health(self, row: Integration) -> str:
        text, tone = HEALTH[row.is_healthy]
        return tag(text, tone)

    @admin.display(description="Signs in by")
    def signs_in(self, row: Integration) -> str:
        if not row.credentials:
            return "Nothing: it is fed by imports. `manage.py connect` gives it credentials."
        return f"{row.auth_method}; the credentials are sealed and never shown"


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
        return shortened(row.url, 70)

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
        return format_html(
            '<a class="etl-link" href="{}?record={}">Page {}, record {}</a>',
            url,
            row.position,
            row.raw_page_id,
            row.position,
        )
