"""The Jobs page: a row a job, filtered, live, with its buttons; and its fragment."""

from dataclasses import dataclass, fields
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import SuspiciousOperation
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from jobs.pages.job_filters import JobFilters, make_missing_jobs
from jobs.pages.job_rows import JobRow, job_rows
from tenants.permissions import Access, Capability, access_of

A_PAGE: Final = 25
_KNOWN: Final = {*(f.name for f in fields(JobFilters)), "q", "p", "fragment"}


@dataclass(frozen=True)
class JobList:
    """A page of the list. page: of Django's paginator."""

    rows: list[JobRow]
    page: Any
    filters: JobFilters

    @property
    def is_running(self) -> bool:
        """Whether any of the runs shown goes on."""
        return any(row.is_running for row in self.rows)


def jobs_page(request: HttpRequest) -> HttpResponse:
    """Show the jobs of the scope; asked for the fragment, only their rows."""
    access = access_of(request)
    assert access is not None  # the admin site lets nobody else in
    if unknown := request.GET.keys() - _KNOWN:
        raise SuspiciousOperation(f"jobs are not filtered by {sorted(unknown)[0][:40]!r}")
    is_fragment = "fragment" in request.GET
    if not is_fragment:
        make_missing_jobs()
    listed = _listed(request, access)
    context: dict[str, Any] = {
        "jobs": listed,
        "filters": listed.filters,
        "every_tenant": access.current is None,
        "may_run": access.may(Capability.RUN),
        "may_switch": access.may(Capability.EDIT_INTEGRATIONS),
        "here": request.path + (f"?{listed.filters.address}" if listed.filters.address else ""),
    }
    request.current_app = admin.site.name
    if is_fragment:
        response = TemplateResponse(request, "jobs/job_rows.html", context)
        response["Cache-Control"] = "no-store"
        return response
    context |= {
        **admin.site.each_context(request),
        "title": "Jobs",
        "tenant_id": access.current.pk if access.current else "",
        "connect": _connect(access),
    }
    return TemplateResponse(request, "jobs/job_list.html", context)


def _listed(request: HttpRequest, access: Access) -> JobList:
    filters = JobFilters.given(request.GET)
    page = Paginator(filters.apply(), A_PAGE).get_page(request.GET.get("p"))
    return JobList(job_rows(list(page.object_list), access), page, filters)


def _connect(access: Access) -> str:
    """Return where a source is connected, empty for who may not."""
    may = access.may(Capability.EDIT_INTEGRATIONS) and access.current is not None
    return reverse("admin:integrations_integration_add") if may else ""
