"""Rules in a browser: the panel follows the form, steps are dragged, a message undoes."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, Route, expect

from mappings.models import ChangeSet, StatusMapping, Workflow, WorkflowStep
from tests.admin.rules_world import Editor
from tests.browser.conftest import Complaints

pytestmark = pytest.mark.browser
Enter = Callable[[User], None]


@pytest.fixture
def editor(transactional_db: None, enter: Enter) -> Editor:
    """Somebody who edits the rules of a tenant with loaded items, logged in."""
    made = Editor()
    enter(User.objects.get(username=f"{made.tenant.slug}-editor"))
    return made


def open_rule(page: Page, address: str, editor: Editor, name: str = "doing") -> None:
    rule = editor.get(StatusMapping, from_name=name)
    page.goto(address + editor.url(StatusMapping, "change", rule.pk))


def open_workflow(page: Page, address: str, editor: Editor) -> None:
    page.goto(address + editor.url(Workflow, "change", editor.get(Workflow).pk))


def test_the_panel_follows_the_form_and_saving_can_be_undone_from_the_message(
    page: Page, address: str, editor: Editor, complaints: Complaints
) -> None:
    open_rule(page, address, editor)
    panel = page.locator("[data-panel-body]")
    expect(panel).to_contain_text("Change something in the form")
    page.fill("[name=target]", "Working")
    expect(panel).to_contain_text("6 work items change")
    expect(panel).to_contain_text("Working")
    page.select_option("[name=step]", label="Default: Done")
    expect(panel).to_contain_text("18 work items change")
    expect(page.locator("[name=category]")).to_be_disabled()
    page.fill("[name=target]", "")
    expect(panel).to_contain_text("Not complete yet")
    page.fill("[name=target]", "Working")
    page.get_by_role("button", name="Save", exact=True).click()
    toast = page.locator(".etl-toast")
    expect(toast).to_contain_text("18 work items changed")
    assert editor.get(StatusMapping, from_name="doing").target == "Working"
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".etl-toast")).to_contain_text("Taken back")
    assert editor.get(StatusMapping, from_name="doing").target == "Doing"


def test_only_the_newest_answer_is_shown(page: Page, address: str, editor: Editor) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if not held:
            held.append(route)  # the first is never answered
        else:
            route.continue_()

    open_rule(page, address, editor)
    page.route("**/preview/", hold)
    page.fill("[name=target]", "First")
    expect(page.locator("[data-panel-state]")).to_have_text("Working it out…")
    page.fill("[name=target]", "Second")
    expect(page.locator("[data-panel-body]")).to_contain_text("Second")
    expect(page.locator("[data-panel-state]")).to_have_text("")


def test_a_preview_that_fails_says_so_and_can_be_asked_for_again(
    page: Page, address: str, editor: Editor
) -> None:
    open_rule(page, address, editor)
    page.route("**/preview/", lambda route: route.abort())
    page.fill("[name=target]", "Working")
    panel = page.locator("[data-panel-body]")
    expect(panel).to_contain_text("cannot be worked out now")
    page.unroute("**/preview/")
    panel.get_by_role("button", name="Try again").click()
    expect(panel).to_contain_text("6 work items change")


def test_names_are_narrowed_to_the_chosen_integration(
    page: Page, address: str, editor: Editor
) -> None:
    page.goto(address + editor.url(StatusMapping, "add"))
    assert page.locator("#id_from_name_list option").count() == 3
    page.select_option("[name=integration]", label=editor.integration.name)
    assert page.locator("#id_project_key_list option").count() == 2


def test_steps_are_moved_by_mouse_and_keyboard_and_numbered_as_they_stand(
    page: Page, address: str, editor: Editor, complaints: Complaints
) -> None:
    open_workflow(page, address, editor)
    names = page.locator("[data-rows] [name$=-name]")
    row = page.locator("[data-row]")

    def order() -> list[str]:
        return [names.nth(number).input_value() for number in range(3)]

    assert order() == ["Backlog", "Refinement", "Ready to Work"]
    row.nth(0).get_by_role("button", name="Move down").press("Enter")
    assert order() == ["Refinement", "Backlog", "Ready to Work"]
    names.nth(0).press("Alt+ArrowDown")
    assert order() == ["Backlog", "Refinement", "Ready to Work"]
    expect(names.nth(1)).to_be_focused()
    grip, target = row.nth(2).locator("[data-grip]"), row.nth(0)
    grip.hover()
    page.mouse.down()
    box = target.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 4, steps=8)
    page.mouse.up()
    assert order() == ["Ready to Work", "Backlog", "Refinement"]
    numbers = page.locator("[data-rows] [name$=-position]")
    assert [numbers.nth(at).input_value() for at in range(3)] == ["1", "2", "3"]
    expect(page.locator(".mp-step").first).to_have_text("Ready to Work")
    expect(page.locator("[data-panel-body]")).to_contain_text("3 change")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator(".etl-toast")).to_contain_text("Undo")
    assert order() == ["Ready to Work", "Backlog", "Refinement"]
    assert editor.changed_rows() == 3


def test_a_step_is_added_and_becomes_the_commitment_point(
    page: Page, address: str, editor: Editor, complaints: Complaints
) -> None:
    open_workflow(page, address, editor)
    page.get_by_role("button", name="Add a step").click()
    added = page.locator("[data-row]").nth(11)
    expect(added.locator("[name$=-name]")).to_be_focused()
    added.locator("[name$=-name]").fill("Released")
    added.locator("select").select_option("done")
    added.get_by_role("radio").check()
    expect(page.locator(".mp-step", has_text="Released")).to_contain_text("flag")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".etl-toast")).to_be_visible()
    with editor.scope():
        step = WorkflowStep.objects.get(is_commitment_point=True)
    assert (step.name, step.position, step.category) == ("Released", 12, "done")


def test_rules_are_chosen_in_the_list_and_edited_together(
    page: Page, address: str, editor: Editor, complaints: Complaints
) -> None:
    page.goto(address + editor.url(StatusMapping, "changelist"))
    page.check("input.action-select >> nth=0")
    page.check("input.action-select >> nth=1")
    page.select_option("select[name=action]", "edit_selected")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_role("heading", name="Edit 2 status mappings").first).to_be_visible()
    page.fill("[name=target]", "Together")
    expect(page.locator("[data-panel-body]")).to_contain_text("change status")
    page.get_by_role("button", name="Edit 2 status mappings").click()
    expect(page.locator(".etl-toast")).to_contain_text("work items changed")
    assert editor.newest().origin == ChangeSet.Origin.BULK


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_of_rules_fits(
    page: Page, address: str, editor: Editor, complaints: Complaints, width: int, scheme: str
) -> None:
    rule = editor.get(StatusMapping, from_name="doing")
    step = editor.get(WorkflowStep, name="In Progress")
    form = editor.status_form(rule, target="x" * 100, from_name="y" * 255)
    editor.post(editor.url(StatusMapping, "change", rule.pk), form)
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    newest = editor.newest().pk
    for path in (
        editor.url(StatusMapping, "changelist"),
        editor.url(StatusMapping, "change", rule.pk),
        editor.url(StatusMapping, "delete", rule.pk),
        editor.url(StatusMapping, "deactivate", rule.pk),
        editor.url(StatusMapping, "history", rule.pk),
        editor.url(StatusMapping, "try") + f"?integration={editor.integration.pk}&status=Doing",
        editor.url(Workflow, "change", step.workflow_id),
        reverse("admin:mappings_workflow_delete_step", args=(step.workflow_id, step.pk)),
        editor.url(ChangeSet, "changelist"),
        editor.url(ChangeSet, "change", newest),
        editor.url(ChangeSet, "undo", newest),
        editor.url(ChangeSet, "compare"),
        editor.url(ChangeSet, "restore", 0),
    ):
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert over <= 0, f"{path} is {over} px too wide"
