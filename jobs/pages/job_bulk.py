"""What is done to several jobs at once, and the switch of one: with a word on each."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

from common.errors import UsageError
from jobs.control.runs import cancel, pause, resume
from jobs.models import Job, JobRun
from jobs.pages.job_filters import JobFilters
from jobs.pages.posts import found, onwards
from jobs.schedule_edits import change, held_job
from jobs.sync import start_sync
from tenants.permissions import Capability, access_of
from tenants.scope import tenant_scope

MOST_AT_ONCE: Final = 500
_TOLD: Final = 5


def bulk(request: HttpRequest) -> HttpResponse:
    """Do the posted `action` to the posted `jobs`, or with `all` to all that `filters` leave.

    What cannot be done to one keeps none of the others from it; each that was refused is told.
    """
    if request.method != "POST":
        raise Http404
    access = access_of(request)
    action = request.POST.get("action", "")
    home = reverse("admin:jobs_job_changelist")
    if access is None or not access.may(Capability.RUN):
        raise PermissionDenied
    if action not in _ACTIONS:
        messages.error(request, "Choose what is to be done with the jobs.")
        return onwards(request, home)
    capability, done, do = _ACTIONS[action]
    if not access.may(capability):
        raise PermissionDenied
    jobs = _chosen(request)
    if not jobs:
        messages.warning(request, "No job is chosen: tick some, or take all that are listed.")
        return onwards(request, home)
    _tell(request, done, _each(jobs, do, request.user.get_username()))
    return onwards(request, home)


def switch(request: HttpRequest, job_id: int) -> HttpResponse:
    """Switch the schedule of a job on or off, as `is_on` says."""
    job = found(request, Job, job_id, Capability.EDIT_INTEGRATIONS)
    if isinstance(job, HttpResponse):
        return job
    action = "on" if request.POST.get("is_on") == "1" else "off"
    _, done, do = _ACTIONS[action]
    _tell(request, done, _each([job], do, request.user.get_username()))
    return onwards(request, reverse("admin:jobs_job_changelist"))


def _chosen(request: HttpRequest) -> list[Job]:
    if request.POST.get("all"):
        rows = JobFilters.given(QueryDict(request.POST.get("filters", ""))).apply()
        return list(rows[:MOST_AT_ONCE])
    ids = [int(key) for key in request.POST.getlist("jobs") if key.isdecimal()][:MOST_AT_ONCE]
    return list(Job.objects.select_related("integration", "tenant").filter(pk__in=ids))


Outcomes = list[tuple[str, str]]
"""Names of jobs, each with why it was refused; empty where it was done."""


def _each(jobs: list[Job], do: Callable[[Job, str], Any], by: str) -> Outcomes:
    outcomes = []
    for job in jobs:
        why = ""
        with tenant_scope(job.tenant_id):
            try:
                do(job, by)
            except UsageError as error:
                why = str(error)
        outcomes.append((job.integration.name, why))
    return outcomes


def _tell(request: HttpRequest, done: str, outcomes: Outcomes) -> None:
    good = [name for name, why in outcomes if not why]
    refused = [(name, why) for name, why in outcomes if why]
    if good:
        messages.success(request, f"{done}: {_names(good)}.")
    for name, why in refused[:_TOLD]:
        messages.warning(request, f"{name}: {why}.")
    if len(refused) > _TOLD:
        messages.warning(request, f"{len(refused) - _TOLD} more were refused.")


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:_TOLD])
    return shown if len(names) <= _TOLD else f"{shown} and {len(names) - _TOLD} more"


def _run(job: Job, by: str) -> None:
    start_sync(job.integration)


def _going(job: Job) -> JobRun:
    run: JobRun | None = JobRun.objects.filter(job=job, state=JobRun.State.RUNNING).last()
    if run is None:
        raise UsageError("no run of it goes on")
    return run


def _set_active(is_active: bool) -> Callable[[Job, str], None]:
    def do(job: Job, by: str) -> None:
        with transaction.atomic():
            change(held_job(job.integration_id), {"is_active": is_active})

    return do


_ACTIONS: Final[dict[str, tuple[Capability, str, Callable[[Job, str], Any]]]] = {
    "run": (Capability.RUN, "Started", _run),
    "pause": (Capability.RUN, "Paused", lambda job, by: pause(_going(job), by)),
    "resume": (Capability.RUN, "Resumed", lambda job, by: resume(_going(job), by)),
    "cancel": (Capability.RUN, "Cancelled", lambda job, by: cancel(_going(job), by)),
    "on": (Capability.EDIT_INTEGRATIONS, "Schedule on", _set_active(True)),
    "off": (Capability.EDIT_INTEGRATIONS, "Schedule off", _set_active(False)),
}
