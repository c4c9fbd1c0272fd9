"""Workflows: steps in an order, one commitment point, and steps that rules stand in."""

from typing import Any

import pytest
from django.urls import reverse

from mappings.models import StatusMapping, Workflow, WorkflowStep
from tests.admin.rules_world import Editor

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(db: None) -> Editor:
    """Somebody who edits the rules of a tenant with loaded items."""
    return Editor()


def saved(editor: Editor, **changed: Any) -> str:
    """Save the form of the workflow with these changes."""
    workflow = editor.get(Workflow)
    return editor.post(editor.url(Workflow, "change", workflow.pk), editor.workflow_form(**changed))


def names(editor: Editor) -> list[str]:
    with editor.scope():
        return [step.name for step in Workflow.objects.get().steps.all()]


def test_the_page_draws_the_workflow_and_marks_the_commitment_point(editor: Editor) -> None:
    page = editor.client.get(
        editor.url(Workflow, "change", editor.get(Workflow).pk)
    ).content.decode()
    assert page.count('role="listitem"') == 12
    assert page.count("mp-step-aside") == 1
    assert page.count('type="radio"') == 13  # one is in the row to be copied
    assert page.count(" checked>") == 1


def test_steps_change_places(editor: Editor) -> None:
    before = names(editor)
    saved(editor, **{"steps-0-position": 2, "steps-1-position": 1})
    assert names(editor) == [before[1], before[0], *before[2:]]
    assert editor.changed_rows() == 2


def test_two_steps_take_each_others_names(editor: Editor) -> None:
    saved(editor, **{"steps-0-name": "Refinement", "steps-1-name": "Backlog"})
    assert names(editor)[:2] == ["Refinement", "Backlog"]


def test_the_commitment_point_moves_and_there_is_always_one(editor: Editor) -> None:
    saved(editor, **{"steps-commitment": "steps-4"})
    with editor.scope():
        points = WorkflowStep.objects.filter(is_commitment_point=True)
        assert [step.name for step in points] == ["In Progress"]
    assert editor.newest().touched_count > 0


def test_a_step_is_added_and_another_is_deleted_in_one_change_set(editor: Editor) -> None:
    new = {
        "steps-TOTAL_FORMS": 13,
        "steps-12-id": "",
        "steps-12-workflow": editor.get(Workflow).pk,
        "steps-12-name": "Blocked",
        "steps-12-position": 2,
        "steps-12-category": "waiting",
        "steps-1-DELETE": "on",
    }
    saved(editor, **new)
    assert names(editor)[:3] == ["Backlog", "Blocked", "Ready to Work"]
    assert editor.changed_rows() == 2


def test_the_category_of_a_step_is_that_of_its_rules(editor: Editor) -> None:
    saved(editor, **{"steps-4-category": "waiting"})
    assert editor.get(StatusMapping, from_name="doing").category == "waiting"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"steps-0-position": 2}, "both have number 2"),
        ({"steps-0-position": ""}, "number 1 is missing"),
        ({"steps-0-position": -1}, "greater than or equal to 0"),
        ({"steps-commitment": "steps-11"}, "The commitment point Discarded needs a number"),
        ({"steps-commitment": "nowhere"}, "one step must be the commitment point; none is"),
        ({"steps-0-name": "REFINEMENT "}, "have the same name"),
        ({"steps-0-name": "Refinement"}, "Refinement and Refinement have the same name"),
        ({"steps-0-name": "x" * 300}, "at most 100 characters (it has 300)"),
        ({"steps-0-name": "\u200b"}, "Give a name that can be seen."),
        ({"steps-0-category": "nothing"}, "Select a valid choice"),
        ({"steps-4-DELETE": "on"}, "Step In Progress is still used by 1 status mapping"),
        ({"name": "x" * 300}, "at most 100 characters (it has 300)"),
    ],
)
def test_steps_that_cannot_be_are_refused_with_words(
    editor: Editor, changed: dict[str, Any], said: str
) -> None:
    before = editor.book()
    page = saved(editor, **changed)
    assert said.lower() in page.lower()
    assert editor.book() == before


