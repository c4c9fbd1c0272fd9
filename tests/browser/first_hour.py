"""What an administrator does in the first hour, step by step, with a mouse or with a finger."""

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.working_site import PASSWORD, PERSON

PATIENCE_MS = 60_000
"""How long a run may take; everything else happens within Playwright's five seconds."""


@dataclass(frozen=True)
class Person:
    """Somebody in front of a page. has_mouse: or else a finger."""

    page: Page
    address: str
    has_mouse: bool

    def press(self, what: Locator) -> None:
        """Click or tap, where it can be seen."""
        what.click() if self.has_mouse else what.tap()

    def go_to(self, title: str) -> None:
        """Open a page by the sidebar, which a phone hides until asked."""
        opener = self.page.get_by_role("button", name="Open the menu")
        if opener.is_visible():
            self.press(opener)
        link = self.page.locator("#nav-sidebar a", has_text=title).first
        expect(link).to_be_visible()
        self.press(link)

    def expect_to_fit(self) -> None:
        """Nothing of the page is wider than the screen."""
        over = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert over <= 0, f"{self.page.url} is {over} px too wide"

    def toast(self) -> Locator:
        """What the page tells of the last action."""
        return self.page.locator(".etl-toast").last


def log_in(person: Person) -> None:
    """From the address alone to home, which says what to do first."""
    page = person.page
    page.goto(person.address)
    page.fill("[name=username]", PERSON)
    page.fill("[name=password]", PASSWORD)
    person.press(page.get_by_role("button", name=re.compile("log in|sign in", re.IGNORECASE)))
    expect(page).to_have_url(f"{person.address}/admin/")
    person.expect_to_fit()


def connect_jira(person: Person, jira: dict[str, Any]) -> None:
    """Choose the provider and enter address and token; the test says that everything works."""
    page = person.page
    page.get_by_role(
        "link", name=re.compile("connect", re.IGNORECASE)
    ).first.scroll_into_view_if_needed()
    person.press(page.get_by_role("link", name=re.compile("connect", re.IGNORECASE)).first)
    person.press(page.get_by_role("link", name=re.compile("^Jira|Jira ")).first)
    page.fill("[name=base_url]", jira["base_url"])
    page.fill("[name=credential_basic_user]", jira["user"])
    page.fill("[name=credential_basic_token]", jira["token"])
    person.press(page.get_by_role("button", name="Test connection"))
    expect(page.locator("#test-summary")).to_have_text("everything works", timeout=20_000)
    person.expect_to_fit()


def pick_projects(person: Person, keys: list[str]) -> None:
    """Choose projects from what the source shows."""
    page = person.page
    person.press(page.locator("[data-field=setting_projects] [data-picks]"))
    for key in keys:
        person.press(page.locator("#picker-list label", has_text=key))
    expect(page.locator("#picker-count")).to_contain_text(f"{len(keys)} chosen")
    person.press(page.locator("#picker-use"))
    expect(page.locator("[name=setting_projects]")).to_have_value(", ".join(keys))


def save_without_starter_mappings(person: Person) -> None:
    """Connect, so that all types and statuses are left to the administrator."""
    page = person.page
    page.locator("[name=starter]").uncheck(force=True)
    person.press(page.get_by_role("button", name="Connect", exact=True))
    expect(page.locator("#health")).to_be_visible()
    person.expect_to_fit()


def run_to_the_end(person: Person) -> None:
    """Run now, and watch it until it has ended."""
    page = person.page
    person.press(page.get_by_role("button", name="Run now"))
    expect(person.toast()).to_contain_text("is started")
    person.press(person.toast().get_by_role("link"))
    expect(page.locator("#run-state")).to_have_text("Completed", timeout=PATIENCE_MS)
    person.expect_to_fit()


def see_the_inbox_fill(person: Person) -> int:
    """Open the inbox; return how much in it has no rule."""
    person.go_to("Inbox")
    rows = person.page.locator(".inbox-row")
    expect(rows.first).to_be_visible()
    person.expect_to_fit()
    told = person.page.locator(".inbox-tabs [aria-current] .etl-number").inner_text()
    return int(told)


def accept_one(person: Person) -> None:
    """Accept the first suggestion as it stands."""
    page = person.page
    row = page.locator(".inbox-row").filter(has=page.locator(".inbox-reason")).first
    name = row.locator("h2 bdi").inner_text()
    kind = row.get_attribute("data-kind")
    person.press(row.get_by_role("button", name="Accept", exact=True))
    gone = page.locator(f".inbox-row[data-kind={kind}] h2 bdi").get_by_text(name, exact=True)
    expect(gone).to_have_count(0)
    person.expect_to_fit()


def accept_all_that_are_sure(person: Person) -> None:
    """Look at what accepting all of them does, then do it."""
    page = person.page
    select = page.locator("#at-least")
    select.select_option(index=select.locator("option").count() - 1)
    person.press(page.get_by_role("button", name=re.compile("^Preview and accept")))
    expect(page.locator(".mp-impact")).to_contain_text("work item")
    person.expect_to_fit()
    person.press(page.get_by_role("button", name=re.compile(r"^Accept \d+ suggestion")))
    expect(page.locator("#inbox")).to_be_visible()
