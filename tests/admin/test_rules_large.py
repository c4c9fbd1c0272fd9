"""Edits that touch so many items that a run prepares them first."""

import re
from typing import Any

import pytest
from django.urls import reverse

from jobs.models import JobRun, Stage
from jobs.steps import work_next
from mappings import editing
from mappings.models import ChangeSet, StatusMapping, WitMapping
from tenants.scope import every_tenant
from tests.admin.rules_world import Editor

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch) -> Editor:
    """Somebody for whom an edit that touches more than three items is a large one."""
    defaults: Any = editing.apply.__kwdefaults__
    monkeypatch.setitem(defaults, "large", 3)
    return Editor()


def rename(editor: Editor, target: str) -> str:
    rule = editor.get(StatusMapping, from_name="doing")
    form = editor.status_form(rule, target=target)
    return editor.post(editor.url(StatusMapping, "change", rule.pk), form)


def work() -> None:
    """Work all steps that are due."""
    with every_tenant("the test is a worker"):
        while any(work_next(stage, "test") for stage in (Stage.TRANSFORM, Stage.LOAD)):
            pass


def test_a_large_edit_is_told_to_be_prepared_and_takes_effect_when_its_run_ends(
    editor: Editor,
) -> None:
    page = rename(editor, "Working")
    change_set = editor.newest()
    assert change_set.state == ChangeSet.State.PREPARING
    assert editor.get(StatusMapping, from_name="doing").target == "Doing"
    run = reverse("admin:jobs_jobrun_change", args=(change_set.run_id,))
    assert f'href="{run}">run {change_set.run_id}</a>' in page
    work()
    assert editor.newest().state == ChangeSet.State.APPLIED
    assert editor.get(StatusMapping, from_name="doing").target == "Working"


def test_while_it_is_prepared_every_page_of_rules_says_so_with_its_progress(
    editor: Editor,
) -> None:
    rename(editor, "Working")
    run_id = editor.newest().run_id
    poll = reverse("live_state", args=("run", run_id))
    for model in (StatusMapping, ChangeSet):
        page = editor.client.get(editor.url(model, "changelist")).content.decode()
        assert "is being prepared" in page
        assert f'data-run-poll="{poll}"' in page
    assert editor.client.get(poll).json()["is_finished"] is False
    work()
    page = editor.client.get(editor.url(StatusMapping, "changelist")).content.decode()
    assert "data-run-poll" not in page


def test_meanwhile_another_edit_is_refused_in_its_form_and_kept_there(editor: Editor) -> None:
    rename(editor, "Working")
    page = rename(editor, "Busy")
    assert "edit after it, or cancel it" in page
    assert re.search(r'value="Busy"', page)
    assert editor.get(StatusMapping, from_name="doing").target == "Doing"
    with editor.scope():
        assert ChangeSet.objects.filter(state=ChangeSet.State.PREPARING).count() == 1


def test_it_can_be_cancelled_and_then_nothing_has_changed(editor: Editor) -> None:
    before = editor.book()
    rename(editor, "Working")
    change_set = editor.newest()
    page = editor.post(editor.url(ChangeSet, "abandon", change_set.pk), {})
    assert "is being cancelled" in page
    work()
    assert editor.newest().state == ChangeSet.State.ABANDONED
    run = editor.get(JobRun, pk=change_set.run_id)
    assert run.state == JobRun.State.CANCELLED
    assert editor.book() == before
    again = editor.post(editor.url(ChangeSet, "abandon", change_set.pk), {})
    assert "is not being prepared any more" in again
    rename(editor, "Busy")
    work()
    assert editor.get(StatusMapping, from_name="doing").target == "Busy"


def test_a_new_rule_that_is_being_prepared_is_not_linked_to(editor: Editor) -> None:
    form = {**editor.type_form(from_name="Bug", project_key="OPS"), "_continue": "1"}
    answer = editor.client.post(editor.url(WitMapping, "add"), form)
    assert answer.status_code == 302
    assert answer.headers["Location"] == editor.url(WitMapping, "changelist")
