"""Accepting, correcting and taking back what the inbox suggests."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from mappings.models import (
    ChangeSet,
    StatusMapping,
    WitMapping,
)
from mappings.undo import undo
from tests.admin.inbox_pages import PAGE, entered, row, text_of, told
from tests.mappings.inbox_world import AUTHOR, Imported, jira_only
from tests.path.working import exported

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme(tmp_path: Path) -> Imported:
    """A tenant of whose types Bug has no rule, and no status but those with rules by name."""
    imported = Imported("acme", jira_only(tmp_path / "acme"))
    imported.forget(types=["bug"], levels=[0], categories=True)
    return imported


@pytest.fixture
def editor(acme: Imported) -> Client:
    return entered(acme, "editor")


def test_accepting_makes_the_rule_maps_the_items_and_can_be_taken_back(
    acme: Imported, editor: Client
) -> None:
    before = exported("work_items")
    answer = editor.post(reverse("admin:mappings_inbox_accept"), row(acme, "type Bug"))
    assert answer.status_code == 302
    bugs = [item for item in exported("work_items") if item["source_type"] == "Bug"]
    assert {item["type"] for item in bugs} == {"Bug"}
    assert "type Bug" not in acme.entries()
    with acme.scope():
        change_set = ChangeSet.objects.get(origin=ChangeSet.Origin.INBOX)
        assert change_set.author_name == "acme-editor"
        assert change_set.touched_count == len(bugs)
    assert "Accepted in the inbox: type “bug” → Bug" in told(editor)
    with acme.scope():
        undo(change_set, AUTHOR)
    assert [plain(item) for item in exported("work_items")] == [plain(item) for item in before]
    assert "type Bug" in acme.entries()


def plain(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "changed_seq"}


def test_the_toast_has_a_button_that_takes_it_back(acme: Imported, editor: Client) -> None:
    editor.post(reverse("admin:mappings_inbox_accept"), row(acme, "type Bug"))
    page = editor.get(reverse(PAGE)).content.decode()
    (address,) = set(re.findall(r'action="([^"]*changeset[^"]*undo[^"]*)"', page))
    editor.post(address, {"_apply": "1"})
    assert "type Bug" in acme.entries()


def test_accepting_all_above_a_confidence_shows_the_impact_first(
    acme: Imported, editor: Client
) -> None:
    before = set(acme.entries())
    answer = editor.post(reverse("admin:mappings_inbox_confirm"), {"at_least": "90"})
    page = html.unescape(answer.content.decode())
    assert set(acme.entries()) == before
    touched = int(re.findall(r'data-touched="(\d+)"', page)[0])
    assert touched > 0
    decisions = re.findall(r'name="decisions" value="([^\n]*)">\n', answer.content.decode())[0]
    decisions = html.unescape(decisions)
    assert len(json.loads(decisions)) >= 3
    version = re.findall(r'name="version" value="(\d+)"', page)[0]
    posted = {"decisions": decisions, "version": version}
    editor.post(reverse("admin:mappings_inbox_apply"), posted)
    left = acme.entries()
    assert set(left) < before
    assert not {"type Bug", "status Done"} & set(left)
    with acme.scope():
        change_set = ChangeSet.objects.get(origin=ChangeSet.Origin.INBOX)
        assert change_set.touched_count == touched


def test_suggestions_below_the_confidence_are_left(acme: Imported, editor: Client) -> None:
    answer = editor.post(reverse("admin:mappings_inbox_confirm"), {"at_least": "95"})
    assert [each.name for each, _ in answer.context["decisions"]]
    assert "bug" not in [each.name for each, _ in answer.context["decisions"]]


def test_what_was_confirmed_is_refused_when_rules_changed_since(
    acme: Imported, editor: Client
) -> None:
    answer = editor.post(reverse("admin:mappings_inbox_confirm"), {"at_least": "90"})
    posted = {"decisions": answer.context["posted"], "version": answer.context["version"]}
    editor.post(reverse("admin:mappings_inbox_accept"), row(acme, "type Bug"))
    left = set(acme.entries())
    editor.post(reverse("admin:mappings_inbox_apply"), posted)
    assert set(acme.entries()) == left
    assert "The rules were changed meanwhile" in told(editor)


def test_a_corrected_row_becomes_what_was_typed_where_it_was_said(
    acme: Imported, editor: Client
) -> None:
    posted = row(acme, "status Done", target="Shipped", place="category:done", scope="project:PAY")
    editor.post(reverse("admin:mappings_inbox_accept"), posted)
    with acme.scope():
        rule = StatusMapping.objects.get(target="Shipped")
    assert (rule.project_key, rule.category, rule.step_id) == ("PAY", "done", None)
    done = [item for item in exported("work_items") if item["source_status"] == "Done"]
    assert {item["status"] for item in done if item["project_key"] == "PAY"} == {"Shipped"}
    assert {item["status"] for item in done if item["project_key"] != "PAY"} == {None}
    assert acme.entries()["status Done"].projects == ["OPS", "SHOP"]


def test_a_row_can_be_sent_to_a_rule_that_there_is_for_every_integration(
    acme: Imported, editor: Client
) -> None:
    with acme.scope():
        story = WitMapping.objects.get(from_name="story")
    posted = row(acme, "type Bug", target="", like=str(story.pk), scope="everywhere")
    editor.post(reverse("admin:mappings_inbox_accept"), posted)
    with acme.scope():
        rule = WitMapping.objects.get(from_name="bug")
    assert (rule.target, rule.hierarchy_id) == (story.target, story.hierarchy_id)
    assert rule.integration_id is None
    assert "type Bug" not in acme.entries()


def test_a_rule_that_is_there_but_inactive_is_made_active_again(
    acme: Imported, editor: Client
) -> None:
    with acme.scope():
        rule = WitMapping.objects.get(from_name="task")
    acme.edit(lambda: WitMapping.objects.filter(pk=rule.pk).update(is_active=False))
    assert "your inactive rule" in text_of(editor)
    editor.post(reverse("admin:mappings_inbox_accept"), row(acme, "type Task"))
    rule.refresh_from_db()
    assert rule.is_active
    assert "type Task" not in acme.entries()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"target": " "}, "say what it becomes"),
        ({"target": "x" * 101}, "101 characters; 100 are possible"),
        ({"target": "a\0b"}, "NUL character"),
        ({"place": ""}, "choose one of the levels"),
        ({"place": "level:987654321"}, "choose one of the levels"),
        ({"place": "step:1"}, ""),
        ({"key": "nonsense"}, "could not be read"),
        ({"key": "type:987654321:bug"}, "there is no such integration"),
        ({"key": "type:²:bug"}, "could not be read"),
        ({"key": "type:1:" + "x" * 2_001}, "too long to be matched"),
        ({"key": "type:1:b\0g"}, "NUL character"),
        ({"like": "987654321"}, "There is no such rule"),
        ({"key": f"type:{'9' * 5000}:x"}, "could not be read"),
        ({"place": f"level:{'9' * 5000}"}, "choose one of the levels"),
        ({"like": "9" * 5000}, "There is no such rule"),
    ],
)
def test_what_cannot_be_is_refused_with_words_and_nothing_is_written(
    acme: Imported, editor: Client, values: dict[str, str], words: str
) -> None:
    with acme.scope():
        before = list(WitMapping.objects.order_by("pk").values())
    if values.get("place") == "step:1":
        values = {"place": "level:x"}
    answer = editor.post(reverse("admin:mappings_inbox_accept"), row(acme, "type Bug") | values)
    assert answer.status_code == 302
    assert words.lower() in told(editor).lower()
    with acme.scope():
        assert list(WitMapping.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("posted", ["", "{}", "[1]", '[{"kind": "type"}]', '[{"target": 5}]'])
def test_decisions_that_are_none_are_refused(posted: str, acme: Imported, editor: Client) -> None:
    before = set(acme.entries())
    answer = editor.post(reverse("admin:mappings_inbox_confirm"), {"at_least": "90"})
    values = {"decisions": posted, "version": answer.context["version"]}
    assert editor.post(reverse("admin:mappings_inbox_apply"), values).status_code == 302
    assert "could not be read" in told(editor)
    assert set(acme.entries()) == before


def test_nothing_changes_by_get(acme: Imported, editor: Client) -> None:
    for name in ("accept", "confirm", "apply"):
        assert editor.get(reverse(f"admin:mappings_inbox_{name}")).status_code == 405
