"""How the user likes to see things: `/admin/preferences/`, and the theme in the user menu."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from tenants.forms import PreferencesForm
from tenants.models import Preferences, Theme
from tenants.permissions import access_of


def edit_preferences(request: HttpRequest) -> HttpResponse:
    """Show and save the user's own preferences."""
    access = access_of(request)
    if access is None:
        raise PermissionDenied
    instance = Preferences.objects.filter(user=access.user_id).first()
    form = PreferencesForm(
        request.POST or None,
        instance=instance or Preferences(user_id=access.user_id),
        tenants=access.tenants,
    )
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Your preferences are saved.")
        return HttpResponseRedirect(reverse("admin:preferences"))
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Preferences",
        "form": form,
        "lead": "They are yours, on every device, in every tenant.",
        "submit": "Save",
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "tenants/form_page.html", context)


def set_theme(request: HttpRequest) -> HttpResponse:
    """Keep the posted theme and go back to the page it was chosen on."""
    access = access_of(request)
    if access is None:
        raise PermissionDenied
    theme = request.POST.get("theme", "")
    if theme not in Theme.values:
        raise BadRequest("there is no such theme")
    Preferences.objects.update_or_create(user_id=access.user_id, defaults={"theme": theme})
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = reverse("admin:index")
    return HttpResponseRedirect(target)
