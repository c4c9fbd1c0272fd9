"""The pages of one integration: choosing a provider, the form, what is known of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from common.errors import UsageError
from integrations.contract import Connector, SettingField, setting_fields
from integrations.forms import IntegrationForm
from integrations.glances import glances_at
from integrations.models import Integration
from integrations.registry import connectors
from integrations.services import connect
from integrations.starter import add_starter_mappings
from tenants.models import Tenant
from tenants.permissions import Capability
from tenants.scope import current_tenant_id

if TYPE_CHECKING:
    from integrations.integration_admin import IntegrationAdmin

HEALTH: Final = {True: ("Works", "good"), False: ("Broken", "bad"), None: ("Not tested", "plain")}
_HUES: Final = 12
_FIRST_HUE: Final = 10


# ---- what is shown of an integration


def provider_label(row: Integration) -> str:
    """Return what people know the provider by."""
    connector = connectors().get(row.provider)
    return connector.label if connector else f"{row.provider} (not installed)"


def logo_html(row: Integration, size: str = "") -> SafeString:
    """Return the logo, or the initial of the provider where there is none."""
    if row.logo_digest:
        address = reverse("admin:integrations_integration_logo", args=(row.pk,))
        return format_html(
            '<img class="etl-sign {}" src="{}?{}" alt="" loading="lazy">',
            size,
            address,
            row.logo_digest[:8],
        )
    return initial_html(row.provider, provider_label(row), size)


def initial_html(slug: str, label: str, size: str = "") -> SafeString:
    """Return a provider's initial on a colour that its slug alone decides."""
    hue = (_FIRST_HUE - sum(slug.encode())) % _HUES
    return format_html(
        '<span class="etl-sign etl-sign-{} {}" aria-hidden="true">{}</span>', hue, size, label[:1]
    )


def chosen_of(row: Integration) -> str:
    """Return what an integration fetches: the values of its settings that choose from a list."""
    connector = connectors().get(row.provider)
    if connector is None:
        return "–"
    for each in setting_fields(connector.settings_type):
        if each.picks and each.kind == "list":
            names = [name.strip() for name in str(row.settings.get(each.name, "")).split(",")]
            return ", ".join(filter(None, names)) or f"All {each.label.lower()}"
    return "Everything"


@dataclass(frozen=True)
class _Value:
    """A setting as it stands, for those who may not change it."""

    label: str
    value: str


def _values(connector: Connector, row: Integration) -> list[_Value]:
    return [
        _Value(each.label, _shown(each, row.settings.get(each.name, each.default)))
        for each in setting_fields(connector.settings_type)
    ]


def _method_label(connector: Connector | None, row: Integration) -> str:
    labels = {each.slug: each.label for each in connector.auth_methods} if connector else {}
    return labels.get(row.auth_method, row.auth_method)


def _shown(declared: SettingField, value: Any) -> str:
    if declared.kind == "flag":
        return "Yes" if value in (True, "true") else "No"
    return str(value) if value not in (None, "") else "–"


# ---- adding one


def tenant_in_scope() -> Tenant:
    """Return the tenant of the scope; there is one wherever something may be added."""
    tenant_id = current_tenant_id()
    assert tenant_id is not None
    return Tenant.objects.get(pk=tenant_id)


def add_page(model_admin: "IntegrationAdmin", request: HttpRequest) -> HttpResponse:
    """Let a provider be chosen, then ask what it declares, then connect."""
    slug = request.POST.get("provider") or request.GET.get("provider") or ""
    connector = connectors().get(slug)
    if connector is None:
        return _choosing(model_admin, request)
    form = IntegrationForm(connector, None, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        row = _connected(model_admin, request, form)
        if row is not None:
            return _to_page(row)
    return _form_page(model_admin, request, form, None)


def _choosing(model_admin: "IntegrationAdmin", request: HttpRequest) -> HttpResponse:
    found = [
        {
            "connector": connector,
            "logo": initial_html(slug, connector.label, "etl-sign-large"),
        }
        for slug, connector in sorted(connectors().items())
    ]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "Connect a source",
        "providers": found,
    }
    return _page(model_admin, request, "integrations/choose_provider.html", context)