def test_two_commitment_points_are_refused_however_they_are_posted(editor: Editor) -> None:
    before = editor.book()
    form = editor.workflow_form(
        **{"steps-0-is_commitment_point": "on", "steps-1-is_commitment_point": "on"}
    )
    del form["steps-commitment"]
    page = editor.post(editor.url(Workflow, "change", editor.get(Workflow).pk), form)
    assert "exactly one step is the commitment point, not Backlog and Refinement" in page
    assert editor.book() == before


def test_a_refused_number_is_told_in_its_row(editor: Editor) -> None:
    page = saved(editor, **{"steps-0-position": 2})
    rows = page.split('role="row"')
    told = [row for row in rows if "both have number 2" in row]
    assert len(told) == 1
    assert 'name="steps-0-name"' in told[0] or 'name="steps-1-name"' in told[0]


def test_deleting_a_step_asks_where_its_rules_go_and_closes_the_gap(editor: Editor) -> None:
    workflow = editor.get(Workflow)
    step, target = (
        editor.get(WorkflowStep, name=name) for name in ("In Progress", "Story Testing")
    )
    url = reverse("admin:mappings_workflow_delete_step", args=(workflow.pk, step.pk))
    page = editor.client.get(url).content.decode()
    assert "1</b> status rule of step In Progress" in page
    assert "18 work items" not in page  # three quarters of those that are not closed
    assert "Choose where this goes." in editor.post(url, {"_apply": "1"})
    move = {f"move_{step.pk}": target.pk}
    assert "change step" in editor.post(url, {"_preview": "1", **move})
    editor.post(url, {"_apply": "1", **move})
    assert "In Progress" not in names(editor)
    assert editor.get(StatusMapping, from_name="doing").step_id == target.pk
    with editor.scope():
        numbers = Workflow.objects.get().steps.exclude(position=None)
        assert [row.position for row in numbers] == list(range(1, 11))


def test_a_workflow_is_deleted_when_each_of_its_used_steps_has_gone_somewhere(
    editor: Editor,
) -> None:
    workflow = editor.get(Workflow)
    before = editor.book()
    url = editor.url(Workflow, "delete", workflow.pk)
    assert "Choose where this goes." in editor.post(url, {"_apply": "1"})
    assert editor.book() == before
    used = [editor.get(WorkflowStep, name=name) for name in ("To Do", "In Progress", "Done")]
    editor.post(url, {"_apply": "1", **{f"move_{step.pk}": "none" for step in used}})
    with editor.scope():
        assert not Workflow.objects.exists()
        assert not WorkflowStep.objects.exists()
        rows = StatusMapping.objects.values_list("from_name", "step", "category")
        assert set(rows) == {
            ("open", None, "to_do"),
            ("doing", None, "in_progress"),
            ("closed", None, "done"),
        }


def test_a_new_workflow_is_made_with_its_steps(editor: Editor) -> None:
    data: dict[str, Any] = {
        "name": "قصير",
        "steps-TOTAL_FORMS": 2,
        "steps-INITIAL_FORMS": 0,
        "steps-0-name": "Now",
        "steps-0-position": 1,
        "steps-0-category": "in_progress",
        "steps-1-name": "Then",
        "steps-1-position": 2,
        "steps-1-category": "done",
        "steps-commitment": "steps-0",
    }
    editor.post(editor.url(Workflow, "add"), data)
    made = editor.get(Workflow, name="قصير")
    with editor.scope():
        assert [step.name for step in made.steps.all()] == ["Now", "Then"]
    assert editor.changed_rows() == 3
    page = editor.post(editor.url(Workflow, "add"), data)
    assert "already exists" in page


def test_a_step_of_another_workflow_cannot_be_deleted_through_this_one(editor: Editor) -> None:
    other = Editor("other")
    foreign = other.get(WorkflowStep, name="Done")
    workflow = editor.get(Workflow)
    for step in (foreign.pk, 99_999_999):
        url = reverse("admin:mappings_workflow_delete_step", args=(workflow.pk, step))
        assert editor.client.get(url).status_code == 404
