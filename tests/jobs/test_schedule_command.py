"""`manage.py schedule` sets and shows when an integration is synced, and refuses what is wrong."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from jobs import planning, runs, schedule
from jobs.agenda import agenda_of
from jobs.models import Job, JobRun, ScheduleSlot
from tenants.models import Tenant
from tenants.scope import every_tenant

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def job(run: JobRun) -> Job:
    """The job of integration jira-0 of tenant acme, in Berlin, without a schedule."""
    Tenant.objects.update(time_zone="Europe/Berlin")
    with every_tenant("test"):
        JobRun.objects.update(state="completed")
        kept: Job = Job.objects.get()
        return kept


def told(*options: str) -> str:
    """Return what the command says of the integration."""
    out = StringIO()
    call_command("schedule", "--tenant", "acme", "--integration", "jira-0", *options, stdout=out)
    return out.getvalue()


def shown(*options: str) -> dict[str, Any]:
    """Return what the command says as JSON."""
    shown: dict[str, Any] = json.loads(told("--json", *options))["jobs"][0]
    return shown


def kept() -> Job:
    """Return the job as it is in the database now."""
    with every_tenant("test"):
        job: Job = Job.objects.get()
        return job


def test_an_interval_is_set_and_planned_at_once() -> None:
    text = told("--every", "2h")
    assert text.startswith("jira-0: every 2 hours\n")
    assert text.count("  next  ") == 5
    job = kept()
    assert job.interval_minutes == 120
    assert job.next_slot_at is not None
    assert job.next_slot_at == job.next_run_at
    assert timedelta(minutes=119) < job.next_slot_at - datetime.now(UTC) <= timedelta(minutes=120)


def test_a_cron_replaces_the_interval_and_is_shown_in_the_tenants_zone() -> None:
    told("--every", "30m")
    now = shown("--cron", "30 6 * * 1-5")
    assert now["words"] == "at 06:30, Monday through Friday (Europe/Berlin)"
    assert len(now["next"]) == 5
    for text in now["next"]:
        moment = datetime.fromisoformat(text)
        assert (moment.hour, moment.minute) == (6, 30)
        assert moment.weekday() < 5
        assert moment.utcoffset() in (timedelta(hours=1), timedelta(hours=2))
    assert kept().interval_minutes is None


def test_blackouts_are_applied_to_what_comes_next() -> None:
    now = shown("--cron", "0 */4 * * *", "--blackout", "daily 07:00-13:30", "--retry", "0")
    hours = {datetime.fromisoformat(text).strftime("%H:%M") for text in now["next"]}
    assert hours <= {"00:00", "04:00", "13:30", "16:00", "20:00"}
    assert "13:30" in hours
    now = shown("--catch-up", "skip")
    hours = {datetime.fromisoformat(text).strftime("%H:%M") for text in now["next"]}
    assert hours <= {"00:00", "04:00", "16:00", "20:00"}
    assert "skipped" in told()
    assert shown("--no-blackouts")["blackouts"] == []


@pytest.mark.parametrize("hour", range(24))
def test_a_slot_that_a_blackout_skips_never_comes_next(job: Job, hour: int) -> None:
    now = datetime(2026, 6, 1, hour, 30, tzinfo=UTC)
    with every_tenant("test"):
        job.cron, job.blackouts, job.catch_up = "0 */4 * * *", "daily 07:00-13:30", "skip"
        planning.replan(job, now)
        coming = agenda_of(job, now)["next"]
    assert {moment.hour for moment in coming} <= {0, 4, 16, 20}
    assert len(coming) == 5


def test_a_schedule_is_switched_off_and_on() -> None:
    told("--every", "1d")
    assert ", off" in told("--off")
    assert kept().next_run_at is None
    assert shown()["next"] == []
    assert len(shown("--on")["next"]) == 5
    assert kept().next_run_at is not None


def test_the_last_slots_are_shown_with_what_became_of_them() -> None:
    told("--every", "1h")
    job = kept()
    assert job.next_slot_at is not None

    def start(job: Job) -> JobRun:
        return runs.start(job.integration, JobRun.Trigger.SCHEDULE, JobRun.Mode.INCREMENTAL)

    schedule.fire(schedule.refuse, job.next_slot_at)
    assert "refused: integration 'jira-0' has no live source" in told()
    schedule.fire(start, job.next_slot_at + timedelta(hours=3))
    text = told()
    with every_tenant("test"):
        slot = ScheduleSlot.objects.get(outcome="started")
    assert f"started run {slot.run_id} (running), for 3 earlier slots, too" in text
    assert shown()["last"][0]["missed"] == 3


def test_without_an_integration_all_of_the_tenant_are_listed() -> None:
    told("--every", "1h")
    out = StringIO()
    call_command("schedule", "--tenant", "acme", "--json", stdout=out)
    assert [job["integration"] for job in json.loads(out.getvalue())["jobs"]] == ["jira-0"]


def test_an_integration_that_never_had_a_schedule_is_shown_without_and_can_get_one() -> None:
    with every_tenant("test"):
        Job.objects.all().delete()
    assert told() == "jira-0: no schedule\n"
    with every_tenant("test"):
        assert not Job.objects.exists()
    assert told("--every", "30m").startswith("jira-0: every 30 minutes\n")


def test_a_schedule_that_cannot_be_kept_is_shown_as_such() -> None:
    with every_tenant("test"):
        Job.objects.update(cron="every day")
    assert "cannot be kept: the schedule 'every day' is no cron expression" in told("--show")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--every", "soon"], r"--every 'soon' .*30m, 2h or 1d"),
        (["--every", "0m"], r"--every '0m'"),
        (["--every", "400d"], r"up to 366d"),
        (["--every", "1h", "--cron", "@daily"], r"give one of them"),
        (["--every", "1h", "--cron", ""], r"give one of them"),
        (["--blackout", " "], r"--no-blackouts"),
        (["--cron", "61 * * * *"], r"'61 \* \* \* \*' is no cron expression: .*such as"),
        (["--cron", "* * * * * *"], r"no cron expression"),
        (["--blackout", "weekdays 08:00-18:00"], r"line 1: .*mon-fri 08:00-18:00"),
        (["--every", "1h", "--blackout", "daily 00:00-24:00"], r"cover the whole week"),
        (
            ["--cron", "0 9 * * *", "--blackout", "daily 8:00-10:00", "--catch-up", "skip"],
            r"cover every slot",
        ),
        (["--no-blackouts", "--blackout", "daily 8:00-10:00"], r"exclude each other"),
        (["--retry", "1"], r"--retry '1'"),
        (["--show", "--on"], r"leave it out"),
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(options: list[str], says: str) -> None:
    told("--every", "2h")
    before = shown()
    with pytest.raises(CommandError, match=says) as refused:
        told(*options)
    assert refused.value.returncode == 2
    assert shown() == before


def test_a_tenant_or_integration_that_is_not_there_is_refused() -> None:
    with pytest.raises(CommandError, match="there is no tenant 'nobody'"):
        call_command("schedule", "--tenant", "nobody")
    with pytest.raises(CommandError, match="there are: jira-0"):
        call_command("schedule", "--tenant", "acme", "--integration", "x")
    with pytest.raises(CommandError, match="--integration"):
        call_command("schedule", "--tenant", "acme", "--every", "1h")
