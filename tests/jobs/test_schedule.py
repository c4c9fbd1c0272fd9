"""Jobs start when they are due, once, in their tenant's time."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from common.errors import UsageError
from jobs import planning, schedule
from jobs.clock import database_now
from jobs.models import Job, JobRun, ScheduleSlot
from tenants.models import Tenant
from tenants.scope import every_tenant
from tests.jobs.conftest import in_threads
from tests.jobs.schedule_world import (
    BEGIN,
    HOUR,
    MINUTE,
    at,
    change,
    end_runs,
    hourly_job,
    planned,
    scheduled_runs,
    slots,
    start,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(run: JobRun) -> Job:
    """An hourly job whose slots are the full hours; that of 11:00 comes next, and none runs."""
    return hourly_job(run)


def test_a_due_job_starts_one_run_and_is_due_again_after_its_interval(job: Job) -> None:
    assert schedule.fire(start, at("11:07")) == 1
    end_runs()
    assert schedule.fire(start, at("11:08")) == 0
    # Not an hour after it was started: slots do not drift.
    assert planned(job) == ("12:00", "12:00")
    assert slots() == [("11:00", "started", 0)]


def test_the_run_of_a_slot_is_kept_with_it(job: Job) -> None:
    schedule.fire(start, at("11:00"))
    with every_tenant("test"):
        slot = ScheduleSlot.objects.get()
        assert slot.run == JobRun.objects.get(trigger="schedule")
        assert slot.fired_at == at("11:00")


def test_the_clock_is_the_databases(job: Job) -> None:
    change(next_slot_at=timezone.now() + HOUR, next_run_at=timezone.now() + HOUR)
    assert schedule.fire(start) == 0
    change(next_slot_at=timezone.now() - MINUTE / 2, next_run_at=timezone.now() - MINUTE / 2)
    assert schedule.fire(start) == 1
    assert abs(database_now() - timezone.now()) < MINUTE


def test_several_schedulers_start_a_due_job_once(job: Job) -> None:
    in_threads(4, lambda _: schedule.fire(start, at("11:00")))
    assert scheduled_runs() == 1
    assert slots() == [("11:00", "started", 0)]


@pytest.mark.parametrize("policy", ["once", "all", "skip"])
def test_a_scheduler_that_dies_while_it_starts_a_run_leaves_the_slot_to_the_others(
    job: Job, policy: str
) -> None:
    change(catch_up=policy)

    def die(job: Job) -> JobRun:
        start(job)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        schedule.fire(die, at("11:00"))
    assert slots() == []
    assert scheduled_runs() == 0
    assert planned(job) == ("11:00", "11:00")
    assert schedule.fire(start, at("11:00")) == 1
    assert slots() == [("11:00", "started", 0)]


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="a session that is ended")
def test_a_scheduler_whose_connection_is_cut_leaves_no_run_and_no_slot(job: Job) -> None:
    is_started, is_cut = threading.Event(), threading.Event()
    pids: list[int] = []

    def hang(job: Job) -> JobRun:
        run = start(job)
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pids.append(cursor.fetchone()[0])
        is_started.set()
        assert is_cut.wait(10)
        return run

    def schedulers(number: int) -> None:
        if number == 0:
            with pytest.raises(Exception, match=r"terminat|clos"):
                schedule.fire(hang, at("11:00"))
            return
        assert is_started.wait(10)
        # The other has the slot in hand.
        assert schedule.fire(start, at("11:00")) == 0
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", pids)
        is_cut.set()
        assert schedule.fire(start, at("11:00")) == 1

    in_threads(2, schedulers)
    assert scheduled_runs() == 1
    assert slots() == [("11:00", "started", 0)]


def test_an_error_with_one_job_does_not_keep_others_from_being_started(job: Job) -> None:
    with every_tenant("test"):
        other = Tenant.objects.create(slug="other", name="Other")
        integration = type(job.integration).objects.create(
            tenant=other, provider="jira", name="other"
        )
        Job.objects.create(
            tenant=other,
            integration=integration,
            interval_minutes=60,
            next_slot_at=at("11:00"),
            next_run_at=at("11:01"),
        )

    def some(due: Job) -> JobRun:
        if due.pk == job.pk:
            raise RuntimeError("a bug")
        return start(due)

    with pytest.raises(RuntimeError, match="a bug"):
        schedule.fire(some, at("11:01"))
    assert scheduled_runs() == 1


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("once", [("15:00", "started", 4)]),
        ("all", [(f"{hour}:00", "started", 0) for hour in range(11, 16)]),
        ("skip", [("15:00", "skipped", 4)]),
    ],
)
def test_what_was_missed_is_caught_up_with_by_policy(
    job: Job, policy: str, expected: list[tuple[str, str, int]]
) -> None:
    change(catch_up=policy)
    for minute in range(20, 26):
        schedule.fire(start, at("15:00") + minute * MINUTE)
        end_runs()
    assert slots() == expected
    assert planned(job) == ("16:00", "16:00")


def test_a_long_outage_is_one_row_and_counted_up_to_a_limit(job: Job) -> None:
    change(interval_minutes=None, cron="* * * * *", catch_up="skip")
    now = BEGIN + timedelta(days=40)
    schedule.fire(start, now + MINUTE / 2)
    with every_tenant("test"):
        missed, fired = ScheduleSlot.objects.order_by("slot_at")
    assert missed.missed_count == schedule.COUNTED - 1
    assert missed.outcome == "skipped"
    assert (fired.slot_at, fired.outcome) == (now, "started")


def test_all_that_was_missed_is_run_one_after_the_other(job: Job) -> None:
    change(catch_up="all")
    assert schedule.fire(start, at("14:00")) == 1
    assert schedule.fire(start, at("14:00")) == 0
    end_runs()
    assert schedule.fire(start, at("14:01")) == 1
    assert [slot[0] for slot in slots()] == ["11:00", "12:00"]


@pytest.mark.parametrize("policy", ["once", "all"])
def test_a_slot_waits_for_the_run_that_goes_on(job: Job, policy: str) -> None:
    change(catch_up=policy)
    with every_tenant("test"):
        JobRun.objects.update(state="running")
    assert schedule.fire(start, at("11:00")) == 0
    assert slots() == []
    end_runs()
    assert schedule.fire(start, at("11:20")) == 1
    assert slots() == [("11:00", "started", 0)]


def test_a_slot_is_skipped_with_its_reason_when_a_run_goes_on(job: Job) -> None:
    change(catch_up="skip")
    with every_tenant("test"):
        JobRun.objects.update(state="running")
    assert schedule.fire(start, at("11:00")) == 0
    assert planned(job) == ("12:00", "12:00")
    with every_tenant("test"):
        assert "still goes on" in ScheduleSlot.objects.get(outcome="skipped").reason


WINDOW = "mon-fri 10:30-13:30"


def test_slots_in_a_blackout_are_put_off_and_merge(job: Job) -> None:
    change(blackouts=WINDOW, next_run_at=None, next_slot_at=None, cron="0 * * * *")
    change(interval_minutes=None)
    schedule.plan(BEGIN)
    assert planned(job) == ("11:00", "13:30")
    for minute in range(0, 210, 5):
        assert schedule.fire(start, BEGIN + minute * MINUTE) == 0
    assert schedule.fire(start, at("13:30")) == 1
    assert slots() == [("13:00", "started", 2)]


def test_slots_in_a_blackout_are_run_each_after_it_if_all_are_wanted(job: Job) -> None:
    change(blackouts=WINDOW, catch_up="all")
    for minute in range(0, 240, 5):
        schedule.fire(start, BEGIN + minute * MINUTE)
        end_runs()
    assert [slot[0] for slot in slots()] == ["11:00", "12:00", "13:00"]
    with every_tenant("test"):
        first = ScheduleSlot.objects.order_by("slot_at")[0]
    assert first.fired_at == at("13:30")


def test_slots_in_a_blackout_are_skipped_if_that_is_wanted(job: Job) -> None:
    change(blackouts=WINDOW, catch_up="skip")
    for hour in ("11:00", "12:00", "13:00", "14:00"):
        schedule.fire(start, at(hour))
    assert [slot[1] for slot in slots()] == ["skipped", "skipped", "skipped", "started"]


def test_a_clock_that_is_set_back_starts_nothing_twice_and_leaves_nothing_out(job: Job) -> None:
    schedule.fire(start, at("11:00"))
    end_runs()
    # The clock jumps ahead by hours, and is set right after a while.
    schedule.fire(start, at("17:30"))
    end_runs()
    assert slots() == [("11:00", "started", 0), ("17:00", "started", 5)]
    for minute in range(5, 480, 5):
        now = at("11:00") + minute * MINUTE
        schedule.plan(now)
        schedule.fire(start, now)
        end_runs()
    assert [slot[0] for slot in slots()] == [f"{hour}:00" for hour in range(11, 19)]
    assert all(slot[1] == "started" for slot in slots())


def test_what_a_clock_that_was_ahead_has_skipped_is_started_in_its_time(job: Job) -> None:
    change(catch_up="skip")
    schedule.fire(start, at("12:30"))
    assert slots() == [("12:00", "skipped", 1)]
    for hour in ("11:00", "12:00"):
        schedule.plan(at(hour) - 5 * MINUTE)
        assert schedule.fire(start, at(hour)) == 1
        end_runs()
    assert slots() == [("11:00", "started", 0), ("12:00", "started", 0)]


def test_a_plan_made_while_the_clock_was_ahead_is_made_anew(job: Job) -> None:
    change(next_slot_at=None, next_run_at=None, interval_minutes=None, cron="0 6 * * *")
    schedule.plan(BEGIN + timedelta(days=400))
    assert schedule.plan(BEGIN) == 1
    with every_tenant("test"):
        assert Job.objects.get().next_run_at == at("6:00", day=6)


def test_a_delay_by_a_clock_that_was_ahead_does_not_last(job: Job) -> None:
    change(blackouts="2027-01-01..2027-01-31")
    schedule.fire(start, datetime(2027, 1, 5, tzinfo=UTC))
    schedule.plan(at("11:00"))
    assert schedule.fire(start, at("11:00")) == 1


@pytest.mark.parametrize(
    "off",
    [
        lambda job: Job.objects.update(is_active=False),
        lambda job: type(job.integration).objects.update(is_active=False),
        lambda job: Tenant.objects.update(is_active=False),
        lambda job: Job.objects.update(interval_minutes=None),
    ],
)
def test_what_is_switched_off_does_not_start(job: Job, off: Callable[[Job], object]) -> None:
    with every_tenant("test"):
        off(job)
    assert schedule.fire(start, at("11:00")) == 0


def test_a_new_schedule_gets_its_first_time(job: Job) -> None:
    change(next_run_at=None, next_slot_at=None)
    assert schedule.plan(BEGIN + MINUTE) == 1
    assert schedule.plan(BEGIN + 2 * MINUTE) == 0
    assert planned(job) == ("11:01", "11:01")


def test_a_tenant_that_moves_to_another_zone_has_its_slots_there(job: Job) -> None:
    change(interval_minutes=None, cron="0 12 * * *", next_slot_at=at("12:00"))
    change(next_run_at=at("12:00"))
    assert schedule.plan(BEGIN) == 0
    Tenant.objects.update(time_zone="America/New_York")
    assert schedule.plan(BEGIN) == 1
    assert planned(job) == ("17:00", "17:00")


def test_a_schedule_that_is_none_is_left_alone_and_stops_no_other(job: Job) -> None:
    change(cron="every day", interval_minutes=None, next_run_at=at("11:00"))
    assert schedule.plan(at("11:00")) == 0
    assert schedule.fire(start, at("11:00")) == 0
    assert slots() == []


def test_windows_that_leave_no_slot_to_be_fired_are_refused(job: Job) -> None:
    job.interval_minutes, job.cron, job.catch_up = None, "0 9 * * *", "skip"
    job.blackouts = "daily 08:00-18:00"
    with pytest.raises(UsageError, match="every slot"):
        planning.checked(job, BEGIN)
    job.catch_up = "once"
    assert planning.checked(job, BEGIN) is not None


def test_slots_of_long_ago_are_removed(job: Job) -> None:
    for hour in ("11:00", "12:00"):
        schedule.fire(start, at(hour))
        end_runs()
    assert schedule.prune(at("11:30") + timedelta(days=90)) == 1
    assert [slot[0] for slot in slots()] == ["12:00"]
