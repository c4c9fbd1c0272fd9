"""JobRun and RunLog: one execution of a job, and what is told of it."""

from django.db import models

from integrations.models import Integration
from jobs.models.job import Job
from tenants.models import TenantOwned


class JobRun(TenantOwned):
    """One execution of a job. It is finished when no step of it is open.

    paused_at: since when no step of it is claimed; None while it goes on.
    stop_asked_at: when a pause or a cancel was last asked for; what is still worked some seconds
    later is cut off (`jobs.control.stopping`).
    params: `only`, the projects or repositories that are read, all without it; `window`, of a
    backfill; `phases` and `phase`.
    progress_seq: number of the last event that was published of it (`jobs.live`).
    """

    class Trigger(models.TextChoices):
        MANUAL = "manual", "By hand"
        SCHEDULE = "schedule", "By schedule"
        IMPORT = "import", "Import"
        EDIT = "edit", "By an edit of mappings"
        WEBHOOK = "webhook", "By a webhook"

    class Mode(models.TextChoices):
        INCREMENTAL = "incremental", "Incremental"
        FULL = "full", "Full"
        BACKFILL = "backfill", "Backfill"
        RETRANSFORM = "retransform", "Re-transform"
        IMPORT = "import", "Import of recordings"
        REMAP = "remap", "Change of mappings"
        REFETCH = "refetch", "Refetch of single items"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        COMPLETED_WITH_ERRORS = "completed_with_errors", "Completed with errors"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="runs")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="runs")
    trigger = models.CharField(max_length=16, choices=Trigger.choices)
    mode = models.CharField(max_length=16, choices=Mode.choices)
    state = models.CharField(max_length=24, choices=State.choices, default=State.RUNNING)
    params = models.JSONField(default=dict)
    error = models.TextField(blank=True, default="")
    cancel_requested = models.BooleanField(default=False)
    trace_id = models.CharField(max_length=32, blank=True, default="", db_default="")
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    progress_at = models.DateTimeField(null=True)
    progress_seq = models.BigIntegerField(default=0, db_default=0)
    paused_at = models.DateTimeField(null=True)
    stop_asked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "etl_job_runs"
        verbose_name = "run"
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("integration",),
                condition=models.Q(state="running", mode__in=("incremental", "full", "backfill")),
                name="one_live_run_an_integration",
            ),
        )
        indexes = (
            models.Index(
                fields=("state", "id"),
                condition=models.Q(state="running"),
                name="runs_running",
            ),
            models.Index(
                fields=("paused_at",),
                condition=models.Q(paused_at__isnull=False),
                name="runs_paused",
            ),
        )

    def __str__(self) -> str:
        return f"run {self.pk} of {self.integration}"


class RunLog(TenantOwned):
    """A line of a run's log."""

    class Level(models.TextChoices):
        INFO = "info", "Info"
        WARNING = "warning", "Warning"
        ERROR = "error", "Error"

    run = models.ForeignKey(JobRun, on_delete=models.CASCADE, related_name="log")
    level = models.CharField(max_length=8, choices=Level.choices, default=Level.INFO)
    message = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "etl_run_log"
        ordering = ("id",)
