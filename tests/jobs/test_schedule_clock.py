"""Two schedulers and a clock that jumps: no slot twice, and none lost unless the policy says so."""

import random
import threading
from bisect import bisect
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from django.db import connections

from common.errors import UsageError
from integrations.models import Integration
from jobs import schedule
from jobs.models import Job, JobRun, ScheduleSlot
from jobs.run_retries import after_run
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.jobs.schedule_model import ModelJob, watched

pytestmark = pytest.mark.django_db(transaction=True)

TICKS: Final = 2_500  # of schedulers; two of them tick at the same time more often than not
DAY: Final = timedelta(days=1)
OFFICE: Final = "mon-fri 08:00-18:00"
NIGHTS: Final = "sat,sun 22:00-06:00\ndaily 12:00-13:00"


def never(wall: datetime) -> bool:
    return False


def in_office(wall: datetime) -> bool:
    return wall.weekday() < 5 and 8 <= wall.hour < 18


def at_night(wall: datetime) -> bool:
    late = wall.weekday() >= 5 and wall.hour >= 22
    early = wall.weekday() in (6, 0) and wall.hour < 6
    return late or early or wall.hour == 12


@dataclass(frozen=True)
class Kind:
    """A job of the test. minutes: of its interval, if it has no cron. tries: has refused starts
    and runs that fail and are tried again, which the model does not know."""

    policy: str
    zone: str
    cron: str = ""
    minutes: int = 0
    blackouts: str = ""
    tries: bool = False

    def is_dark(self, moment: datetime) -> bool:
        wall = moment.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        return {"": never, OFFICE: in_office, NIGHTS: at_night}[self.blackouts](wall)

    def slots(self, now: datetime, begin: datetime, end: datetime) -> list[datetime]:
        if self.cron:
            return list(watched(self.cron, ZoneInfo(self.zone), begin, end))
        every = timedelta(minutes=self.minutes)
        count = (begin - now) // every, (end - now) // every
        return [now + number * every for number in range(*count)]


KINDS: Final = (
    Kind("once", "Europe/Berlin", cron="*/15 * * * *"),
    Kind("all", "Europe/Berlin", cron="30 1-3 * * *"),
    Kind("skip", "America/New_York", cron="0 */2 * * *", blackouts=OFFICE),
    Kind("once", "Australia/Lord_Howe", minutes=37, blackouts=NIGHTS),
    Kind("all", "Europe/Berlin", minutes=180, blackouts=OFFICE),
    Kind("skip", "UTC", minutes=5),
    Kind("once", "America/New_York", cron="10 * * * *", tries=True),
    Kind("all", "Europe/Berlin", minutes=90, blackouts=OFFICE, tries=True),
)


class Clock:
    """Goes on by seconds, minutes, or, when no scheduler is there, by hours; it is ahead or
    behind for a while, by minutes up to days, and is set right again."""

    def __init__(self, chance: random.Random, begin: datetime) -> None:
        self._chance = chance
        self._real = begin
        self._skew = timedelta()
        self._left = 0

    def tick(self) -> datetime:
        chance = self._chance
        most = chance.choices((60, 900, 20_000), (70, 28, 2))[0]
        self._real += timedelta(seconds=chance.uniform(1, most))
        if self._left:
            self._left -= 1
        else:
            self._skew = timedelta()
            if chance.random() < 0.03:
                self._left = chance.randrange(1, 20)
                hours = chance.choice((-30, -3, -0.5, 0.5, 3, 48)) * chance.random()
                self._skew = timedelta(hours=hours)
        return self._real + self._skew

    def set_right(self) -> datetime:
        self._skew, self._left = timedelta(), 0
        return self._real


