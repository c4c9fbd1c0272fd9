"""What the user is told by e-mail of the tenant in scope: `/admin/my-notices/`."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from common.errors import UsageError
from notices.admin.forms import SubscriptionForm
from notices.subscriptions import events_of, subscribe
from tenants.permissions import access_of


def my_notices(request: HttpRequest) -> HttpResponse:
    """Show and save which events the user is told of."""
    access = access_of(request)
    if access is None:
        raise PermissionDenied
    if access.current is None:
        messages.info(request, "Choose a tenant first: its notices are shown then.")
        return HttpResponseRedirect(reverse("admin:index"))
    user: Any = request.user
    chosen = events_of(access.current, user)
    form = SubscriptionForm(request.POST or None, initial={"events": chosen})
    if request.method == "POST":
        form = SubscriptionForm(request.POST)
        if form.is_valid() and _saved(request, form):
            return HttpResponseRedirect(reverse("admin:my_notices"))
    context = {
        **admin.site.each_context(request),
        "title": "Notices by e-mail",
        "form": form,
        "lead": f"What you are told of {access.current.name}; each tenant has its own choice.",
        "submit": "Save",
        "address": user.email,
        "is_on": settings.MAIL_IS_ON,
    }
    request.current_app = admin.site.name
    return TemplateResponse(request, "notices/my_notices.html", context)


def _saved(request: HttpRequest, form: SubscriptionForm) -> bool:
    access = access_of(request)
    assert access is not None and access.current is not None
    try:
        subscribe(access.current, request.user, form.cleaned_data["events"])
    except UsageError as error:
        form.add_error(None, str(error))
        return False
    messages.success(request, "Your choice is saved.")
    return True


def notice_urls(site: AdminSite) -> list[URLPattern]:
    """Return the addresses below those of the admin site."""
    return [path("my-notices/", site.admin_view(my_notices), name="my_notices")]
