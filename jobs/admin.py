"""Runs with their live page, and the queue."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from jobs import presence
from jobs.glances import RUN_TONES
from jobs.models import JobRun, Process, QueueEntry
from jobs.pages.run_buttons import cancel_run, run_now
from jobs.progress import progress_of
from tenants.admin import LoadedModelAdmin, OperatorModelAdmin, shortened, tag
from tenants.scope import tenant_scope

STEP_TONES = {
    "queued": "plain",
    "running": "busy",
    "done": "good",
    "dead": "bad",
    "cancelled": "plain",
}


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
            path("<int:run_id>/cancel/", view(cancel_run), name="jobs_run_cancel"),
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
            "addresses": {
                "poll": reverse("run_progress", args=(run.pk,)),
                "socket": f"/ws/runs/{run.pk}/",
                "step": reverse("admin:jobs_queueentry_changelist"),
                "set_aside": reverse("admin:integrations_quarantinedrecord_changelist"),
            },
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "jobs/run.html", context)


@admin.register(QueueEntry)
class QueueEntryAdmin(LoadedModelAdmin):
    """Steps of the queue."""

    list_display = (
        "number",
        "stage",
        "stream",
        "shown_state",
        "of_run",
        "attempts",
        "record_count",
        "row_count",
        "shown_error",
        "trace_id",
    )
    list_filter = ("state", "stage", "integration")
    linked_filters = ("run", "run_id", "stream")
    list_select_related = ("run", "integration")
    key_search = ("key",)
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("stage", "stream"),
        ("shown_state", "attempts"),
        "key",
        "error",
        ("run", "integration"),
        ("record_count", "row_count"),
        ("skipped_count", "quarantined_count"),
        ("run_at", "dispatched_at"),
        ("leased_by", "leased_until"),
        ("started_at", "finished_at"),
        ("priority", "fence"),
        "trace_id",
        "params",
    )

    readonly_fields = ("shown_state",)

    @admin.display(description="Step")
    def number(self, row: QueueEntry) -> str:
        return f"Step {row.pk}"

    @admin.display(description="State")
    def shown_state(self, row: QueueEntry) -> str:
        return tag(row.get_state_display(), STEP_TONES.get(row.state, "plain"))

    @admin.display(description="Run")
    def of_run(self, row: QueueEntry) -> str:
        url = reverse("admin:jobs_jobrun_change", args=(row.run_id,))
        return format_html('<a class="etl-link" href="{}">Run {}</a>', url, row.run_id)

    @admin.display(description="Reason")
    def shown_error(self, row: QueueEntry) -> str:
        return shortened(row.error, 60)


@admin.register(Process)
class ProcessAdmin(OperatorModelAdmin):
    """Workers, schedulers and web processes, as they last said of themselves."""

    list_display = (
        "name",
        "role",
        "shown_state",
        "shown_stages",
        "memory",
        "version",
        "started_at",
        "seen_at",
    )
    list_filter = ("role",)
    ordering = ("role", "name")
    sortable_by = ()
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Process]:
        processes: QuerySet[Process] = super().get_queryset(request).annotate(now=Now())
        return processes

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="State")
    def shown_state(self, row: Any) -> str:
        is_there = (row.now - row.seen_at).total_seconds() <= presence.MAX_AGE_SECONDS
        return tag("There", "good") if is_there else tag("Silent", "bad")

    @admin.display(description="Stages")
    def shown_stages(self, row: Process) -> str:
        return ", ".join(row.stages.split(",")) or "–"

    @admin.display(description="Memory")
    def memory(self, row: Process) -> str:
        return f"{row.memory_bytes / 1024**2:.0f} MiB"