class World:
    """The jobs, their models, and two schedulers with connections of their own."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.begin = datetime(2026, *((3, 26), (10, 22))[seed % 2], 9, 0, 3, tzinfo=UTC)
        self.clock = Clock(self.chance, self.begin)
        # Three of them a world; those of seeds 1, 4, 6 and 7 are all there are.
        self._kinds = [kind for number, kind in enumerate(KINDS) if (number + seed) % 8 < 3]
        self.jobs: dict[int, Kind] = {}
        self.models: dict[int, ModelJob] = {}
        self.refusing: set[int] = set()
        self.dark_starts: list[tuple[int, datetime]] = []
        self.ticks = 0
        self._now = self.begin
        self._doomed = threading.local()
        self._schedulers = [ThreadPoolExecutor(1) for _ in range(2)]

    def make(self) -> None:
        """Make the jobs; each in a tenant of its own, for its time zone."""
        limits = (self.begin - 3 * DAY).replace(second=0), self.begin + 40 * DAY
        for number, kind in enumerate(self._kinds):
            tenant = Tenant.objects.create(
                slug=f"t{number}", name=f"T{number}", time_zone=kind.zone
            )
            integration = Integration.objects.create(
                tenant=tenant, provider="jira", name=f"i{number}"
            )
            job = Job.objects.create(
                tenant=tenant,
                integration=integration,
                cron=kind.cron,
                interval_minutes=kind.minutes or None,
                catch_up=kind.policy,
                blackouts=kind.blackouts,
                retry_minutes=7 if kind.tries else 0,
            )
            self.jobs[job.pk] = kind
            self.models[job.pk] = ModelJob(
                kind.policy, kind.slots(self.begin, *limits), kind.is_dark
            )
            self.models[job.pk].begin(self.begin)
        schedule.plan(self.begin)

    def start(self, job: Job) -> JobRun:
        """Start a run, unless it is refused, or the scheduler dies when it has half done so."""
        if self.jobs[job.pk].is_dark(self._now):
            self.dark_starts.append((job.pk, self._now))
        if job.pk in self.refusing:
            raise UsageError("not now")
        run: JobRun = JobRun.objects.create(
            tenant_id=job.tenant_id,
            job=job,
            integration=job.integration,
            trigger=JobRun.Trigger.SCHEDULE,
            mode=JobRun.Mode.INCREMENTAL,
        )
        if getattr(self._doomed, "is_so", False):
            raise RuntimeError("killed")
        return run

    def tick(self, now: datetime) -> None:
        """Let the schedulers, both or one of them, do what is due; the model does the same."""
        self._now = now
        chance = self.chance
        tried = [pk for pk, kind in self.jobs.items() if kind.tries]
        self.refusing = {pk for pk in tried if chance.random() < 0.1}
        there = chance.choice(((0, 1), (0, 1), (0, 1), (0,), (1,)))
        killed = chance.randrange(2) if chance.random() < 0.05 else None
        self.ticks += len(there)
        barrier = threading.Barrier(len(there))
        at_work: list[Future[None]] = [
            self._schedulers[each].submit(self._work, now, barrier, each == killed)
            for each in there
        ]
        for future in at_work:
            future.result(60)
        if killed is not None:
            survivor = self._schedulers[1 - killed]
            survivor.submit(self._work, now, threading.Barrier(1), False).result(60)
        for pk, model in self.models.items():
            if not self.jobs[pk].tries:
                model.tick(now)

    def _work(self, now: datetime, barrier: threading.Barrier, is_doomed: bool) -> None:
        self._doomed.is_so = is_doomed
        barrier.wait(60)
        try:
            schedule.plan(now)
            schedule.fire(self.start, now)
        except RuntimeError:
            assert is_doomed

    def end_runs(self, now: datetime) -> None:
        """See that the runs that go on are those of the model, and end some of them."""
        going = {run.job_id: run for run in JobRun.objects.filter(state="running")}
        for pk, kind in self.jobs.items():
            is_over, is_bad = self.chance.random() < 0.7, self.chance.random() < 0.3
            if not kind.tries:
                assert (pk in going) == self.models[pk].is_running, (kind, now)
            if pk in going and is_over:
                run = going[pk]
                run.state = "failed" if is_bad else "completed"
                run.save(update_fields=["state"])
                after_run(run, run.state, now)
                self.models[pk].is_running = False

    def close(self) -> None:
        for scheduler in self._schedulers:
            scheduler.submit(connections.close_all).result(60)
            scheduler.shutdown()


@pytest.fixture
def world(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[World]:
    """The world of a seed."""
    made = World(request.param)
    with every_tenant("test"):
        made.make()
        yield made
    made.close()


def check(world: World, now: datetime) -> None:
    """Check rows and runs against the model, and against what holds for all of them."""
    assert world.dark_starts == []
    for pk, kind in world.jobs.items():
        rows = {row.slot_at: row for row in ScheduleSlot.objects.filter(job_id=pk)}
        told = {slot: (row.outcome, row.missed_count) for slot, row in rows.items()}
        started = [row for row in rows.values() if row.outcome == "started"]
        # Not one run more than slots that have started one.
        runs = sorted(JobRun.objects.filter(job_id=pk).values_list("pk", flat=True))
        assert sorted(row.run_id for row in started) == runs, kind
        if not kind.tries:
            assert told == world.models[pk].rows, kind
            continue
        slots = world.models[pk].slots
        past = [slot for slot in slots if world.begin < slot <= now]
        for row in started:
            assert row.slot_at in slots or row.reason.startswith("again"), (kind, row)
        if kind.policy == "all":
            assert {slot for slot in past if told.get(slot, "")[0] != "started"} == set()
        else:
            fired = sorted(row.slot_at for row in started if row.slot_at in slots)
            assert all(bisect(fired, now) > bisect(fired, slot - DAY) for slot in past), kind


@pytest.mark.slow
@pytest.mark.parametrize(
    "world",
    [1, *(pytest.param(seed, marks=pytest.mark.thorough) for seed in (4, 6, 7))],
    indirect=True,
)
def test_two_schedulers_and_a_clock_that_jumps_start_each_slot_once(world: World) -> None:
    while world.ticks < TICKS:
        now = world.clock.tick()
        world.tick(now)
        world.end_runs(now)
    now = world.clock.set_right()
    for _ in range(200):
        now += timedelta(seconds=1)
        world.tick(now)
        world.end_runs(now)
    check(world, now - DAY)
