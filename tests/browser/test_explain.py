"""Explain in a browser: readable in each theme, on a phone, and by keyboard."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from tenants.models import Membership, Role, Tenant
from tenants.scope import tenant_scope
from tests.browser.conftest import Complaints
from tests.browser.test_site import LOOKS, barriers, prefer
from tests.conftest import OWN
from tests.path.working import load
from warehouse.models import WorkItem

pytestmark = pytest.mark.browser

Enter = Callable[[User], None]


@pytest.fixture
def path(transactional_db: None, enter: Enter) -> str:
    """The page of a work item of our own recording, seen by a viewer."""
    load(OWN)
    tenant = Tenant.objects.get(slug="acme")
    user = User.objects.create(username="ann")
    with tenant_scope(tenant.pk):
        Membership.objects.create(tenant=tenant, user=user, role=Role.VIEWER)
        item = WorkItem.objects.filter(active_seconds__gt=0).order_by("-cycle_time_seconds").first()
    assert item is not None
    enter(user)
    return reverse("admin:warehouse_workitem_change", args=(item.pk,))


@pytest.mark.parametrize(("theme", "high_contrast"), LOOKS)
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_of_explain_keeps_people_out(
    page: Page,
    address: str,
    path: str,
    complaints: Complaints,
    width: int,
    theme: str,
    high_contrast: bool,
) -> None:
    prefer(User.objects.get(username="ann"), theme=theme, high_contrast=high_contrast)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(address + path)
    page.locator(".etl-page details").evaluate_all("all => all.forEach(e => { e.open = true; })")
    assert barriers(page) == []
    expect_to_fit(page)
    page.locator(".ex-raw").first.click()
    expect(page.locator("#place")).to_be_in_viewport()
    assert barriers(page) == []
    expect_to_fit(page)


def test_the_keyboard_opens_a_fold_and_follows_a_value_to_its_record(
    page: Page, address: str, path: str, complaints: Complaints
) -> None:
    page.goto(address + path)
    why = page.locator(".ex-why").first
    why.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(why.locator(".ex-ranked")).to_be_visible()
    page.keyboard.press("Tab")
    expect(why.locator(".ex-raw").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#place")).to_be_in_viewport()
    expect(page.locator("#place")).to_contain_text('"name"')


def test_each_segment_of_the_bar_is_as_wide_as_its_visit_was_long(
    page: Page, address: str, path: str
) -> None:
    page.goto(address + path)
    widths = page.locator(".ex-segment").evaluate_all("all => all.map(e => e.getBBox().width)")
    assert len(widths) == page.locator("tr[id^=visit-]").count()
    assert sum(widths) == pytest.approx(1000, abs=1)
    told = page.locator(".ex-bar").get_attribute("aria-label") or ""
    assert "In progress" in told


def expect_to_fit(page: Page) -> None:
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert over <= 0, f"{page.url} is {over} px too wide"
