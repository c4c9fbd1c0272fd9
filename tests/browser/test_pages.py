"""What a person sees in a browser: it works, fits, and complains of nothing."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from jobs.models import JobRun, QueueEntry, RunLog
from tenants.scope import tenant_scope
from tests.admin.world import World, make_world, tenant_models
from tests.browser.conftest import Complaints
from warehouse.models import WorkItem

pytestmark = pytest.mark.browser

HOSTILE = "<script>alert(1)</script> \"'{{ 7*7 }} <img src=x onerror=alert(2)>"
NO_SOCKET = """
window.WebSocket = class {
  constructor() { setTimeout(() => this.onclose({ code: 1006 }), 0); }
  close() {}
};
"""


def finish_a_step(world: World, records: int) -> None:
    """Let the run of the world have one more step, done, with so many records."""
    run = world.row(JobRun)
    with tenant_scope(world.tenant.pk):
        QueueEntry.objects.create(
            tenant=world.tenant,
            run=run,
            integration_id=run.integration_id,
            stage="transform",
            stream="issues",
            key=f"transform/{records}",
            state="done",
            priority=2,
            run_at=timezone.now(),
            record_count=records,
        )


@pytest.fixture
def running(world: World) -> JobRun:
    """A run that is going on, without steps."""
    run: JobRun = world.row(JobRun)
    with tenant_scope(world.tenant.pk):
        QueueEntry.objects.all().delete()
        run.state, run.finished_at, run.error = "running", None, ""
        run.save()
    return run


def test_logging_in_by_the_form_leads_home(
    page: Page, address: str, world: World, complaints: Complaints
) -> None:
    user = world.members["viewer"]
    user.set_password("a long password")
    user.save()
    page.goto(f"{address}/")
    page.fill("[name=username]", user.username)
    page.fill("[name=password]", "a long password")
    page.click("button[type=submit]")
    expect(page).to_have_url(f"{address}/admin/")
    expect(page.get_by_role("link", name="Work items").first).to_be_visible()
    expect(page.locator(".etl-figure").first).to_contain_text("1")


def test_home_without_any_run_says_what_to_do(
    page: Page, address: str, world: World, enter: Callable[[User], None]
) -> None:
    with tenant_scope(world.tenant.pk):
        JobRun.objects.all().delete()
    enter(world.members["admin"])
    page.goto(f"{address}/admin/")
    expect(page.get_by_text(f"import_raw DIRECTORY --tenant {world.tenant.slug}")).to_be_visible()


def test_text_of_a_source_stays_text(
    page: Page,
    address: str,
    world: World,
    enter: Callable[[User], None],
    complaints: Complaints,
) -> None:
    enter(world.members["viewer"])
    with tenant_scope(world.tenant.pk):
        WorkItem.objects.update(title=HOSTILE, labels=[HOSTILE], description=HOSTILE)
        RunLog.objects.create(tenant=world.tenant, run=world.row(JobRun), message=HOSTILE)
        QueueEntry.objects.update(state="dead", error=HOSTILE, stream=HOSTILE[:60])
    page.goto(f"{address}/admin/warehouse/workitem/")
    expect(page.locator("#result_list")).to_contain_text("<script>alert(1)</script>")
    page.click(f"text={world.row(WorkItem).key}")
    expect(page.locator("h1").first).to_contain_text(HOSTILE)
    page.goto(f"{address}/admin/jobs/jobrun/{world.row(JobRun).pk}/change/")
    expect(page.locator("#run-log")).to_contain_text(HOSTILE)
    expect(page.locator("#run-dead-steps")).to_contain_text(HOSTILE)
    page.goto(f"{address}/admin/jobs/queueentry/")
    expect(page.locator("#result_list")).to_contain_text("<script>alert(1)</script>")


def test_the_run_page_shows_progress_as_it_happens(
    page: Page,
    address: str,
    world: World,
    running: JobRun,
    enter: Callable[[User], None],
    complaints: Complaints,
) -> None:
    enter(world.members["viewer"])
    page.goto(f"{address}/admin/jobs/jobrun/{running.pk}/change/")
    expect(page.locator("#run-live")).to_have_text("Live")
    loaded = page.evaluate("performance.timeOrigin")
    finish_a_step(world, 1200)
    expect(page.locator("#run-records")).to_have_text("1,200")
    finish_a_step(world, 345)
    expect(page.locator("#run-records")).to_have_text("1,545")
    expect(page.locator("[data-stage=transform]")).to_contain_text("2 of 2")
    with tenant_scope(world.tenant.pk):
        JobRun.objects.filter(pk=running.pk).update(state="completed", finished_at=timezone.now())
    expect(page.locator("#run-state")).to_have_text("Completed")
    expect(page.locator("#run-live")).to_have_text("Finished")
    assert page.evaluate("performance.timeOrigin") == loaded


def test_without_a_socket_the_run_page_polls_and_says_so(
    page: Page, address: str, world: World, running: JobRun, enter: Callable[[User], None]
) -> None:
    enter(world.members["viewer"])
    page.add_init_script(NO_SOCKET)
    page.goto(f"{address}/admin/jobs/jobrun/{running.pk}/change/")
    expect(page.locator("#run-live")).to_contain_text("Not live", timeout=10_000)
    finish_a_step(world, 77)
    expect(page.locator("#run-records")).to_have_text("77", timeout=10_000)


def test_an_operator_chooses_a_tenant(
    page: Page,
    address: str,
    world: World,
    enter: Callable[[User], None],
    complaints: Complaints,
) -> None:
    other = make_world("theirs")
    enter(User.objects.create(username="operator", is_superuser=True))
    page.goto(f"{address}/admin/")
    page.get_by_text("Every tenant").first.click()
    page.locator("#nav-sidebar").get_by_role("button", name=other.tenant.name).click()
    expect(page.locator("#nav-sidebar")).to_contain_text(other.tenant.name)
    page.goto(f"{address}/admin/warehouse/workitem/")
    expect(page.locator("#result_list")).to_contain_text(other.row(WorkItem).key)
    expect(page.locator("#result_list")).not_to_contain_text(world.row(WorkItem).key)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_and_complains_of_nothing(
    page: Page,
    address: str,
    world: World,
    enter: Callable[[User], None],
    complaints: Complaints,
    width: int,
    scheme: str,
) -> None:
    enter(world.members["admin"])
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    paths = [reverse("admin:index")]
    for model in tenant_models():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        paths += [
            reverse(f"{name}_changelist"),
            reverse(f"{name}_change", args=(world.row(model).pk,)),
        ]
    for path in paths:
        page.goto(address + path)
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert over <= 0, f"{path} is {over} px too wide"
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = float(re.findall(r"[\d.]+", colour)[0])
        lightness = lightness if colour.startswith("oklch") else lightness / 255
        assert (lightness < 0.5) == (scheme == "dark"), f"{path} is {colour}"
