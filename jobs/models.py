"""Job, ScheduleSlot, JobRun, QueueEntry (`etl_job_queue`), RunLog; the processes that work."""

from django.db import models

from integrations.models import Integration
from tenants.models import Tenant, TenantOwned


class Stage(models.TextChoices):
    """The stages of the path; each has a queue of its own."""

    EXTRACT = "extract", "Extract"
    TRANSFORM = "transform", "Transform"
    LOAD = "load", "Load"
    INDEX = "index", "Index"


class Job(TenantOwned):
    """What is to be run for an integration, and when. Exactly one of interval and cron, or none.

    blackouts: windows without scheduled runs, one a line, in the tenant's time zone.
    retry_minutes: after a failed scheduled run; 0 waits for the next slot.
    next_run_at: when `next_slot_at` is to be fired; later than it in a blackout or when its start
    was refused; earlier if another run is due before it, after one that failed.
    """

    class CatchUp(models.TextChoices):
        """What becomes of slots that nobody fired in time."""

        ONCE = "once", "One run for all that were missed"
        ALL = "all", "A run for each that was missed"
        SKIP = "skip", "No run for what was missed"

    integration = models.OneToOneField(Integration, on_delete=models.CASCADE, related_name="job")
    interval_minutes = models.PositiveIntegerField(null=True, blank=True)
    cron = models.CharField(max_length=100, blank=True, default="")
    catch_up = models.CharField(
        max_length=8, choices=CatchUp.choices, default=CatchUp.ONCE, db_default=CatchUp.ONCE
    )
    blackouts = models.TextField(blank=True, default="", db_default="")
    retry_minutes = models.PositiveIntegerField(default=15)
    is_active = models.BooleanField(default=True)
    next_run_at = models.DateTimeField(null=True, blank=True, db_index=True)
    next_slot_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "etl_jobs"

    def __str__(self) -> str:
        return f"job of {self.integration}"


class JobRun(TenantOwned):
    """One execution of a job. It is finished when no step of it is open."""

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
        )

    def __str__(self) -> str:
        return f"run {self.pk} of {self.integration}"


class ScheduleSlot(TenantOwned):
    """A slot of a job's schedule that was dealt with; it is unique, so none is fired twice.

    missed_count: earlier slots that the same run stands for, by the job's catch-up policy.
    """

    class Outcome(models.TextChoices):
        STARTED = "started", "Started a run"
        SKIPPED = "skipped", "Skipped"
        REFUSED = "refused", "Could not start"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="slots")
    slot_at = models.DateTimeField()
    fired_at = models.DateTimeField(db_index=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    reason = models.TextField(blank=True, default="")
    missed_count = models.PositiveIntegerField(default=0)
    run = models.ForeignKey(JobRun, on_delete=models.SET_NULL, null=True, related_name="slots")

    class Meta:
        db_table = "etl_schedule_slots"
        ordering = ("-slot_at",)
        constraints = (models.UniqueConstraint(fields=("job", "slot_at"), name="slot_once_a_job"),)

    def __str__(self) -> str:
        return f"{self.job} at {self.slot_at:%Y-%m-%d %H:%M}"


class QueueEntry(TenantOwned):
    """A step of a run. The row is the truth; a broker message is a hint that it may be due.

    key: natural name of the step in its run, so that a step can be made only once.
    fence: raised by every claim; nothing of a step commits unless its fence still stands.
    attempts: counted before the work starts, so that a step that kills its worker is counted.
    needs_isolation: a worker died that had it in hand, so it is worked in a process of its own.
    trace_id: that of its run, told by everything that is logged or asked on its behalf.
    dispatched_at: when a hint was published; a worker takes only steps that have one under way.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        DEAD = "dead", "Dead"
        CANCELLED = "cancelled", "Cancelled"

    OPEN = (State.QUEUED, State.RUNNING)

    run = models.ForeignKey(JobRun, on_delete=models.CASCADE, related_name="steps")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    stage = models.CharField(max_length=16, choices=Stage.choices)
    stream = models.CharField(max_length=64)
    key = models.CharField(max_length=200)
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=16, choices=State.choices, default=State.QUEUED)
    priority = models.SmallIntegerField()
    attempts = models.PositiveSmallIntegerField(default=0)
    run_at = models.DateTimeField()
    dispatched_at = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    leased_by = models.CharField(max_length=120, blank=True, default="")
    leased_until = models.DateTimeField(null=True)
    record_count = models.IntegerField(default=0)
    row_count = models.IntegerField(default=0)
    skipped_count = models.IntegerField(default=0)
    quarantined_count = models.IntegerField(default=0)
    error = models.TextField(blank=True, default="")
    needs_isolation = models.BooleanField(default=False, db_default=False)
    trace_id = models.CharField(max_length=32, blank=True, default="", db_default="")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "etl_job_queue"
        verbose_name = "step"
        constraints = (
            models.UniqueConstraint(fields=("run", "key"), name="step_once_a_run"),
            models.UniqueConstraint(
                fields=("run", "stream"),
                condition=models.Q(stage="load", state="queued"),
                name="one_queued_load_a_stream",
            ),
        )
        indexes = (
            models.Index(
                fields=("stage", "priority", "run_at", "id"),
                condition=models.Q(state="queued", dispatched_at__isnull=False),
                name="steps_to_claim",
            ),
            models.Index(
                fields=("stage", "priority", "run_at", "id"),
                condition=models.Q(state="queued", dispatched_at__isnull=True),
                name="steps_to_dispatch",
            ),
            models.Index(
                fields=("leased_until",),
                condition=models.Q(state="running"),
                name="steps_leased",
            ),
            models.Index(
                fields=("run", "stream", "stage"),
                condition=models.Q(state__in=("queued", "running")),
                name="steps_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.stage} {self.key}"


class TenantTurn(models.Model):
    """When an extract step of a tenant was last claimed: who waited longest comes next."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, primary_key=True)
    served_at = models.DateTimeField()

    class Meta:
        db_table = "etl_tenant_turns"

    def __str__(self) -> str:
        return f"turn of {self.tenant}"


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


class Process(models.Model):
    """A worker, scheduler or web process that is there, as it last said of itself.

    name: host, process id and a token, as steps name who holds them (`heartbeat.worker_id`).
    stages: those that a worker works, separated by commas.
    """

    class Role(models.TextChoices):
        WORKER = "worker", "Worker"
        SCHEDULER = "scheduler", "Scheduler"
        WEB = "web", "Web"

    name = models.CharField(max_length=120, primary_key=True)
    role = models.CharField(max_length=16, choices=Role.choices)
    host = models.CharField(max_length=80)
    pid = models.PositiveIntegerField()
    stages = models.CharField(max_length=100, blank=True, default="")
    threads = models.PositiveSmallIntegerField(default=0)
    version = models.CharField(max_length=40)
    memory_bytes = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "etl_processes"
        verbose_name_plural = "processes"

    def __str__(self) -> str:
        return f"{self.role} {self.name}"
