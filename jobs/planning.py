"""The plan of a job: which slot comes next, and when it is to be fired."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db.models import Q, QuerySet

from common.errors import UsageError
from jobs.blackouts import Blackouts, parse
from jobs.clock import database_now
from jobs.models import Job, ScheduleSlot
from jobs.slots import Timetable, timetable_of, zone_of
from tenants.scope import every_tenant

logger = logging.getLogger(__name__)

EVERY_JOB: Final = "the schedule serves every tenant"
LOOKED_AT: Final = 1500  # slots, until a schedule is said to be blacked out altogether

_told: set[str] = set()


@dataclass(frozen=True)
class Plan:
    """A job with its slots and its blackout windows."""

    job: Job
    slots: Timetable
    blackouts: Blackouts

    def when(self, slot: datetime) -> datetime:
        """Return when a slot is fired: itself, or the end of the window that puts it off."""
        return slot if self.skips else self.blackouts.end_of(slot)

    @property
    def skips(self) -> bool:
        """Whether a slot that cannot be fired in time is not fired at all."""
        return self.job.catch_up == Job.CatchUp.SKIP

    def first_open(self, after: datetime) -> datetime:
        """Return the first slot later than a moment for which no run was started yet."""
        started = started_slots(self.job).filter(slot_at__gt=after)
        taken = set(started.values_list("slot_at", flat=True))
        return next(slot for slot in self.slots.after(after) if slot not in taken)

    def has(self, slot: datetime) -> bool:
        """Say whether a moment is a slot of the schedule."""
        return self.slots.next(slot - timedelta(seconds=1)) == slot


def plan_of(job: Job) -> Plan | None:
    """Return the plan of a job, None if it has no schedule; raise UsageError if it is none."""
    slots = timetable_of(job)
    if slots is None:
        return None
    return Plan(job, slots, parse(job.blackouts, zone_of(job.tenant.time_zone)))


def started_slots(job: Job) -> QuerySet[ScheduleSlot]:
    """Return the slots of a job that have started a run."""
    slots: QuerySet[ScheduleSlot] = ScheduleSlot.objects.filter(
        job_id=job.pk, outcome=ScheduleSlot.Outcome.STARTED
    )
    return slots


def scheduled() -> QuerySet[Job]:
    """Return the jobs that run by schedule, and are not switched off in any way."""
    jobs: QuerySet[Job] = Job.objects.filter(
        Q(interval_minutes__gt=0) | ~Q(cron=""),
        is_active=True,
        integration__is_active=True,
        tenant__is_active=True,
    )
    return jobs.select_related("tenant", "integration")


def plan(now: datetime | None = None) -> int:
    """Plan what is not planned, or planned later than the clock now allows; return how many.

    A clock that was ahead and is set right leaves plans that lie too far ahead: the first slot
    from now on for which no run was started comes next. Meant to be called at every sweep.
    """
    now = now or database_now()
    planned = 0
    with every_tenant(EVERY_JOB):
        for job in scheduled():
            try:
                found = plan_of(job)
            except UsageError as error:
                _tell_once(job, error)
                continue
            planned += found is not None and _plan(found, now)
    return planned


def replan(job: Job, now: datetime | None = None) -> None:
    """Plan a job whose schedule was changed or switched on; it is saved, and in scope.

    Slots until now are not made up for. Raises UsageError that says what is wrong.
    """
    now = now or database_now()
    found = checked(job, now) if job.is_active else None
    slot = found.first_open(now) if found else None
    job.next_slot_at = slot
    job.next_run_at = found.when(slot) if found and slot else None
    job.save(update_fields=["next_slot_at", "next_run_at"])


def checked(job: Job, now: datetime) -> Plan | None:
    """Return the plan of a job; raise UsageError, too, if its windows leave no slot to be fired."""
    found = plan_of(job)
    if found is not None and found.skips:
        slots = islice(found.slots.after(now), LOOKED_AT)
        if all(found.blackouts.cover(slot) for slot in slots):
            raise UsageError(
                f"the blackout windows cover every slot of the schedule ({found.slots.words()}), "
                "and with catch-up 'skip' none of them would ever run: move one of the two, or "
                "choose 'once', which puts a slot off to the end of its window"
            )
    return found


def _plan(plan: Plan, now: datetime) -> bool:
    job = plan.job
    slot = job.next_slot_at or job.next_run_at
    following = plan.slots.next(now)
    if slot is None or (slot > now and not plan.has(slot)):
        slot = plan.first_open(now)
    elif following < slot:
        slot = min(slot, plan.first_open(now))
    if slot == job.next_slot_at and not _is_too_late(plan, slot, following, now):
        return False
    due = plan.when(slot)
    if _tries_again(job) and job.next_run_at is not None and now < job.next_run_at < slot:
        due = job.next_run_at
    untouched = Job.objects.filter(
        pk=job.pk, next_slot_at=job.next_slot_at, next_run_at=job.next_run_at
    )
    return bool(untouched.update(next_slot_at=slot, next_run_at=due))


def _tries_again(job: Job) -> bool:
    """Say whether a run is to follow a failed one before the next slot."""
    slot, due = job.next_slot_at, job.next_run_at
    return slot is not None and due is not None and due < slot


def _is_too_late(plan: Plan, slot: datetime, following: datetime, now: datetime) -> bool:
    """Say whether a slot is put off beyond what its blackout or its next try can ask for."""
    due = plan.job.next_run_at
    if due is None or due > plan.when(max(slot, following)):
        return True
    if not slot <= now < due or plan.blackouts.cover(now):
        return False
    refused = ScheduleSlot.objects.filter(
        job_id=plan.job.pk, outcome=ScheduleSlot.Outcome.REFUSED, slot_at__gte=slot
    )
    return not refused.filter(fired_at__lte=now).exists()


def _tell_once(job: Job, error: UsageError) -> None:
    told = f"{job.pk}: {error}"
    if told not in _told:
        _told.add(told)
        logger.warning("%s has no schedule that can be kept: %s", job, error)
