"""The schedule of an integration's job: found, held, and changed; for commands and the API."""

from collections.abc import Mapping
from typing import Any, Final

from integrations.models import Integration
from jobs.blackouts import parse
from jobs.models import Job
from jobs.planning import replan
from jobs.slots import zone_of

LONGEST_MINUTES: Final = 366 * 1440
LONGEST_RETRY_MINUTES: Final = 7 * 1440


def held_job_of(integration: Integration) -> Job:
    """Return the job of an integration, held; one that has none yet is given it."""
    Job.objects.get_or_create(
        integration=integration, defaults={"tenant_id": integration.tenant_id}
    )
    return held_job(integration.pk)


def held_job(integration_id: int) -> Job:
    """Return the integration's job, which schedulers leave alone until it is changed.

    In a transaction, and in scope. Raises Job.DoesNotExist.
    """
    rows = Job.objects.select_related("tenant", "integration").filter(integration=integration_id)
    job: Job = rows.select_for_update(no_key=True, of=("self",)).get()
    return job


def change(job: Job, changes: Mapping[str, Any]) -> None:
    """Save the changes and plan anew. Raises UsageError for what cannot be kept: nothing is."""
    before = (job.cron, job.interval_minutes)
    for name, value in changes.items():
        setattr(job, name, value)
    parse(job.blackouts, zone_of(job.tenant.time_zone))
    if (job.cron, job.interval_minutes) != before:
        job.next_slot_at = job.next_run_at = None
    is_off = not job.is_active
    job.is_active = True
    replan(job)  # also of a schedule that is off, so that nothing wrong is kept
    if is_off:
        job.is_active, job.next_slot_at, job.next_run_at = False, None, None
    job.save()
