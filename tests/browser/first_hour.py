"""What an administrator does in the first hour, step by step, with a mouse or with a finger."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Locator, Page, expect

from tests.browser.working_site import PASSWORD, PERSON

CORRECTED: Final = "Story Testing"
RENAMED: Final = "Being made"
PATIENCE_MS: Final = 60_000
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
        # By a locator, for another page may be on its way, which has no element yet.
        over = self.page.locator("html").evaluate("it => it.scrollWidth - window.innerWidth")
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


def correct_one(person: Person) -> tuple[str, int]:
    """Give a status another step; what the panel says it changes is what saving changes.

    Returns the key of a work item that changed, and how many did.
    """
    page = person.page
    person.go_to("Status mappings")
    row = page.locator("#result_list tbody tr").filter(has_text=re.compile("in progress", re.I))
    person.press(row.locator("a[href*='/change/']").first)
    expect(page.locator("[data-panel-idle]")).to_be_visible()
    other = page.locator("[name=step] option", has_text=CORRECTED).first
    page.locator("[name=step]").select_option(other.get_attribute("value"))
    impact = page.locator(".mp-panel .mp-impact")
    expect(impact.locator(".mp-verdict")).to_contain_text(re.compile(r"\d+ work items? change"))
    touched = int(impact.get_attribute("data-touched") or 0)
    assert touched > 0
    key = impact.locator(".mp-examples a").first.inner_text()
    person.expect_to_fit()
    person.press(page.locator("[name=_save]"))
    expect(person.toast()).to_contain_text(re.compile(rf"\b{touched:,} work items? changed"))
    return key, touched


def open_explain(person: Person, key: str) -> None:
    """Find a work item by its key and see how its status and its times came about."""
    page = person.page
    person.go_to("Work items")
    page.fill("[name=q]", key)
    page.keyboard.press("Enter")
    person.press(page.locator("#result_list").get_by_role("link", name=key, exact=True))
    expect(page.locator("#statuses")).to_contain_text(CORRECTED)
    expect(page.locator("#flow")).to_contain_text("Lead time")
    expect(page.locator("tr[id^=visit-]").first).to_be_visible()
    person.expect_to_fit()
    why = page.locator(".ex-why").first
    person.press(why.locator("summary"))
    expect(why).to_contain_text("The only rule that matches.")


def look_at_the_raw_record(person: Person) -> None:
    """Go from a value to its place in the raw record, which is marked and on the screen."""
    page = person.page
    person.press(page.locator(".ex-raw").filter(has_text="Raw record: Status").first)
    expect(page.locator("#place")).to_be_in_viewport()
    expect(page.locator("#place")).to_contain_text('"name"')
    person.expect_to_fit()


def undo(person: Person, touched: int) -> None:
    """Take the correction back by the history of its rule: just as many items change again."""
    page = person.page
    person.go_to("Status mappings")
    row = page.locator("#result_list tbody tr").filter(has_text=CORRECTED)
    row = row.filter(has_text=re.compile("in progress", re.I))
    person.press(row.locator("a[href*='/change/']").first)
    person.press(page.get_by_role("link", name="History of this rule"))
    person.press(page.locator(".mp-change").first.get_by_role("link", name=re.compile("^version")))
    person.press(page.get_by_role("link", name="Undo…"))
    expect(page.locator(".mp-impact .mp-verdict")).to_contain_text(f"{touched:,} work item")
    person.press(page.locator("[name=_apply]"))
    expect(person.toast()).to_contain_text(re.compile(rf"\b{touched:,} work items? changed"))
    person.expect_to_fit()


def export_change_and_import(person: Person, directory: Path) -> None:
    """Take the rules of statuses away as CSV, change one cell, and bring them back."""
    page = person.page
    person.go_to("Import and export")
    table = page.locator("#status-mappings")
    with page.expect_download() as coming:
        person.press(table.get_by_role("link", name="Export CSV"))
    path = directory / coming.value.suggested_filename
    coming.value.save_as(path)
    before = change_a_cell(path)
    table.locator("[type=file]").set_input_files(path)
    person.press(table.get_by_role("button", name="Preview import"))
    expect(page.locator(".exchange-counts")).to_contain_text("1 changed")
    expect(page.locator(".exchange-cell")).to_contain_text([f"{before}"])
    expect(page.locator(".exchange-cell")).to_contain_text([RENAMED])
    person.expect_to_fit()
    person.press(page.get_by_role("button", name="Import", exact=True))
    expect(person.toast()).to_contain_text("changed")
    person.go_to("Status mappings")
    expect(page.locator("#result_list")).to_contain_text(RENAMED)


def change_a_cell(path: Path) -> str:
    """Rename the target of the rule for what is in progress; return what it was."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    row = next(row for row in rows if row["from name"] == "in progress")
    before, row["target"] = row["target"], RENAMED
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return before
