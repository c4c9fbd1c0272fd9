"""Many rules at once, and what is asked before something that is in use goes."""

import re
from typing import Any

import pytest

from mappings.models import ChangeSet, StatusMapping, WitHierarchy, WitMapping, WorkflowStep
from tests.admin.rules_world import Editor

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(db: None) -> Editor:
    """Somebody who edits the rules of a tenant with loaded items."""
    return Editor()


def ids_of(editor: Editor, model: Any, **wanted: Any) -> str:
    with editor.scope():
        return ",".join(
            str(pk) for pk in model.objects.filter(**wanted).values_list("pk", flat=True)
        )


def bulk(editor: Editor, model: Any, verb: str, **data: Any) -> str:
    """Post to the page of a bulk edit."""
    return editor.post(editor.url(model, "bulk", verb), data)


def test_the_action_of_a_list_leads_to_a_page_with_counts(editor: Editor) -> None:
    rule = editor.get(WitMapping, from_name="bug")
    story = editor.get(WitMapping, from_name="story")
    page = editor.post(
        editor.url(WitMapping, "changelist"),
        {"action": "delete_selected", "_selected_action": [rule.pk, story.pk]},
    )
    assert "Delete 2 WIT mappings" in page
    assert "24 work items" in page
    assert f'value="{rule.pk},{story.pk}"' in page or f'value="{story.pk},{rule.pk}"' in page
    assert editor.get(WitMapping, pk=rule.pk) == rule


def test_a_bulk_edit_sets_what_was_chosen_for_all_in_one_change_set(editor: Editor) -> None:
    ids = ids_of(editor, WitMapping)
    epic = editor.get(WitHierarchy, level=1)
    versions = editor.versions()
    chosen = {"hierarchy": epic.pk, "integration": editor.integration.pk, "target": ""}
    panel = bulk(editor, WitMapping, "edit", ids=ids, _preview="1", **chosen)
    assert 'data-touched="24"' in panel
    assert "0 Story" in panel
    assert "1 Epic" in panel
    page = bulk(editor, WitMapping, "edit", ids=ids, _apply="1", **chosen)
    assert "24 work items changed" in page
    assert len(editor.versions()) == len(versions) + 1
    assert editor.newest().origin == ChangeSet.Origin.BULK
    with editor.scope():
        rows = WitMapping.objects.values_list("target", "hierarchy", "integration")
        assert set(rows) == {
            ("Bug", epic.pk, editor.integration.pk),
            ("Story", epic.pk, editor.integration.pk),
        }


def test_a_bulk_edit_of_statuses_sets_the_step_and_with_it_the_category(editor: Editor) -> None:
    step = editor.get(WorkflowStep, name="Ready for Prod")
    ids = ids_of(editor, StatusMapping, from_name__in=("open", "doing"))
    bulk(editor, StatusMapping, "edit", ids=ids, _apply="1", step=step.pk)
    with editor.scope():
        rows = StatusMapping.objects.filter(step=step).values_list("from_name", "category")
        assert set(rows) == {("open", "waiting"), ("doing", "waiting")}


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({}, "Choose at least one thing to set."),
        ({"hierarchy": "99999999"}, "Select a valid choice"),
        ({"target": "x" * 300}, "at most 100 characters"),
    ],
)
def test_a_bulk_edit_that_cannot_be_says_why_and_does_nothing(
    editor: Editor, chosen: dict[str, str], said: str
) -> None:
    before = editor.book()
    page = bulk(editor, WitMapping, "edit", ids=ids_of(editor, WitMapping), _apply="1", **chosen)
    assert said in page
    assert editor.book() == before


@pytest.mark.parametrize("ids", ["9" * 30, "9" * 5000, "x", "²"])
def test_ids_that_can_be_none_choose_nothing(editor: Editor, ids: str) -> None:
    before = editor.book()
    bulk(editor, WitMapping, "delete", ids=ids, _apply="1")
    assert editor.book() == before


def test_a_bulk_edit_that_would_make_two_rules_alike_is_refused_as_a_whole(editor: Editor) -> None:
    add = editor.url(WitMapping, "add")
    editor.post(add, editor.type_form(from_name="Bug", integration=editor.integration.pk))
    before = editor.book()
    data = {"ids": ids_of(editor, WitMapping), "integration": "none"}
    assert (
        "there is such a rule already"
        in bulk(editor, WitMapping, "edit", _preview="1", **data).lower()
    )
    page = bulk(editor, WitMapping, "edit", _apply="1", **data)
    assert "there is such a rule already" in page.lower()
    assert editor.book() == before


def test_rules_are_deactivated_and_activated_many_at_a_time(editor: Editor) -> None:
    mapped = editor.mapped()
    ids = ids_of(editor, WitMapping)
    page = bulk(editor, WitMapping, "deactivate", ids=ids, _apply="1")
    assert "24 work items changed" in page
    assert {type_ for type_, _ in editor.mapped().values()} == {None}
    bulk(editor, WitMapping, "activate", ids=ids, _apply="1")
    assert editor.mapped() == mapped


