"""The inbox and CSV in a browser: by keyboard, on a phone, and without a complaint."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from mappings.models import WitMapping
from tests.browser.conftest import Complaints
from tests.mappings.inbox_world import Imported, jira_only

pytestmark = pytest.mark.browser

INBOX = "/admin/mappings/inbox/"
EXCHANGE = "/admin/mappings/exchange/"


@pytest.fixture
def acme(transactional_db: None, tmp_path: Path) -> Imported:
    """A tenant of whose types Bug has no rule, and no status but those with rules by name."""
    imported = Imported("acme", jira_only(tmp_path / "acme"))
    imported.forget(types=["bug"], levels=[0], categories=True)
    return imported


@pytest.fixture
def inbox(
    page: Page,
    address: str,
    acme: Imported,
    enter: Callable[[User], None],
    complaints: Complaints,
) -> Page:
    """The inbox, as an editor sees it."""
    enter(acme.people["editor"])
    page.goto(f"{address}{INBOX}")
    return page


def test_a_row_is_corrected_and_accepted_by_keyboard_and_taken_back(
    inbox: Page, acme: Imported
) -> None:
    bug = inbox.locator(".inbox-row[data-kind=type]").filter(has_text="Bug").first
    target = bug.locator("[name=target]")
    expect(target).to_have_value("Bug")
    target.focus()
    target.press("Control+A")
    inbox.keyboard.type("Defect")
    inbox.keyboard.press("Enter")
    toast = inbox.locator(".etl-toast")
    expect(toast).to_contain_text("type “bug” → Defect")
    assert "type Bug" not in acme.entries()
    toast.get_by_role("button", name="Undo").focus()
    inbox.keyboard.press("Enter")
    inbox.wait_for_load_state()
    expect(inbox.locator("body")).to_contain_text("Taken back")
    assert "type Bug" in acme.entries()


def test_a_rule_that_is_chosen_fills_the_row_until_it_is_edited(inbox: Page) -> None:
    bug = inbox.locator(".inbox-row[data-kind=type]").filter(has_text="Bug").first
    like, target = bug.locator("[name=like]"), bug.locator("[name=target]")
    like.select_option(label="epic → Epic")
    expect(target).to_have_value("Epic")
    expect(bug.locator("[name=place] option:checked")).to_have_text("1 Epic")
    target.fill("Big bug")
    target.blur()
    expect(like).to_have_value("")


def test_j_and_k_go_from_row_to_row(inbox: Page) -> None:
    first = inbox.locator(".inbox-row").nth(0).get_by_role("button", name="Accept")
    second = inbox.locator(".inbox-row").nth(1).get_by_role("button", name="Accept")
    inbox.keyboard.press("j")
    expect(first).to_be_focused()
    inbox.keyboard.press("j")
    expect(second).to_be_focused()
    inbox.keyboard.press("k")
    expect(first).to_be_focused()


def test_all_above_a_confidence_are_accepted_after_a_look(inbox: Page, acme: Imported) -> None:
    before = len(acme.entries())
    inbox.get_by_label("Accept all suggestions that are at least").select_option("90")
    inbox.get_by_role("button", name="Preview and accept…").click()
    expect(inbox.locator(".mp-impact")).to_be_visible()
    assert len(acme.entries()) == before
    inbox.get_by_role("button", name="Accept ").click()
    expect(inbox.locator(".etl-toast")).to_contain_text("suggestions in the inbox")
    assert len(acme.entries()) < before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_is_cut_off(inbox: Page, address: str, scheme: str) -> None:
    inbox.set_viewport_size({"width": 390, "height": 844})
    inbox.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    wide = "document.documentElement.scrollWidth > window.innerWidth"
    for path in (INBOX, f"{INBOX}?show=unused", EXCHANGE):
        inbox.goto(f"{address}{path}")
        assert not inbox.evaluate(wide), path
    inbox.goto(f"{address}{INBOX}")
    inbox.get_by_role("button", name="Preview", exact=True).first.click()
    expect(inbox.locator(".mp-impact")).to_be_visible()
    assert not inbox.evaluate(wide)


def test_an_exported_file_with_one_changed_cell_is_imported_after_a_look(
    inbox: Page, address: str, acme: Imported
) -> None:
    inbox.goto(f"{address}{EXCHANGE}")
    card = inbox.locator("#wit-mappings")
    with inbox.expect_download() as download:
        card.get_by_role("link", name="Export CSV").click()
    text = Path(download.value.path()).read_text()
    assert "jira,,story,,Story,0,yes" in text
    edited = text.replace("jira,,story,,Story,0,yes", "jira,,story,,User story,0,yes")
    card.locator("input[type=file]").set_input_files(
        {"name": "types.csv", "mimeType": "text/csv", "buffer": edited.encode()}
    )
    card.get_by_role("button", name="Preview import").click()
    expect(inbox.locator(".exchange-cell")).to_contain_text("User story")
    expect(inbox.locator(".mp-impact")).to_be_visible()
    inbox.get_by_role("button", name="Import", exact=True).click()
    expect(inbox.locator(".etl-toast")).to_contain_text("Imported WIT mappings: 1 changed")
    with acme.scope():
        assert WitMapping.objects.get(from_name="story").target == "User story"
