"""What posts of buttons have in common: the row they are about, where they lead, links."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme

from jobs.models import JobRun
from tenants.permissions import Capability, access_of


def found(
    request: HttpRequest,
    model: type[Any],
    key: int,
    capability: Capability = Capability.RUN,
) -> Any:
    """Return a row of the scope, or the answer to a request that is none of a button's."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    access = access_of(request)
    row = model.objects.filter(pk=key).select_related("tenant").first()
    if access is None or row is None:
        raise Http404
    if not access.may(capability):
        raise PermissionDenied
    return row


def linked(text: str, run: JobRun) -> str:
    """Return a message whose {} is a link to a run."""
    address = reverse("admin:jobs_jobrun_change", args=(run.pk,))
    before, _, after = text.partition("{}")
    return format_html('{}<a href="{}">{}</a>{}', before, address, run.pk, after)


def onwards(request: HttpRequest, home: str) -> HttpResponse:
    """Go to the posted `next`, if it is of this site, else to `home`."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = home
    return HttpResponseRedirect(target)
