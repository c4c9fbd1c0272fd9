"""What a job's schedule comes to, for people: in words, the next runs, and the last slots."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final, TypedDict

from common.errors import UsageError
from jobs.models import Job, ScheduleSlot
from jobs.planning import LOOKED_AT, Plan, plan_of
from jobs.slots import spell, zone_of

SHOWN: Final = 5


class ShownSlot(TypedDict):
    """A slot that was dealt with. missed: earlier slots that it stands for."""

    slot_at: datetime
    fired_at: datetime
    outcome: str
    missed: int
    run: int | None
    state: str
    reason: str


class Agenda(TypedDict):
    """A job's schedule. Times are in the tenant's zone; problem says why there is none.

    next: when runs will be started, if nothing keeps them from it.
    """

    integration: str
    words: str
    zone: str
    is_on: bool
    catch_up: str
    blackouts: list[str]
    retry_minutes: int
    next: list[datetime]
    last: list[ShownSlot]
    problem: str


def agenda_of(job: Job, now: datetime) -> Agenda:
    """Return a job's schedule with its next runs and last slots; it is in scope."""
    problem, plan = "", None
    try:
        plan = plan_of(job)
    except UsageError as error:
        problem = str(error)
    due = islice(_next(plan, now), SHOWN) if plan is not None and job.is_active else ()
    dealt_with = ScheduleSlot.objects.filter(job_id=job.pk)  # of one that is not saved, none
    rows = dealt_with.select_related("run").order_by("-slot_at")[:SHOWN]
    return {
        "integration": job.integration.name,
        "words": plan.slots.words() if plan else "",
        "zone": job.tenant.time_zone,
        "is_on": job.is_active,
        "catch_up": job.catch_up,
        "blackouts": [line.strip() for line in job.blackouts.splitlines() if line.strip()],
        "retry_minutes": job.retry_minutes,
        "next": [_local(moment, job) for moment in due],
        "last": [_shown(row, job) for row in rows],
        "problem": problem,
    }


def next_run(job: Job, now: datetime) -> datetime | None:
    """Return when the schedule starts the next run, in UTC; None if it starts none. No query.

    Not always `next_run_at`, which may be that of a slot that a blackout skips.
    """
    if not job.is_active:
        return None
    try:
        plan = plan_of(job)
    except UsageError:
        return None
    return next(_next(plan, now), None) if plan is not None else None


def policy_in_words(agenda: Agenda) -> list[str]:
    """Say what becomes of slots that are missed, in the way, or followed by a failure."""
    policy = {
        "once": "missed slots: one run for all of them",
        "all": "missed slots: a run for each, one after the other",
        "skip": "missed slots: no run",
    }
    minutes = agenda["retry_minutes"]
    again = f"again after {spell(timedelta(minutes=minutes))}, if that is before the next slot"
    lines = [policy[agenda["catch_up"]], f"after a failed run: {again if minutes else 'nothing'}"]
    put_off = "skipped" if agenda["catch_up"] == "skip" else "put off to its end"
    lines += [f"blackout {line}: a slot in it is {put_off}" for line in agenda["blackouts"]]
    return lines


def _next(plan: Plan, now: datetime) -> Iterator[datetime]:
    """Yield when runs are to be started: a try after a failed one first, then slot after slot."""
    slot, due = plan.job.next_slot_at, plan.job.next_run_at
    newest = None
    if due is not None and slot is not None:
        newest = max(due, plan.blackouts.end_of(now)) if due <= now else due
        if not (plan.skips and plan.blackouts.cover(due)):
            yield newest
    after = (slot if slot and due and due >= slot else None) or now
    for each in islice(plan.slots.after(max(after, now)), LOOKED_AT):
        when = plan.when(each)
        if (plan.skips and plan.blackouts.cover(each)) or (newest and when <= newest):
            continue
        newest = when
        yield when


def _shown(row: ScheduleSlot, job: Job) -> ShownSlot:
    return {
        "slot_at": _local(row.slot_at, job),
        "fired_at": _local(row.fired_at, job),
        "outcome": row.outcome,
        "missed": row.missed_count,
        "run": row.run_id,
        "state": row.run.state if row.run else "",
        "reason": row.reason,
    }


def _local(moment: datetime, job: Job) -> datetime:
    try:
        return moment.astimezone(zone_of(job.tenant.time_zone))
    except UsageError:
        return moment
