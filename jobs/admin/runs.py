"""Runs, with their live page."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from jobs.glances import RUN_TONES
from jobs.models import JobRun
from jobs.pages.run_buttons import run_button
from jobs.pages.start import run_now
from jobs.progress import progress_of
from tenants.admin import LoadedModelAdmin, tag
from tenants.permissions import Capability
from tenants.scope import tenant_scope


@admin.register(JobRun)
class JobRunAdmin(LoadedModelAdmin):
    """Runs. The page of one shows its progress live (`static/etl/run.js`)."""

    list_display = (
        "number",
        "integration",
        "shown_state",
        "mode",
        "trigger",
        "started_at",
        "lasted",
        "trace_id",
    )
    list_filter = ("state", "mode", "trigger", "integration")
    list_select_related = ("integration",)
    ordering = ("-id",)
    sortable_by = ()

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("start/<int:integration_id>/", view(run_now), name="jobs_run_now"),
            *(
                path(f"<int:run_id>/{ask}/", view(run_button(ask)), name=f"jobs_run_{ask}")
                for ask in ("pause", "resume", "cancel", "retry")
            ),
        ]
        return [*own, *super().get_urls()]

    @admin.display(description="Run")
    def number(self, row: JobRun) -> str:
        return f"Run {row.pk}"

    @admin.display(description="State")
    def shown_state(self, row: JobRun) -> str:
        return tag(row.get_state_display(), RUN_TONES.get(row.state, "plain"))

    @admin.display(description="Duration")
    def lasted(self, row: JobRun) -> str:
        if row.finished_at is None:
            return "–"
        seconds = (row.finished_at - row.started_at).total_seconds()
        return (
            f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        run: JobRun = self.object_or_404(request, object_id)
        with tenant_scope(run.tenant_id):
            progress = progress_of(run)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": run,
            "title": f"Run {run.pk} of {run.integration}",
            "run": run,
            "progress": progress,
            "may_run": self._may(request, Capability.RUN),
            "addresses": {
                "step": reverse("admin:jobs_queueentry_changelist"),
                "set_aside": reverse("admin:integrations_quarantinedrecord_changelist"),
            },
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "jobs/run.html", context)
