"""Jobs: the page of all of them, and of one."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from jobs.models import Job
from jobs.pages.job_bulk import bulk, switch
from jobs.pages.job_page import (
    job_page,
    preview_schedule,
    save_limits,
    save_schedule,
    shown_job,
)
from jobs.pages.jobs_page import jobs_page
from tenants.admin import LoadedModelAdmin
from tenants.scope import tenant_scope


@admin.register(Job)
class JobAdmin(LoadedModelAdmin):
    """Jobs. Both pages are our own (`jobs.pages`)."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("bulk/", view(bulk), name="jobs_job_bulk"),
            path("<int:job_id>/switch/", view(switch), name="jobs_job_switch"),
            path("<int:job_id>/preview/", view(preview_schedule), name="jobs_job_preview"),
            path("<int:job_id>/schedule/", view(save_schedule), name="jobs_job_schedule"),
            path("<int:job_id>/limits/", view(save_limits), name="jobs_job_limits"),
        ]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the Jobs page."""
        return jobs_page(request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the page of a job."""
        job = shown_job(request, object_id)
        with tenant_scope(job.tenant_id):
            return job_page(request, job)
