"""Steps of the queue."""

from django.contrib import admin
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from jobs.models import QueueEntry
from jobs.pages.step_buttons import step_button
from tenants.admin import LoadedModelAdmin, shortened, tag

STEP_TONES = {
    "queued": "plain",
    "running": "busy",
    "done": "good",
    "dead": "bad",
    "cancelled": "plain",
}


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

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path(f"<int:step_id>/{ask}/", view(step_button(ask)), name=f"jobs_step_{ask}")
            for ask in ("skip", "discard", "replay")
        ]
        return [*own, *super().get_urls()]

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
