"""History of the rules: who changed what, taking it back, comparing and restoring."""

from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from mappings.models import Change, ChangeSet, StatusMapping, WitHierarchy, WitMapping, WorkflowStep
from tenants.models import Role
from tests.admin.rules_world import Editor

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(db: None) -> Editor:
    """Somebody who edits the rules of a tenant with loaded items."""
    return Editor()


def rename(editor: Editor, name: str, target: str) -> ChangeSet:
    """Give a status rule another target by its form."""
    rule = editor.get(StatusMapping, from_name=name)
    form = editor.status_form(rule, target=target)
    editor.post(editor.url(StatusMapping, "change", rule.pk), form)
    return editor.newest()


def page_of(editor: Editor, url: str, **query: Any) -> str:
    answer = editor.client.get(url, query)
    assert answer.status_code == 200, answer.status_code
    return unescape(answer.content.decode())


def test_the_list_shows_who_did_what_when_and_can_be_filtered(editor: Editor) -> None:
    rename(editor, "doing", "Working")
    url = editor.url(ChangeSet, "changelist")
    author = f"{editor.tenant.slug}-editor"
    for query in ({}, {"by": author}, {"rules": "status_mappings"}, {"since": "1"}, {"q": "doing"}):
        page = page_of(editor, url, **query)
        assert "doing → Working" in page, query
    for query in ({"by": "nobody"}, {"rules": "wit_mappings"}, {"origin__exact": "undo"}):
        assert "doing → Working" not in page_of(editor, url, **query), query


def test_a_change_set_shows_each_column_before_and_after_by_name(editor: Editor) -> None:
    rule = editor.get(WitMapping, from_name="bug")
    epic = editor.get(WitHierarchy, level=1)
    form = editor.type_form(
        from_name="bug", target="Defect", hierarchy=epic.pk, integration=editor.integration.pk
    )
    editor.post(editor.url(WitMapping, "change", rule.pk), form)
    page = page_of(editor, editor.url(ChangeSet, "change", editor.newest().pk))
    for before, after in (
        ("Bug", "Defect"),
        ("0 Story", "1 Epic"),
        ("every integration", editor.integration.name),
    ):
        assert f"<del><bdi>{before}</bdi></del>" in page
        assert f"<ins><bdi>{after}</bdi></ins>" in page
    assert "12 changed" in page
    assert editor.url(WitMapping, "change", rule.pk) in page


def test_what_is_gone_keeps_its_name_in_history(editor: Editor) -> None:
    story, epic = (editor.get(WitHierarchy, level=level) for level in (0, 1))
    delete = editor.url(WitHierarchy, "delete", story.pk)
    editor.post(delete, {"_apply": "1", f"move_{story.pk}": epic.pk})
    page = page_of(editor, editor.url(ChangeSet, "change", editor.newest().pk))
    assert "<del><bdi>0 Story (deleted)</bdi></del>" in page


def test_the_history_of_a_rule_has_its_changes_only(editor: Editor) -> None:
    rename(editor, "doing", "Working")
    rename(editor, "open", "Waiting")
    rename(editor, "doing", "Busy")
    rule = editor.get(StatusMapping, from_name="doing")
    page = page_of(editor, editor.url(StatusMapping, "history", rule.pk))
    assert page.index("<ins><bdi>Busy</bdi></ins>") < page.index("<del><bdi>Doing</bdi></del>")
    assert "Waiting" not in page
    assert f"{editor.tenant.slug}-editor" in page
    change = editor.get(Change, change_set=editor.newest())
    assert page_of(editor, editor.url(Change, "change", change.pk)).count("mp-change") == 2


def test_undo_is_previewed_and_confirmed(editor: Editor) -> None:
    change_set = rename(editor, "doing", "Working")
    undo = editor.url(ChangeSet, "undo", change_set.pk)
    assert "Take it back" in page_of(editor, undo)
    panel = editor.post(undo, {"_preview": "1"})
    assert 'data-touched="6"' in panel
    assert editor.get(StatusMapping, from_name="doing").target == "Working"
    editor.post(undo, {"_apply": "1"})
    assert editor.get(StatusMapping, from_name="doing").target == "Doing"
    page = page_of(editor, editor.url(ChangeSet, "change", change_set.pk))
    assert "Taken back by" in page


def test_what_was_edited_since_is_not_undone_and_it_is_said_by_what(editor: Editor) -> None:
    first = rename(editor, "doing", "Working")
    second = rename(editor, "doing", "Busy")
    before = editor.book()
    undo = editor.url(ChangeSet, "undo", first.pk)
    for data in ({"_preview": "1"}, {"_apply": "1"}):
        page = editor.post(undo, data)
        assert "cannot be taken back alone" in page
        assert editor.url(ChangeSet, "change", second.pk) in page
    assert editor.book() == before


