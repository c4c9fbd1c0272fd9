"""What the schedule does about starts that are refused and runs that fail."""

import pytest
from django.utils import timezone

from jobs import runs, schedule
from jobs.models import Job, JobRun, RunLog, ScheduleSlot
from tenants.scope import every_tenant
from tests.jobs.schedule_world import (
    MINUTE,
    at,
    change,
    end_runs,
    hourly_job,
    no_start,
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


@pytest.mark.parametrize("policy", ["once", "all", "skip"])
def test_a_job_that_cannot_start_leaves_no_run_and_is_tried_again_later(
    job: Job, policy: str
) -> None:
    change(retry_minutes=5, catch_up=policy)
    assert schedule.fire(no_start, at("11:00")) == 0
    assert scheduled_runs() == 0
    assert slots() == [("11:00", "refused", 0)]
    assert planned(job) == ("11:00", "11:05")
    with every_tenant("test"):
        assert ScheduleSlot.objects.get().reason == "the site is not configured"
    assert schedule.fire(start, at("11:04")) == 0
    assert schedule.fire(start, at("11:06")) == 1
    assert slots() == [("11:00", "started", 0)]
    assert planned(job) == ("12:00", "12:00")


@pytest.mark.parametrize("policy", ["once", "all", "skip"])
def test_a_job_that_cannot_start_is_not_tried_again_before_its_next_slot_if_so_wanted(
    job: Job, policy: str
) -> None:
    change(retry_minutes=0, catch_up=policy)
    schedule.fire(no_start, at("11:00"))
    assert schedule.fire(no_start, at("11:59")) == 0
    assert planned(job)[1] == "12:00"


@pytest.mark.parametrize(("policy", "outcomes"), [("once", []), ("all", []), ("skip", ["skipped"])])
def test_a_run_that_is_begun_by_hand_at_that_very_moment_is_a_run_that_goes_on(
    job: Job, monkeypatch: pytest.MonkeyPatch, policy: str, outcomes: list[str]
) -> None:
    change(catch_up=policy)
    with every_tenant("test"):
        by_hand = JobRun.objects.first()
    seen = [None, by_hand]
    monkeypatch.setattr(schedule, "going_on", lambda job: seen.pop(0))
    assert schedule.fire(no_start, at("11:00")) == 0
    assert [slot[1] for slot in slots()] == outcomes
    assert planned(job)[1] == ("12:00" if outcomes else "11:00")


def test_an_integration_without_a_live_source_starts_nothing(job: Job) -> None:
    with every_tenant("test"):
        lines = RunLog.objects.count()
    assert schedule.fire(schedule.refuse, at("11:00")) == 0
    assert scheduled_runs() == 0
    with every_tenant("test"):
        assert RunLog.objects.count() == lines
        assert "no live source" in ScheduleSlot.objects.get().reason


def test_a_failed_run_is_followed_by_others_that_wait_ever_longer(job: Job) -> None:
    change(retry_minutes=10)
    schedule.fire(start, at("11:00"))
    end_runs("failed", at("11:01"))
    assert planned(job) == ("12:00", "11:11")
    assert schedule.fire(start, at("11:11")) == 1
    end_runs("failed", at("11:12"))
    assert planned(job) == ("12:00", "11:32")
    assert schedule.fire(start, at("11:32")) == 1
    end_runs("failed", at("11:33"))
    # Forty minutes later is after the next slot.
    assert planned(job) == ("12:00", "12:00")
    assert [slot[0] for slot in slots()] == ["11:00", "11:11", "11:32"]
    with every_tenant("test"):
        assert "failed" in ScheduleSlot.objects.get(slot_at=at("11:11")).reason


def test_a_run_that_ends_well_begins_the_waits_anew(job: Job) -> None:
    change(retry_minutes=10)
    for hour, state in (("11:00", "failed"), ("12:00", "completed"), ("13:00", "failed")):
        schedule.fire(start, at(hour))
        end_runs(state, at(hour))
    assert planned(job) == ("14:00", "13:10")


def test_a_good_run_by_hand_makes_another_try_needless(job: Job) -> None:
    schedule.fire(start, at("11:00"))
    end_runs("failed", at("11:01"))
    with every_tenant("test"):
        runs.start(job.integration, JobRun.Trigger.MANUAL, JobRun.Mode.INCREMENTAL)
    assert schedule.fire(start, at("11:20")) == 0
    end_runs("completed", at("11:21"))
    assert planned(job) == ("12:00", "12:00")


@pytest.mark.parametrize(
    ("state", "trigger", "minutes"),
    [("cancelled", "schedule", 10), ("failed", "manual", 10), ("failed", "schedule", 0)],
)
def test_nothing_follows_what_was_cancelled_or_by_hand_or_is_not_to_be_tried_again(
    job: Job, state: str, trigger: str, minutes: int
) -> None:
    change(retry_minutes=minutes)
    schedule.fire(start, at("11:00"))
    with every_tenant("test"):
        JobRun.objects.filter(state="running").update(trigger=trigger)
    end_runs(state, at("11:01"))
    assert planned(job) == ("12:00", "12:00")


def test_another_try_keeps_out_of_a_blackout(job: Job) -> None:
    change(retry_minutes=10, blackouts="daily 11:05-11:40")
    schedule.fire(start, at("11:00"))
    end_runs("failed", at("11:01"))
    assert planned(job) == ("12:00", "11:40")


def test_the_end_of_a_run_plans_another_try(job: Job) -> None:
    schedule.fire(start, timezone.now())
    with every_tenant("test"):
        run = JobRun.objects.get(trigger="schedule")
        step = run.steps.create(
            tenant=run.tenant,
            integration=run.integration,
            stage="extract",
            stream="issues",
            key="one",
            priority=1,
            run_at=timezone.now(),
            state="dead",
        )
    assert step.error == ""
    assert runs.finish_if_done(run.pk) == "failed"
    with every_tenant("test"):
        row = Job.objects.get()
    assert row.next_slot_at is not None
    assert row.next_run_at is not None
    assert row.next_run_at < row.next_slot_at or row.next_slot_at - timezone.now() < 15 * MINUTE
