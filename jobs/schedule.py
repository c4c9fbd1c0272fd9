"""The schedule: each slot of a job starts a run, once, however many schedulers there are.

The clock is one for all of them and is handed in. Whoever deals with a slot holds the job's row,
and writes in one transaction the run, the slot's own row, which is unique, and the next slot.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, TypeAlias

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from common.errors import PipelineError, UsageError
from common.tracing import bind
from jobs.clock import database_now
from jobs.models import Job, JobRun, ScheduleSlot
from jobs.planning import EVERY_JOB, Plan, plan, plan_of, scheduled, started_slots
from tenants.scope import every_tenant, tenant_scope

__all__ = ["GRACE", "StartRun", "fire", "plan", "prune", "refuse"]

logger = logging.getLogger(__name__)

StartRun: TypeAlias = Callable[[Job], JobRun]

GRACE: Final = timedelta(seconds=60)  # under `skip` a slot is missed when it is later than this
COUNTED: Final = 10_000  # missed slots; of more it is only known that there were so many
KEPT: Final = timedelta(days=90)
PRUNED_A_SWEEP: Final = 200

Outcome = ScheduleSlot.Outcome


class _Step(Enum):
    """What dealing with a job came to: it has to wait, has moved on, or has started a run."""

    WAITS = 0
    MOVED = 1
    STARTED = 2


def fire(start_run: StartRun, now: datetime | None = None) -> int:
    """Start a run of each job that is due, and move it on; return how many were started.

    now: the database's time unless told. A start that raises `PipelineError` is recorded as
    refused and tried again; any other error leaves the job as it was, and is raised when the
    other jobs have had their turn.
    """
    now = now or database_now()
    with every_tenant(EVERY_JOB):
        due = list(_may_start().filter(next_run_at__lte=now).order_by("next_run_at"))
    started = 0
    errors: list[Exception] = []
    for job in due:
        try:
            with bind("", tenant=job.tenant_id), tenant_scope(job.tenant_id):
                started += _fire(job, now, start_run)
        except UsageError:
            continue  # its schedule cannot be read, which plan() says
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]
    return started


def prune(now: datetime | None = None) -> int:
    """Remove some of the slots that are too old to be looked at; return how many.

    Meant to be called at every sweep: it reads a few of the oldest rows by their index.
    """
    limit = (now or database_now()) - KEPT
    with every_tenant(EVERY_JOB):
        rows = ScheduleSlot.objects.filter(fired_at__lt=limit).order_by("fired_at")
        old = list(rows.values_list("pk", flat=True)[:PRUNED_A_SWEEP])
        return ScheduleSlot.objects.filter(pk__in=old).delete()[0] if old else 0


def refuse(job: Job) -> JobRun:
    """Start nothing: say that the job's integration is fed by imports and not by a live source."""
    raise UsageError(
        f"integration {job.integration.name!r} has no live source: "
        "it is fed by pushed pages and imported recordings"
    )


def _may_start() -> QuerySet[Job]:
    """Return scheduled jobs without those that wait, by their policy, for a run that goes on."""
    going = JobRun.objects.filter(job_id=OuterRef("pk"), state=JobRun.State.RUNNING)
    return scheduled().filter(Q(catch_up=Job.CatchUp.SKIP) | ~Exists(going))


def _fire(job: Job, now: datetime, start_run: StartRun) -> int:
    """Deal with all that is due of a job; return how many runs were started."""
    started = 0
    while True:
        with transaction.atomic():
            rows = _may_start().filter(pk=job.pk, next_run_at__lte=now)
            # Another scheduler that has the row in hand deals with the job.
            held = rows.select_for_update(no_key=True, skip_locked=True, of=("self",)).first()
            planned = None if held is None else plan_of(held)
            if planned is None:
                break
            step = _Firing(planned, now, start_run).step()
        started += step is _Step.STARTED
        if step is _Step.WAITS:
            break
    return started


def going_on(job: Job) -> JobRun | None:
    """Return a run of the job that is not over, None if there is none."""
    return JobRun.objects.filter(job=job, state=JobRun.State.RUNNING).order_by("-id").first()


@dataclass(frozen=True)
class _Due:
    """The slots that are due: the first, the last, and how many there are."""

    first: datetime
    last: datetime
    count: int


