"""The bell, toasts of new notices, and the browser's title while nobody looks."""

from collections.abc import Callable
from typing import Literal

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.urls import reverse
from playwright.sync_api import BrowserContext, Page, expect

from jobs.models import JobRun
from notices.events import Event
from notices.models import Notice
from notices.telling import tell
from tenants.scope import every_tenant
from tests.admin.world import World
from tests.browser.conftest import Complaints
from tests.browser.test_site import barriers

pytestmark = pytest.mark.browser

HIDE = """
isHidden => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event('visibilitychange'));
}
"""
"""What the browser does when another tab is looked at, and when this one is again."""

SAY_STARTED = """
url => {
  const toasts = document.createElement('div');
  toasts.className = 'etl-toasts';
  toasts.innerHTML = `<div class="etl-toast etl-toast-success"><span class="etl-toast-text">` +
    `<a href="${url}">Started</a></span></div>`;
  document.body.append(toasts);
}
"""
"""What a page says that starts a run."""

LOOK = "document.dispatchEvent(new Event('visibilitychange'))"


def tell_of(world: World, run: int, event: Event = Event.RUN_FINISHED) -> None:
    state = "failed" if event == Event.RUN_FAILED else "completed"
    payload = {
        "run": {"id": run, "state": state, "records": 5, "rows": 4, "error": "<b>no</b>"},
        "integration": {"id": 1, "name": "jira", "provider": "jira"},
    }
    with transaction.atomic():
        tell(world.tenant.pk, event, f"{event}:{run}", payload)


@pytest.fixture
def home(
    page: Page, address: str, world: World, enter: Callable[[User], None], complaints: Complaints
) -> Page:
    """Home, with the bell loaded, before anything was told."""
    with every_tenant("test"):
        Notice.objects.all().delete()
    enter(world.members["viewer"])
    open_home(page, address)
    return page


def open_home(page: Page, address: str) -> None:
    with page.expect_response(lambda answer: answer.url.endswith(reverse("admin:bell"))):
        page.goto(f"{address}/admin/")


def test_an_empty_bell_says_so(home: Page) -> None:
    home.get_by_role("button", name="Notices").click()
    expect(home.locator("#bell-panel")).to_be_visible()
    expect(home.locator("#bell-note")).to_contain_text("Nothing has been told yet")
    home.keyboard.press("Escape")
    expect(home.locator("#bell-panel")).to_be_hidden()
    expect(home.locator("#bell-open")).to_be_focused()


def test_a_run_that_ends_is_told_in_a_toast_and_counted_and_then_read(
    home: Page, address: str, world: World
) -> None:
    tell_of(world, 7)
    home.evaluate(LOOK)
    expect(home.locator("[data-notice]")).to_have_text("check_circleRun 7 of jira finishedclose")
    expect(home.locator("#bell-count")).to_have_text("1")
    home.get_by_role("button", name="Notices, 1 unread").click()
    row = home.locator("#bell-list a")
    expect(row).to_contain_text("Run 7 of jira finished")
    expect(row).to_have_attribute("href", reverse("admin:jobs_jobrun_change", args=(7,)))
    with home.expect_response(lambda answer: answer.url.endswith(reverse("admin:bell"))):
        home.reload()
    expect(home.locator("#bell-count")).to_be_hidden()
    assert home.locator("[data-notice]").count() == 0


def test_a_failure_stays_until_it_is_closed_and_shows_upstream_text_as_text(
    home: Page, world: World
) -> None:
    tell_of(world, 8, Event.RUN_FAILED)
    home.evaluate(LOOK)
    failure = home.get_by_role("alert").filter(has_text="Run 8 of jira failed")
    expect(failure).to_be_visible()
    home.locator("#bell-open").click()
    expect(home.locator("#bell-list")).to_contain_text("Reason: <b>no</b>")
    failure.get_by_role("button", name="Close this message").click()
    expect(failure).to_have_count(0)


def test_the_title_tells_of_it_while_nobody_looks(home: Page, address: str, world: World) -> None:
    home.clock.install()
    open_home(home, address)
    title = home.title()
    home.evaluate(HIDE, True)
    tell_of(world, 9, Event.RUN_FAILED)
    home.clock.run_for(60_000)
    expect(home).to_have_title(f"✗ jira failed – {title}")
    assert home.locator("[data-notice]").count() == 0
    home.evaluate(HIDE, False)
    expect(home).to_have_title(title)
    expect(home.locator("[data-notice]")).to_have_count(1)


def test_one_of_two_tabs_tells_of_it(
    home: Page, context: BrowserContext, address: str, world: World
) -> None:
    second = context.new_page()
    open_home(second, address)
    tell_of(world, 10)
    home.evaluate(LOOK)
    expect(home.locator("[data-notice]")).to_have_count(1)
    second.evaluate(LOOK)
    expect(second.locator("#bell-count")).to_have_text("1")
    assert second.locator("[data-notice]").count() == 0


def test_a_run_that_ends_between_two_pages_is_told_on_the_second(
    home: Page, address: str, world: World
) -> None:
    tell_of(world, 11)
    home.goto(f"{address}{reverse('admin:preferences')}")
    expect(home.locator("[data-notice]")).to_contain_text("Run 11 of jira finished")


def test_the_end_of_a_run_takes_the_place_of_its_start(home: Page, world: World) -> None:
    run = world.row(JobRun)
    url = reverse("admin:jobs_jobrun_change", args=(run.pk,))
    home.evaluate(SAY_STARTED, url)
    tell_of(world, run.pk)
    home.evaluate(LOOK)
    expect(home.locator(".etl-toast")).to_have_count(1)
    expect(home.locator(".etl-toast a")).to_have_attribute("href", url)
    expect(home.locator(".etl-toast")).to_contain_text("finished")


def test_many_at_once_are_told_in_one_toast(home: Page, world: World) -> None:
    for run in range(20, 26):
        tell_of(world, run)
    home.evaluate(LOOK)
    expect(home.locator("[data-notice]")).to_have_count(1)
    expect(home.locator("[data-notice]")).to_contain_text("6 or more new notices")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_panel_fits_the_screen_and_keeps_nobody_out(
    home: Page, world: World, width: int, scheme: Literal["light", "dark"]
) -> None:
    home.set_viewport_size({"width": width, "height": 844})
    home.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    for run in range(30, 42):
        tell_of(world, run)
    home.evaluate(LOOK)
    expect(home.locator("#bell-count")).to_have_text("12")
    home.locator("#bell-open").click()
    box = home.locator("#bell-panel").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert box["y"] + box["height"] <= 844
    assert barriers(home) == []
    moves = "it => getComputedStyle(it).animationDuration"
    assert float(home.locator("[data-notice]").evaluate(moves).rstrip("s")) < 0.01


def test_a_bell_that_cannot_be_loaded_says_so(
    page: Page, address: str, world: World, enter: Callable[[User], None]
) -> None:
    enter(world.members["viewer"])
    page.route(f"**{reverse('admin:bell')}", lambda route: route.abort())
    page.goto(f"{address}/admin/")
    page.locator("#bell-open").click()
    expect(page.locator("#bell-note")).to_contain_text("cannot be loaded now")
