"""Runs started and cancelled by a button: `admin:jobs_run_now` and `admin:jobs_run_cancel`."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import reverse
from django.utils.dateparse import parse_date
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme

from common.errors import UsageError
from integrations.models import Integration
from jobs.models import JobRun
from jobs.phases import LIVE_MODES
from jobs.runs import cancel
from jobs.sync import StillRunningError, start_sync
from tenants.models import Tenant
from tenants.permissions import Capability, access_of
from tenants.scope import tenant_scope


def run_now(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Start a run of an integration and go to where the button was, with a link to the run.

    Posted: `mode` (default: incremental); `since` and `until`, days of a backfill in the
    tenant's time zone, the last one not included; `next`, where to go. A foreign integration is
    answered like a missing one.
    """
    row = _found(request, Integration, integration_id)
    if isinstance(row, HttpResponse):
        return row
    home = reverse("admin:integrations_integration_change", args=(row.pk,))
    with tenant_scope(row.tenant_id):
        try:
            mode = _mode(request.POST.get("mode", ""))
            since, until = _window(request, row.tenant, mode)
            run = start_sync(row, mode, since=since, until=until)
        except StillRunningError as error:
            told = _linked("Run {} still goes on, and there is one at a time.", error.run)
            messages.warning(request, told)
        except UsageError as error:
            text = str(error)
            messages.error(request, f"{text[:1].upper()}{text[1:]}.")
        else:
            messages.success(request, _linked(f"Run {{}} of {row.name} is started.", run))
    return _onwards(request, home)


def cancel_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """Cancel a run that goes on; what it has loaded is kept."""
    run = _found(request, JobRun, run_id)
    if isinstance(run, HttpResponse):
        return run
    home = reverse("admin:jobs_jobrun_change", args=(run.pk,))
    with tenant_scope(run.tenant_id):
        if run.state != JobRun.State.RUNNING:
            messages.info(request, _linked("Run {} has ended already.", run))
            return _onwards(request, home)
        count = cancel(run)
    told = f"Run {{}} is cancelled: {count} steps were left out, those under way end first."
    messages.success(request, _linked(told, run))
    return _onwards(request, home)


def _found(request: HttpRequest, model: type[Any], key: int) -> Any:
    """Return a row of the scope, or the answer to a request that is none of a button's."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    access = access_of(request)
    row = model.objects.filter(pk=key).select_related("tenant").first()
    if access is None or row is None:
        raise Http404
    if not access.may(Capability.RUN):
        raise PermissionDenied
    return row


def _mode(text: str) -> JobRun.Mode:
    if not text:
        return JobRun.Mode.INCREMENTAL
    if text not in LIVE_MODES:
        raise UsageError(f"{text[:40]!r} is no mode; there are: {', '.join(LIVE_MODES)}")
    return JobRun.Mode(text)


def _window(
    request: HttpRequest, tenant: Tenant, mode: JobRun.Mode
) -> tuple[datetime | None, datetime | None]:
    """Return from when and until when a backfill goes; the fields of other modes do not count."""
    if mode != JobRun.Mode.BACKFILL:
        return None, None
    zone = ZoneInfo(tenant.time_zone)
    return _day(request, "since", zone), _day(request, "until", zone)


def _day(request: HttpRequest, name: str, zone: ZoneInfo) -> datetime | None:
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None:
        raise UsageError(f"{name} {text[:40]!r} is no day: give one such as 2026-01-31")
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _linked(text: str, run: JobRun) -> str:
    """Return a message whose {} is a link to a run."""
    address = reverse("admin:jobs_jobrun_change", args=(run.pk,))
    before, _, after = text.partition("{}")
    return format_html('{}<a href="{}">{}</a>{}', before, address, run.pk, after)


def _onwards(request: HttpRequest, home: str) -> HttpResponse:
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, request.is_secure()):
        target = home
    return HttpResponseRedirect(target)
