"""Buttons of a run: `admin:jobs_run_cancel`."""

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
)
from django.urls import reverse

from jobs.models import JobRun
from jobs.pages.posts import found, linked, onwards
from jobs.runs import cancel
from tenants.scope import tenant_scope


def cancel_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """Cancel a run that goes on; what it has loaded is kept."""
    run = found(request, JobRun, run_id)
    if isinstance(run, HttpResponse):
        return run
    home = reverse("admin:jobs_jobrun_change", args=(run.pk,))
    with tenant_scope(run.tenant_id):
        if run.state != JobRun.State.RUNNING:
            messages.info(request, linked("Run {} has ended already.", run))
            return onwards(request, home)
        count = cancel(run)
    told = f"Run {{}} is cancelled: {count} steps were left out, those under way end first."
    messages.success(request, linked(told, run))
    return onwards(request, home)
