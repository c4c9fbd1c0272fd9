"""Workers, schedulers and web processes."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest

from jobs import presence
from jobs.models import Process
from tenants.admin import OperatorModelAdmin, tag


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