def test_deleting_a_rule_asks_where_its_items_go(editor: Editor) -> None:
    rule = editor.get(WitMapping, from_name="bug")
    url = editor.url(WitMapping, "delete", rule.pk)
    page = editor.post(url, {"_apply": "1"})
    assert "Where do 12 work items go?" in page
    assert "Choose where this goes." in page
    assert editor.get(WitMapping, pk=rule.pk) == rule
    panel = editor.post(url, {"_preview": "1", "move_0": "next"})
    assert 'data-touched="12"' in panel
    assert "no rule" in panel
    page = editor.post(url, {"_apply": "1", "move_0": "next"})
    assert "12 work items changed" in page
    assert ("Bug", "To Do") not in editor.mapped().values()
    assert editor.changed_rows() == 1


def test_instead_of_deleting_a_rule_can_be_given_what_another_gives(editor: Editor) -> None:
    rule, story = (editor.get(WitMapping, from_name=name) for name in ("bug", "story"))
    url = editor.url(WitMapping, "delete", rule.pk)
    editor.post(url, {"_apply": "1", "move_0": str(story.pk)})
    assert editor.get(WitMapping, pk=rule.pk).target == "Story"
    assert {type_ for type_, _ in editor.mapped().values()} == {"Story"}


def test_a_rule_that_matches_nothing_is_deleted_without_a_question(editor: Editor) -> None:
    editor.post(editor.url(WitMapping, "add"), editor.type_form(from_name="Unheard of"))
    rule = editor.get(WitMapping, from_name="unheard of")
    editor.post(editor.url(WitMapping, "delete", rule.pk), {"_apply": "1"})
    with editor.scope():
        assert not WitMapping.objects.filter(pk=rule.pk).exists()


def test_a_level_in_use_shows_its_rules_and_is_deleted_when_they_have_moved(
    editor: Editor,
) -> None:
    story, epic = (editor.get(WitHierarchy, level=level) for level in (0, 1))
    url = editor.url(WitHierarchy, "delete", story.pk)
    page = editor.client.get(url).content.decode()
    for word in (
        "2</b> type rules on 0 Story",
        "24 work items",
        "bug → Bug",
        "hierarchy__id__exact",
    ):
        assert word in page
    before = editor.book()
    assert "Choose where this goes." in editor.post(url, {"_apply": "1"})
    assert editor.book() == before
    move = f"move_{story.pk}"
    assert 'data-touched="24"' in editor.post(url, {"_preview": "1", move: epic.pk})
    editor.post(url, {"_apply": "1", move: epic.pk})
    with editor.scope():
        assert not WitHierarchy.objects.filter(pk=story.pk).exists()
        assert set(WitMapping.objects.values_list("hierarchy", flat=True)) == {epic.pk}
    assert editor.changed_rows() == 3
    editor.post(editor.url(ChangeSet, "undo", editor.newest().pk), {"_apply": "1"})
    assert editor.book() == before


def test_a_level_can_go_nowhere_but_to_another_active_one_of_the_tenant(editor: Editor) -> None:
    story, epic = (editor.get(WitHierarchy, level=level) for level in (0, 1))
    foreign = Editor("other").get(WitHierarchy, level=1)
    editor.post(editor.url(WitHierarchy, "deactivate", epic.pk), {"_apply": "1"})
    url = editor.url(WitHierarchy, "delete", story.pk)
    for target in (story.pk, epic.pk, foreign.pk, 99_999_999):
        page = editor.post(url, {"_apply": "1", f"move_{story.pk}": target})
        assert "Select a valid choice" in page
    assert editor.get(WitHierarchy, pk=story.pk) == story


def test_an_inactive_level_keeps_its_rules_but_is_offered_no_more(editor: Editor) -> None:
    story = editor.get(WitHierarchy, level=0)
    rule = editor.get(WitMapping, from_name="bug")
    editor.post(editor.url(WitHierarchy, "deactivate", story.pk), {"_apply": "1"})
    assert not editor.get(WitHierarchy, pk=story.pk).is_active
    assert editor.get(WitMapping, pk=rule.pk).hierarchy_id == story.pk
    option = re.compile(rf'<option value="{story.pk}"[^>]*>\s*0 Story')
    assert not option.search(editor.client.get(editor.url(WitMapping, "add")).content.decode())
    page = editor.client.get(editor.url(WitMapping, "change", rule.pk)).content.decode()
    assert option.search(page)


def test_a_repeated_level_and_a_name_too_long_are_told_at_their_fields(editor: Editor) -> None:
    before = editor.book()
    page = editor.post(editor.url(WitHierarchy, "add"), {"level": 0, "name": "Twice"})
    assert "already exists" in page
    page = editor.post(editor.url(WitHierarchy, "add"), {"level": 9, "name": "x" * 300})
    assert "at most 100 characters (it has 300)" in page
    assert editor.book() == before


def test_ids_of_another_tenant_are_as_if_they_were_not_there(editor: Editor) -> None:
    foreign = Editor("other").get(WitMapping, from_name="bug")
    pages = [
        bulk(editor, WitMapping, "delete", ids=str(pk), _apply="1", move_0="next")
        for pk in (foreign.pk, 99_999_999)
    ]
    assert "at least one that is there" in pages[0]
    assert "at least one that is there" in pages[1]
    assert editor.client.post(editor.url(WitMapping, "bulk", "burn"), {}).status_code == 404
    assert editor.client.get(editor.url(WitMapping, "bulk", "delete")).status_code == 405
