"""The Jobs page and the page of a job in a browser: they climb, they foresee, they fit."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from integrations.models import Integration
from jobs.models import Job, JobRun, QueueEntry
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.browser.conftest import Complaints

pytestmark = pytest.mark.browser

EVERY_LOOK = pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]
)


@pytest.fixture
def job(world: World) -> Job:
    """A job that can be run, with a schedule that is off, and a run that has ended."""
    found: Job = world.row(Job)
    with tenant_scope(world.tenant.pk):
        QueueEntry.objects.all().delete()
        ended = timezone.now() - timedelta(hours=1)
        JobRun.objects.update(state="completed", mode="incremental", error="", finished_at=ended)
        Integration.objects.update(
            name="hub", provider="github", is_active=True, is_healthy=True, credentials="sealed"
        )
        Job.objects.filter(pk=found.pk).update(
            cron="", interval_minutes=None, blackouts="", catch_up="once", is_active=False
        )
    world.tenant.time_zone = "Europe/Berlin"
    world.tenant.save()
    return found


def begin_a_run(job: Job) -> JobRun:
    with tenant_scope(job.tenant_id):
        run: JobRun = JobRun.objects.create(
            tenant_id=job.tenant_id,
            job=job,
            integration_id=job.integration_id,
            trigger="manual",
            mode="incremental",
            state="running",
        )
    return run


def finish_a_step(run: JobRun, records: int) -> None:
    with tenant_scope(run.tenant_id):
        QueueEntry.objects.create(
            tenant_id=run.tenant_id,
            run=run,
            integration_id=run.integration_id,
            stage="transform",
            stream="issues",
            key=f"transform/{records}",
            state="done",
            priority=2,
            run_at=timezone.now(),
            finished_at=timezone.now(),
            record_count=records,
        )


def look(page: Page, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")


def over(page: Page) -> int:
    """By how many pixels the page is too wide."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return wide


@EVERY_LOOK
def test_a_row_of_the_jobs_page_follows_a_run_from_its_start_to_its_end(
    page: Page,
    address: str,
    job: Job,
    world: World,
    enter: Callable[[User], None],
    complaints: Complaints,
    width: int,
    scheme: str,
) -> None:
    enter(world.members["editor"])
    look(page, width, scheme)
    page.goto(address + reverse("admin:jobs_job_changelist"))
    row = page.locator(f'[data-job="{job.pk}"]')
    expect(page.locator("#jobs-live")).to_have_text("Live")
    expect(row.get_by_role("button", name="Run hub")).to_be_visible()
    loaded = page.evaluate("performance.timeOrigin")
    run = begin_a_run(job)
    expect(row.get_by_role("button", name="Pause hub")).to_be_visible()
    finish_a_step(run, 1200)
    expect(row.locator("[data-part=records]")).to_have_text("1,200")
    finish_a_step(run, 345)
    expect(row.locator("[data-part=records]")).to_have_text("1,545")
    assert over(page) <= 0
    with tenant_scope(job.tenant_id):
        JobRun.objects.filter(pk=run.pk).update(state="completed", finished_at=timezone.now())
    expect(row.locator("[data-part=state]")).to_have_text("Completed")
    expect(row.get_by_role("button", name="Run hub")).to_be_visible()
    expect(row.locator("[data-part=records]")).to_have_text("1,545")
    assert page.evaluate("performance.timeOrigin") == loaded


@EVERY_LOOK
def test_the_next_five_times_follow_what_is_typed_into_the_schedule(
    page: Page,
    address: str,
    job: Job,
    world: World,
    enter: Callable[[User], None],
    complaints: Complaints,
    width: int,
    scheme: str,
) -> None:
    enter(world.members["admin"])
    look(page, width, scheme)
    page.goto(address + reverse("admin:jobs_job_change", args=(job.pk,)))
    following = page.locator("#schedule-next li")
    expect(following).to_have_count(0)
    page.get_by_role("button", name="Daily at 03:00").click()
    expect_five(following, "03:00")
    page.locator("#id_cron").fill("45 17 * * 1-5")
    expect_five(following, "17:45")
    page.locator("#id_cron").fill("61 * * * *")
    expect(page.locator("[data-error=cron]")).to_contain_text("61")
    expect(following).to_have_count(0)
    page.locator("#id_cron").fill("45 17 * * 1-5")
    expect_five(following, "17:45")
    expect(page.locator("[data-error=cron]")).to_have_text("")
    assert over(page) <= 0
    page.locator("#schedule-save").click()
    expect(page.locator(".etl-toast").first).to_contain_text("The schedule is saved.")
    assert schedule_of(job) == ("45 17 * * 1-5", True)
    expect_five(following, "17:45")
    page.locator(".etl-toast").get_by_role("button", name="Undo").click()
    expect(following).to_have_count(0)
    assert schedule_of(job) == ("", False)


def expect_five(following: Locator, time: str) -> None:
    """Wait until five times are shown, each at this time of the day."""
    expect(following.filter(has_text=time)).to_have_count(5)
    expect(following).to_have_count(5)


def schedule_of(job: Job) -> tuple[str, bool]:
    with tenant_scope(job.tenant_id):
        found = Job.objects.get(pk=job.pk)
    return found.cron, found.is_active


def test_the_page_of_a_job_follows_its_run_and_keeps_what_is_being_typed(
    page: Page,
    address: str,
    job: Job,
    world: World,
    enter: Callable[[User], None],
    complaints: Complaints,
) -> None:
    run = begin_a_run(job)
    enter(world.members["admin"])
    page.goto(address + reverse("admin:jobs_job_change", args=(job.pk,)))
    expect(page.locator("#job-live")).to_have_text("Live")
    page.locator("#id_blackouts").fill("daily 01:00-02:00")
    finish_a_step(run, 1200)
    expect(page.locator("#job-records")).to_have_text("1,200")
    with tenant_scope(job.tenant_id):
        JobRun.objects.filter(pk=run.pk).update(state="completed", finished_at=timezone.now())
    expect(page.locator("#job-state")).to_have_text("Completed")
    expect(page.locator("#id_blackouts")).to_have_value("daily 01:00-02:00")
