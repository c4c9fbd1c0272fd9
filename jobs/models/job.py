"""Job and ScheduleSlot: what is to be run for an integration, when, and what became of it."""

from django.db import models

from integrations.models import Integration
from tenants.models import TenantOwned


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
    run = models.ForeignKey(
        "jobs.JobRun", on_delete=models.SET_NULL, null=True, related_name="slots"
    )

    class Meta:
        db_table = "etl_schedule_slots"
        ordering = ("-slot_at",)
        constraints = (models.UniqueConstraint(fields=("job", "slot_at"), name="slot_once_a_job"),)

    def __str__(self) -> str:
        return f"{self.job} at {self.slot_at:%Y-%m-%d %H:%M}"
