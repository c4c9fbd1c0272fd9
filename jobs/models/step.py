"""Stage, QueueEntry (`etl_job_queue`) and TenantTurn: the steps of runs, and whose turn it is."""

from django.db import models

from integrations.models import Integration
from jobs.models.run import JobRun
from tenants.models import Tenant, TenantOwned


class Stage(models.TextChoices):
    """The stages of the path; each has a queue of its own."""

    EXTRACT = "extract", "Extract"
    TRANSFORM = "transform", "Transform"
    LOAD = "load", "Load"
    INDEX = "index", "Index"


class QueueEntry(TenantOwned):
    """A step of a run. The row is the truth; a broker message is a hint that it may be due.

    key: natural name of the step in its run, so that a step can be made only once.
    fence: raised by every claim; nothing of a step commits unless its fence still stands.
    attempts: counted before the work starts, so that a step that kills its worker is counted.
    needs_isolation: a worker died that had it in hand, so it is worked in a process of its own.
    trace_id: that of its run, told by everything that is logged or asked on its behalf.
    left_out: a person skipped or discarded it; the reason is in error.
    dispatched_at: when a hint was published; a worker takes only steps that have one under way.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        DEAD = "dead", "Dead"
        CANCELLED = "cancelled", "Cancelled"
        LEFT_OUT = "left_out", "Left out"

    OPEN = (State.QUEUED, State.RUNNING)
    GIVEN_UP = (State.DEAD, State.LEFT_OUT, State.CANCELLED)
    """Closed without having been done. Of load steps the cancelled ones may have left their pages
    to others."""

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
            models.Index(fields=("created_at",), name="steps_created"),
            models.Index(fields=("finished_at",), name="steps_finished"),
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
