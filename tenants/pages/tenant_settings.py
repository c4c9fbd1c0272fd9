"""The tenant's own page, for its administrators, and its logo."""

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from tenants import logos
from tenants.forms import TenantSettingsForm
from tenants.models import Tenant
from tenants.permissions import Capability, access_of


def tenant_settings(request: HttpRequest) -> HttpResponse:
    """Show and save name, time zone and logo of the tenant in scope."""
    access = access_of(request)
    if access is None or not access.may(Capability.EDIT_TENANT):
        raise PermissionDenied
    if access.current is None:
        messages.info(request, "Choose a tenant first: its settings are shown then.")
        return HttpResponseRedirect(reverse("admin:index"))
    form = TenantSettingsForm(
        request.POST or None,
        request.FILES or None,
        instance=Tenant.objects.get(pk=access.current.pk),
    )
    if request.method == "POST" and form.is_valid():
        _save(form)
        messages.success(request, f"The settings of {form.instance.name} are saved.")
        return HttpResponseRedirect(reverse("admin:tenant_settings"))
    context = {
        **admin.site.each_context(request),
        "title": "Tenant settings",
        "form": form,
        "lead": "What everybody in this tenant shares.",
        "submit": "Save",
        "tenant": access.current,
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "tenants/tenant_settings.html", context)


@transaction.atomic
def _save(form: TenantSettingsForm) -> None:
    """Save the form, and the logo with its digest."""
    png: bytes | None = form.cleaned_data["logo"]
    if png is not None:
        logos.keep(form.instance, png)
    elif form.cleaned_data.get("remove_logo"):
        logos.remove(form.instance)
    form.save()


def tenant_logo(request: HttpRequest, tenant_id: int) -> HttpResponse:
    """Answer with a logo; that of a tenant which the user may not see is like none."""
    access = access_of(request)
    if access is None or not access.may_read_tenant(tenant_id):
        raise Http404
    png = logos.logo_of(tenant_id)
    if png is None:
        raise Http404
    response = HttpResponse(png, content_type="image/png")
    response["Cache-Control"] = "private, max-age=86400"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Disposition"] = 'inline; filename="logo.png"'
    return response