@dataclass(frozen=True)
class _Firing:
    """Deals with one thing that is due of a job, whose row is held."""

    plan: Plan
    now: datetime
    start_run: StartRun

    def step(self) -> _Step:
        job = self.plan.job
        slot = job.next_slot_at or job.next_run_at
        assert slot is not None
        assert job.next_run_at is not None
        if job.next_run_at < slot and self.now < slot:
            return self._try_again(job.next_run_at, slot)
        due = self._due(slot, self.now)
        if due is None:
            return self._move_on(self.now)
        return self._skip_or_start(due) if self.plan.skips else self._catch_up(due)

    def _catch_up(self, due: _Due) -> _Step:
        """Start a run for all that is due, or for the oldest of it, as soon as one may start."""
        if (end := self.plan.blackouts.end_of(self.now)) > self.now:
            return self._move(due.first, end, _Step.WAITS)
        if going_on(self.plan.job) is not None:
            return _Step.WAITS
        if self.plan.job.catch_up == Job.CatchUp.ALL:
            return self._start(due.first, due.first, 0)
        return self._start(due.first, due.last, due.count - 1)

    def _skip_or_start(self, due: _Due) -> _Step:
        """Start a run for what is due just now, and skip what is not."""
        promised = max(due.first, self.plan.job.next_run_at or due.first)
        if self.now > promised + GRACE:
            missed = self._due(due.first, self.now - GRACE - timedelta.resolution)
            if missed is not None:
                reason = "no scheduler was there to start it in time"
                self._record(missed.last, Outcome.SKIPPED, reason, missed.count - 1)
                return self._move_on(missed.last)
        reason = self._hindrance(due.first)
        if not reason:
            return self._start(due.first, due.first, 0)
        self._record(due.first, Outcome.SKIPPED, reason)
        return self._move_on(due.first)

    def _hindrance(self, slot: datetime) -> str:
        windows = self.plan.blackouts
        if windows.cover(slot) or windows.cover(self.now):
            return "it is in a blackout window"
        running = going_on(self.plan.job)
        return f"run {running.pk} still goes on" if running else ""

    def _start(self, first: datetime, slot: datetime, missed: int) -> _Step:
        """Start the run of a slot, which stands for so many earlier ones from `first` on, too."""
        try:
            with transaction.atomic():
                run = self.start_run(self.plan.job)
        except PipelineError as error:
            return self._refused(first, slot, missed, error)
        self._record(slot, Outcome.STARTED, "", missed, run)
        self._move_on(slot)
        return _Step.STARTED

    def _refused(self, first: datetime, slot: datetime, missed: int, error: PipelineError) -> _Step:
        running = going_on(self.plan.job)
        if running is not None and not self.plan.skips:
            return _Step.WAITS
        if running is not None:
            self._record(slot, Outcome.SKIPPED, f"run {running.pk} still goes on")
            return self._move_on(slot)
        logger.warning("%s cannot be started: %s", self.plan.job, error)
        self._record(slot, Outcome.REFUSED, str(error), missed)
        following = self.plan.slots.next(self.now)
        again = self._next_try()
        if again is None or again >= following:
            again = self.plan.when(following)
            first = following if self.plan.skips else first
        return self._move(first, again, _Step.WAITS)

    def _try_again(self, at: datetime, slot: datetime) -> _Step:
        """Start a run after one that failed, before the next slot comes."""
        if going_on(self.plan.job) is not None:
            return _Step.WAITS
        end = self.plan.blackouts.end_of(self.now)
        if end > self.now:
            return self._move(slot, end if end < slot else self.plan.when(slot), _Step.WAITS)
        if started_slots(self.plan.job).filter(slot_at=at).exists():
            return self._move(slot, self.plan.when(slot), _Step.MOVED)
        try:
            with transaction.atomic():
                run = self.start_run(self.plan.job)
        except PipelineError as error:
            self._record(at, Outcome.REFUSED, str(error))
            again = self._next_try()
            due = again if again is not None and again < slot else self.plan.when(slot)
            return self._move(slot, due, _Step.WAITS)
        self._record(at, Outcome.STARTED, self._why_again(run), 0, run)
        return self._move(slot, self.plan.when(slot), _Step.STARTED)

    def _why_again(self, run: JobRun) -> str:
        before = JobRun.objects.filter(job_id=run.job_id, id__lt=run.pk, state=JobRun.State.FAILED)
        failed = before.order_by("-id").first()
        return f"again, for run {failed.pk} failed" if failed else "again"

    def _next_try(self) -> datetime | None:
        minutes = self.plan.job.retry_minutes
        if not minutes:
            return None
        return self.plan.blackouts.end_of(self.now + timedelta(minutes=minutes))

    def _due(self, first: datetime, until: datetime) -> _Due | None:
        """Return the slots from `first` to `until` for which no run was started yet."""
        taken = self._started().filter(slot_at__gte=first, slot_at__lte=until)
        started = set(taken.values_list("slot_at", flat=True))
        due = _Due(first, first, 1) if first <= until and first not in started else None
        for slot in self.plan.slots.after(first):
            if slot > until:
                break
            if slot in started:
                continue
            due = _Due(due.first, slot, due.count + 1) if due else _Due(slot, slot, 1)
            if self.plan.job.catch_up == Job.CatchUp.ALL:
                break
            if due.count >= COUNTED:
                last = self.plan.slots.last(until)
                return _Due(due.first, last or slot, due.count)
        return due

    def _started(self) -> QuerySet[ScheduleSlot]:
        return started_slots(self.plan.job)

    def _record(
        self,
        slot: datetime,
        outcome: ScheduleSlot.Outcome,
        reason: str = "",
        missed: int = 0,
        run: JobRun | None = None,
    ) -> None:
        """Write the slot's row. One that started no run, as it was refused or as the clock was
        ahead then, makes room for what becomes of the slot now."""
        job = self.plan.job
        values = {"fired_at": self.now, "outcome": outcome, "reason": reason}
        values |= {"missed_count": missed, "run": run}
        rows = ScheduleSlot.objects.filter(job=job, slot_at=slot)
        if not rows.exclude(outcome=Outcome.STARTED).update(**values):
            ScheduleSlot.objects.create(tenant_id=job.tenant_id, job=job, slot_at=slot, **values)

    def _move_on(self, after: datetime) -> _Step:
        slot = self.plan.first_open(after)
        return self._move(slot, self.plan.when(slot), _Step.MOVED)

    def _move(self, slot: datetime, due: datetime, step: _Step) -> _Step:
        Job.objects.filter(pk=self.plan.job.pk).update(next_slot_at=slot, next_run_at=due)
        return step