def test_two_versions_are_compared(editor: Editor) -> None:
    first = rename(editor, "doing", "Working")
    rename(editor, "open", "Waiting")
    rename(editor, "doing", "Busy")
    url = editor.url(ChangeSet, "compare")
    start = (first.version or 0) - 1
    page = page_of(editor, url, **{"from": start, "to": start + 3})
    assert page.count("mp-change") == 2
    assert "<del><bdi>Doing</bdi></del>" in page
    assert "<ins><bdi>Busy</bdi></ins>" in page
    same = page_of(editor, url, **{"from": start, "to": start})
    assert "The rules of both are the same." in same
    for odd in ("x", "-1", "9" * 40, ""):
        page_of(editor, url, **{"from": odd, "to": odd})


def test_a_version_is_restored_after_a_preview(editor: Editor) -> None:
    before = editor.book()
    version = editor.versions()[-1] if editor.versions() else 0
    rename(editor, "doing", "Working")
    rename(editor, "open", "Waiting")
    done = editor.get(WorkflowStep, name="Done")
    rule = editor.get(StatusMapping, from_name="open")
    editor.post(
        editor.url(StatusMapping, "change", rule.pk), editor.status_form(rule, step=done.pk)
    )
    after = editor.book()
    url = editor.url(ChangeSet, "restore", version)
    assert "2 rules of version" in page_of(editor, url)
    assert "change status" in editor.post(url, {"_preview": "1"})
    assert editor.book() == after
    editor.post(url, {"_apply": "1"})
    assert editor.book() == before
    assert editor.newest().origin == ChangeSet.Origin.RESTORE
    assert editor.client.get(editor.url(ChangeSet, "restore", 987)).status_code == 404


def test_a_viewer_reads_history_and_takes_nothing_back(editor: Editor) -> None:
    change_set = rename(editor, "doing", "Working")
    viewer = editor.entered(Role.VIEWER)
    page = viewer.get(editor.url(ChangeSet, "change", change_set.pk))
    assert page.status_code == 200
    assert b"Undo" not in page.content
    for url in (
        editor.url(ChangeSet, "undo", change_set.pk),
        editor.url(ChangeSet, "restore", 0),
        editor.url(ChangeSet, "abandon", change_set.pk),
    ):
        assert viewer.post(url, {"_apply": "1"}).status_code == 403
    assert editor.get(StatusMapping, from_name="doing").target == "Working"


def test_history_cannot_be_written(editor: Editor) -> None:
    change_set = rename(editor, "doing", "Working")
    for model, row in (
        (ChangeSet, change_set),
        (Change, editor.get(Change, change_set=change_set)),
    ):
        assert editor.client.get(editor.url(model, "add")).status_code == 403
        for page in ("change", "delete"):
            answer = editor.client.post(editor.url(model, page, row.pk), {"summary": "x"})
            assert answer.status_code == 403, (model, page)


def test_a_page_asks_as_many_queries_for_many_changes_as_for_few(
    editor: Editor, django_assert_max_num_queries: Any
) -> None:
    rename(editor, "doing", "Working")
    urls = []
    with editor.scope():
        ids = ",".join(str(pk) for pk in StatusMapping.objects.values_list("pk", flat=True))
        few = ChangeSet.objects.order_by("-pk").first()
    editor.post(
        editor.url(StatusMapping, "bulk", "edit"), {"ids": ids, "target": "All", "_apply": "1"}
    )
    assert few is not None
    urls = [editor.url(ChangeSet, "change", each.pk) for each in (few, editor.newest())]
    for url in urls:
        page_of(editor, url)
    with django_assert_max_num_queries(40) as asked:
        page_of(editor, urls[0])
    with django_assert_max_num_queries(len(asked)):
        page_of(editor, urls[1])


def test_change_sets_of_another_tenant_are_answered_like_none(editor: Editor) -> None:
    other = Editor("other")
    foreign = rename(other, "doing", "Secret")
    for page in ("change", "undo", "abandon"):
        answers = [
            editor.client.post(reverse(f"admin:mappings_changeset_{page}", args=(pk,)), {})
            for pk in (foreign.pk, 99_999_999)
        ]
        assert answers[0].status_code == answers[1].status_code == 404
        assert "Secret" not in answers[0].content.decode()
    assert "Secret" not in page_of(editor, editor.url(ChangeSet, "changelist"))
    assert "Secret" not in page_of(editor, editor.url(ChangeSet, "compare"))
