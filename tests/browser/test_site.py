"""The site in a browser: readable in every theme, usable by keyboard, and true to preferences."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from jobs.models import JobRun
from tenants.models import Preferences
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.browser.conftest import Complaints
from warehouse.models import WorkItem

pytestmark = pytest.mark.browser

LOOKS = [
    pytest.param("light", False, id="light"),
    pytest.param("dark", False, id="dark"),
    pytest.param("light", True, id="light-contrast"),
    pytest.param("dark", True, id="dark-contrast"),
]
OTHERS = (
    "admin:preferences",
    "admin:roles",
    "admin:password_change",
    "admin:tenants_invitation_add",
)


def prefer(user: User, **chosen: Any) -> None:
    Preferences.objects.update_or_create(user=user, defaults=chosen)


def addresses(user: User) -> list[str]:
    """Every page of the user's sidebar, and those of the user menu."""
    client = Client()
    client.force_login(user)
    groups = client.get(reverse("admin:index")).context["sidebar_navigation"]
    listed = [str(item["link"]) for group in groups for item in group["items"]]
    return [*listed, *(reverse(name) for name in OTHERS)]


def barriers(page: Page) -> list[str]:
    """What axe-core finds that keeps people out."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:160]} – {node.get('failureSummary', '')[:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
        for node in rule["nodes"][:3]
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "high_contrast"), LOOKS)
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_of_the_sidebar_is_readable_and_fits(
    width: int,
    theme: str,
    high_contrast: bool,
    page: Page,
    address: str,
    world: World,
    enter: Callable[[User], None],
    complaints: Complaints,
) -> None:
    user = world.members["admin"]
    prefer(user, theme=theme, high_contrast=high_contrast, reduced_motion=True)
    enter(user)
    page.set_viewport_size({"width": width, "height": 844})
    found = []
    for path in addresses(user):
        page.goto(address + path)
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        found += [f"{path} is {over} px too wide"] if over > 0 else []
        found += [f"{path}: {each}" for each in barriers(page)]
    assert found == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_login_and_errors_are_readable(
    theme: str, page: Page, address: str, world: World, enter: Callable[[User], None]
) -> None:
    page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    for path in ("/admin/login/", "/nowhere", "/admin/join/"):
        page.goto(address + path)
        assert barriers(page) == [], path
        dark = page.evaluate("document.documentElement.classList.contains('dark')")
        assert dark is (theme == "dark"), path


def test_the_preferred_theme_wins_over_the_system_and_what_the_browser_kept(
    page: Page, address: str, world: World, enter: Callable[[User], None]
) -> None:
    user = world.members["viewer"]
    prefer(user, theme="dark")
    enter(user)
    page.emulate_media(color_scheme="light")
    page.goto(f"{address}/admin/")
    root = page.locator("html")
    expect(root).to_have_class("dark")
    page.get_by_role("button", name=f"Account of {user.username}").click()
    page.get_by_role("button", name="Light").click()
    expect(root).to_have_class("light")
    assert Preferences.objects.get(user=user).theme == "light"
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}/admin/roles/")
    expect(root).to_have_class("light")
    page.keyboard.press("Control+e")
    expect(root).to_have_class("dark")
    expect(page).to_have_url(f"{address}/admin/roles/")
    assert Preferences.objects.get(user=user).theme == "dark"


def test_contrast_and_motion_change_what_is_painted(
    page: Page, address: str, world: World, enter: Callable[[User], None]
) -> None:
    user = world.members["viewer"]
    enter(user)
    colour = "getComputedStyle(document.querySelector('.etl-figure small')).color"
    moves = "getComputedStyle(document.querySelector('.etl-figure')).transitionDuration"
    page.goto(f"{address}/admin/")
    before = (page.evaluate(colour), page.evaluate(moves))
    prefer(user, high_contrast=True, reduced_motion=True)
    page.reload()
    after = (page.evaluate(colour), page.evaluate(moves))
    assert before[0] != after[0]
    assert (before[1], after[1]) == ("0.15s", "0s")


def test_the_palette_opens_by_keyboard_leads_to_a_row_and_closes_by_escape(
    page: Page,
    address: str,
    world: World,
    enter: Callable[[User], None],
    complaints: Complaints,
) -> None:
    enter(world.members["viewer"])
    page.goto(f"{address}/admin/")
    page.keyboard.press("Control+k")
    field = page.get_by_role("searchbox", name="Go to a page, or find a key or a name")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(field).to_be_hidden()
    page.get_by_role("button", name="Search or go to").click()
    item = world.row(WorkItem)
    expect(field).to_be_focused()
    field.fill(item.key)
    field.press("End")
    expect(page.locator("#command-results-list")).to_contain_text(item.key)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{address}/admin/warehouse/workitem/{item.pk}/change/")


def test_a_keyboard_skips_the_sidebar_and_reaches_menu_and_tenant(
    page: Page, address: str, world: World, enter: Callable[[User], None]
) -> None:
    enter(world.members["viewer"])
    page.goto(f"{address}/admin/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content"
    page.get_by_role("button", name="Account of").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Preferences")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Preferences")).to_be_hidden()


def test_on_a_phone_the_menu_opens_and_closes_by_button_and_escape(
    page: Page, address: str, world: World, enter: Callable[[User], None]
) -> None:
    enter(world.members["viewer"])
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{address}/admin/")
    link = page.locator("#nav-sidebar").get_by_role("link", name="Work items")
    expect(link).to_be_hidden()
    page.get_by_role("button", name="Open the menu").click()
    expect(link).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()


def test_a_toast_is_closed_by_its_button_and_by_escape(
    page: Page, address: str, world: World, enter: Callable[[User], None]
) -> None:
    enter(world.members["viewer"])
    for close in ("button", "escape"):
        page.goto(f"{address}/admin/preferences/")
        page.get_by_role("button", name="Save").click()
        toast = page.get_by_role("status").filter(has_text="Your preferences are saved.")
        expect(toast).to_be_in_viewport()
        if close == "button":
            page.get_by_role("button", name="Close this message").click()
        else:
            page.keyboard.press("Escape")
        expect(toast).to_have_count(0)


def test_a_time_zone_is_found_by_typing(
    page: Page, address: str, world: World, enter: Callable[[User], None]
) -> None:
    enter(world.members["viewer"])
    page.goto(f"{address}/admin/preferences/")
    zone = page.get_by_label("Time zone")
    offered = page.locator(f"#{zone.get_attribute('list')} option")
    assert offered.filter(has_text="Europe/Berlin").count() == 1
    zone.fill("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("footer")).to_contain_text("Europe/Berlin")


def test_a_run_that_ends_is_seen_on_home_without_reloading(
    page: Page, address: str, world: World, enter: Callable[[User], None], complaints: Complaints
) -> None:
    run = world.row(JobRun)
    with tenant_scope(world.tenant.pk):
        JobRun.objects.filter(pk=run.pk).update(
            state="running", mode="incremental", finished_at=None
        )
    enter(world.members["viewer"])
    page.goto(f"{address}/admin/")
    loaded = page.evaluate("performance.timeOrigin")
    card = page.locator(".etl-job").first
    expect(card).to_contain_text("Running")
    with tenant_scope(world.tenant.pk):
        JobRun.objects.filter(pk=run.pk).update(state="completed", finished_at=timezone.now())
    expect(card).to_contain_text("Completed", timeout=10_000)
    assert page.evaluate("performance.timeOrigin") == loaded