def _connected(
    model_admin: "IntegrationAdmin", request: HttpRequest, form: IntegrationForm
) -> Integration | None:
    """Connect what the form holds, with starter mappings if wanted; None if it is refused."""
    tenant = tenant_in_scope()
    rules = 0
    try:
        with transaction.atomic():
            row, _ = connect(tenant, form.connection(), only_new=True)
            if form.cleaned_data.get("starter"):
                rules = add_starter_mappings(row)
    except UsageError as error:
        form.refuse(error)
        return None
    model_admin.log_addition(request, row, [{"added": {}}])
    told = f" {rules} starter mappings were added." if rules else ""
    following = (
        " Test the connection, then run it." if row.credentials else " Import recordings into it."
    )
    messages.success(request, f"{row.name} is connected.{told}{following}")
    return row


# ---- one that is there


def change_page(
    model_admin: "IntegrationAdmin", request: HttpRequest, row: Integration
) -> HttpResponse:
    """Show an integration; whoever may edit it gets its form, and nobody its credentials."""
    connector = connectors().get(row.provider)
    form = None
    if connector is not None and model_admin.has_change_permission(request, row):
        form = IntegrationForm(connector, row, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid() and _saved(model_admin, request, row, form):
            return _to_page(row)
    return _form_page(model_admin, request, form, row)


def _saved(
    model_admin: "IntegrationAdmin", request: HttpRequest, row: Integration, form: IntegrationForm
) -> bool:
    connection = form.connection()
    before = (row.base_url, dict(row.settings), row.auth_method)
    try:
        saved, _ = connect(row.tenant, connection)
    except UsageError as error:
        form.refuse(error)
        return False
    after = (saved.base_url, dict(saved.settings), saved.auth_method)
    if before == after and not connection.gives_credentials:
        messages.info(request, "Nothing was changed.")
        return True
    model_admin.log_change(request, saved, [{"changed": {"fields": _changed(form, before[1])}}])
    messages.success(request, f"{saved.name} is saved. Test the connection to see that it works.")
    return True


def _changed(form: IntegrationForm, before: dict[str, Any]) -> list[str]:
    """Return the labels of what was changed, for the history; no value of a credential."""
    labels = [
        form.fields[name].label or name
        for name in form.changed_data
        if not name.startswith("credential_")
    ]
    given = any(name.startswith("credential_") for name in form.changed_data)
    return [str(label) for label in labels] + (["Credentials"] if given else [])


def _form_page(
    model_admin: "IntegrationAdmin",
    request: HttpRequest,
    form: IntegrationForm | None,
    row: Integration | None,
) -> HttpResponse:
    connector = form.connector if form else connectors().get(row.provider if row else "")
    context: dict[str, Any] = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": row,
        "title": row.name if row else f"Connect {connector.label if connector else ''}",
        "integration": row,
        "connector": connector,
        "form": form,
        "addresses": _addresses(row),
    }
    if row is not None:
        text, tone = HEALTH[row.is_healthy]
        context |= {
            "logo": logo_html(row, "etl-sign-large"),
            "provider": provider_label(row),
            "chosen": chosen_of(row),
            "health": {"text": text, "tone": tone},
            "glance": glances_at([row.pk], is_counted=True)[row.pk],
            "values": _values(connector, row) if connector and form is None else [],
            "may_edit": model_admin.has_change_permission(request, row),
            "may_run": model_admin.may(request, Capability.RUN),
            "signs_in": _method_label(connector, row),
        }
        is_idle = row.is_active and row.credentials and not context["glance"].is_running
        context["can_run"] = bool(context["may_run"] and connector and is_idle)
    elif connector is not None:
        context["logo"] = initial_html(connector.slug, connector.label, "etl-sign-large")
    return _page(model_admin, request, "integrations/integration.html", context)


def _addresses(row: Integration | None) -> dict[str, str]:
    named = "admin:integrations_integration"
    if row is None:
        return {"test": reverse(f"{named}_test_new"), "discover": reverse(f"{named}_discover_new")}
    key = (row.pk,)
    return {
        "test": reverse(f"{named}_test", args=key),
        "discover": reverse(f"{named}_discover", args=key),
        "logo": reverse(f"{named}_logo", args=key),
        "active": reverse(f"{named}_active", args=key),
        "history": reverse(f"{named}_history", args=key),
    }


def _to_page(row: Integration) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:integrations_integration_change", args=(row.pk,)))


def _page(
    model_admin: "IntegrationAdmin", request: HttpRequest, template: str, context: dict[str, Any]
) -> HttpResponse:
    request.current_app = model_admin.admin_site.name
    return TemplateResponse(request, template, context)
