"""What the pages of an integration ask and do: test, discover, logo, activate and deactivate.

Mixed into its admin, which checks who may; a foreign integration is answered like a missing one.
"""

import json
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Final

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from common.errors import PipelineError, UsageError
from common.images import MAX_BYTES
from integrations import logos
from integrations.activation import set_active
from integrations.checking import Trial, discover, keep_health, steps, unsaved
from integrations.contract import Check
from integrations.forms import IntegrationForm
from integrations.glances import glances_at
from integrations.integration_pages import tenant_in_scope
from integrations.models import Integration
from integrations.registry import connectors
from tenants.models import Tenant
from tenants.permissions import Capability
from tenants.scope import tenant_scope

if TYPE_CHECKING:
    from tenants.admin import TenantModelAdmin as _Base
else:
    _Base = object

_LINES: Final = "application/x-ndjson"


class IntegrationViews(_Base):
    """Views beside those of every admin."""

    # ---- who, and of what

    def _editable(self, request: HttpRequest, object_id: int) -> Integration:
        """Return the integration; raise Http404 for one that is not to be seen, as for none."""
        row: Integration = self.object_or_404(request, str(object_id))
        if not self.has_change_permission(request, row):
            raise PermissionDenied
        return row

    def _tenant(self, request: HttpRequest) -> Tenant:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return tenant_in_scope()

    # ---- test

    def test_new(self, request: HttpRequest) -> HttpResponseBase:
        """Test the values of a form for an integration that is not there yet."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return _tested(request, self._tenant(request), None)

    def test(self, request: HttpRequest, object_id: int) -> HttpResponseBase:
        """Test the values of an integration's form, saved or not."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self._editable(request, object_id)
        with tenant_scope(row.tenant_id):
            return _tested(request, row.tenant, row)

    # ---- discovery

    def discover_new(self, request: HttpRequest) -> HttpResponse:
        """Answer with what a source has to choose from, asked by the values of a form."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        return _discovered(request, self._tenant(request), None)

    def discover(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Answer with what an integration's source has to choose from."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self._editable(request, object_id)
        with tenant_scope(row.tenant_id):
            return _discovered(request, row.tenant, row)

    # ---- logo

    def logo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Serve the logo; keep an uploaded one, or remove it."""
        if request.method == "POST":
            row = self._editable(request, object_id)
            with tenant_scope(row.tenant_id):
                _change_logo(request, row)
            return _back(row)
        row = self.object_or_404(request, str(object_id))
        with tenant_scope(row.tenant_id):
            image = logos.logo_of(row)
        if image is None:
            raise Http404
        response = HttpResponse(image, content_type="image/png")
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = "default-src 'none'; sandbox"
        response["Cache-Control"] = "private, max-age=86400"
        return response

    # ---- activate and deactivate

    def active(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """Ask what deactivating stops, then do it; activate at once."""
        row = self._editable(request, object_id)
        with tenant_scope(row.tenant_id):
            if request.method == "POST":
                return self._set_active(request, row)
            context = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "original": row,
                "title": f"Deactivate {row.name}?",
                "integration": row,
                "glance": glances_at([row.pk], is_counted=True)[row.pk],
                "may_run": self._may(request, Capability.RUN),
            }
            return TemplateResponse(request, "integrations/deactivate.html", context).render()

    def _set_active(self, request: HttpRequest, row: Integration) -> HttpResponse:
        is_active = request.POST.get("active") == "yes"
        if set_active(row, is_active):
            done = "activated" if is_active else "deactivated"
            self.log_change(request, row, f"The integration was {done}.")
            following = (
                "It can be run again."
                if is_active
                else "Nothing more is fetched; what is loaded stays."
            )
            messages.success(request, f"{row.name} is {done}. {following}")
        return _back(row)


def _back(row: Integration) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:integrations_integration_change", args=(row.pk,)))


def _change_logo(request: HttpRequest, row: Integration) -> None:
    if request.POST.get("remove"):
        logos.remove_logo(row)
        messages.success(request, "The logo is removed.")
        return
    given = request.FILES.get("logo")
    if given is None:
        messages.error(request, "No file was chosen. Choose a PNG, JPEG, WebP or GIF picture.")
        return
    try:
        # One byte more than is taken says that it is too large, without reading all of it.
        logos.keep_logo(row, given.read(MAX_BYTES + 1))
    except UsageError as error:
        messages.error(request, str(error))
        return
    messages.success(request, "The logo is saved.")


# ---- trials


def _trial(request: HttpRequest, tenant: Tenant, row: Integration | None) -> Trial | dict[str, Any]:
    """Return a look at the source by the posted values, or what is wrong with them, by field."""
    connector = connectors().get(row.provider if row else request.POST.get("provider", ""))
    if connector is None:
        return {"form": ["Choose a provider first."]}
    form = IntegrationForm(connector, row, request.POST, is_trial=True)
    if form.is_valid():
        try:
            return unsaved(tenant, row, form.connection())
        except UsageError as error:
            form.refuse(error)
    return {
        "form" if name == "__all__" else name: [str(each) for each in errors]
        for name, errors in form.errors.items()
    }


def _tested(request: HttpRequest, tenant: Tenant, row: Integration | None) -> HttpResponseBase:
    """Answer with a line of JSON for each step of a test as it is done, and one at the end."""
    trial = _trial(request, tenant, row)
    if isinstance(trial, dict):
        return JsonResponse({"errors": trial}, status=422)
    lines = _lines(trial, row)
    content = _one_by_one(lines, tenant.pk)
    response = StreamingHttpResponse(
        _elsewhere(content) if isinstance(request, ASGIRequest) else content, content_type=_LINES
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def _lines(trial: Trial, row: Integration | None) -> Iterator[str]:
    found: list[Check] = []
    for each in steps(trial):
        found.append(each)
        yield _line(
            step=each.step,
            request=each.request,
            ok=each.is_ok,
            detail=each.detail,
            remedy=each.remedy,
        )
    is_ok = all(each.is_ok for each in found)
    if row is not None and trial.is_saved:
        keep_health(row, found)
    yield _line(
        done=True, ok=is_ok, saved=trial.is_saved, at=timezone.localtime().strftime("%H:%M")
    )


def _line(**told: Any) -> str:
    return json.dumps(told) + "\n"


def _one_by_one(lines: Iterator[str], tenant_id: int) -> Iterator[str]:
    """Give lines, each made in the tenant's scope: that of the request has ended by then."""
    while True:
        with tenant_scope(tenant_id):
            line = next(lines, None)
        if line is None:
            return
        yield line


async def _elsewhere(lines: Iterator[str]) -> AsyncIterator[str]:
    """Give lines that are made in the request's thread, so that no other request waits."""
    following = sync_to_async(lambda: next(lines, None))
    while (line := await following()) is not None:
        yield line


def _discovered(request: HttpRequest, tenant: Tenant, row: Integration | None) -> HttpResponse:
    trial = _trial(request, tenant, row)
    if isinstance(trial, dict):
        return JsonResponse({"errors": trial}, status=422)
    try:
        finds = discover(trial, request.POST.get("picks", ""), request.POST.get("search", ""))
    except PipelineError as error:
        return JsonResponse({"error": str(error)}, status=502)
    return JsonResponse(
        {
            "found": [
                {
                    "value": each.value,
                    "name": each.name,
                    "detail": each.detail,
                    "marks": list(each.marks),
                }
                for each in finds.found
            ],
            "is_all": finds.is_all,
        },
        headers={"Cache-Control": "no-store"},
    )
