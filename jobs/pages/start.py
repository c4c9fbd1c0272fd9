"""A run started by a button: `admin:jobs_run_now`."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
)
from django.urls import reverse
from django.utils.dateparse import parse_date

from common.errors import UsageError
from integrations.models import Integration
from jobs.models import JobRun
from jobs.pages.posts import found, linked, onwards
from jobs.phases import LIVE_MODES
from jobs.sync import StillRunningError, start_sync
from tenants.models import Tenant
from tenants.scope import tenant_scope


def run_now(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Start a run of an integration and go to where the button was, with a link to the run.

    Posted: `mode` (default: incremental); `since` and `until`, days of a backfill in the
    tenant's time zone, the last one not included; `next`, where to go. A foreign integration is
    answered like a missing one.
    """
    row = found(request, Integration, integration_id)
    if isinstance(row, HttpResponse):
        return row
    home = reverse("admin:integrations_integration_change", args=(row.pk,))
    with tenant_scope(row.tenant_id):
        try:
            mode = _mode(request.POST.get("mode", ""))
            since, until = _window(request, row.tenant, mode)
            run = start_sync(row, mode, since=since, until=until)
        except StillRunningError as error:
            told = linked("Run {} still goes on, and there is one at a time.", error.run)
            messages.warning(request, told)
        except UsageError as error:
            text = str(error)
            messages.error(request, f"{text[:1].upper()}{text[1:]}.")
        else:
            messages.success(request, linked(f"Run {{}} of {row.name} is started.", run))
    return onwards(request, home)


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
