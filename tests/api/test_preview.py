"""Edits of several tables over the API: previewed, and made all or none."""

import pytest

from mappings.models import WitMapping
from tests.api.mappings_world import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> Program:
    """A program of an editor."""
    return Program()


def test_a_preview_says_what_edits_do_and_changes_nothing(program: Program) -> None:
    rule = program.get(WitMapping, from_name="bug")
    values = {"target": "Defect"}
    edits = [{"table": "wit-mappings", "action": "update", "id": rule.pk, "values": values}]
    before = program.book()
    answer = program.ask("post", "mapping-preview/", {"edits": edits})
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert (found["touched_count"], found["change_count"]) == (12, 1)
    move = {"kind": "type", "before": "Bug", "after": "Defect", "count": 12}
    assert move in found["moves"]
    assert found["examples"][0]["after"]["type"] == "Defect"
    assert program.book() == before
    made = program.ask("post", "mapping-edits/", {"edits": edits})
    assert made.json()["change_set"]["touched_count"] == 12


def test_edits_of_several_tables_are_one_change_set(program: Program) -> None:
    rule = program.get(WitMapping, from_name="bug")
    level = program.level(1)
    body = {
        "summary": "Together",
        "edits": [
            {"table": "wit-hierarchies", "action": "update", "id": level, "values": {"name": "E"}},
            {"table": "wit-mappings", "action": "create", "values": program.type_rule()},
            {"table": "wit-mappings", "action": "delete", "id": rule.pk, "move_to": "next"},
        ],
    }
    answer = program.ask("post", "mapping-edits/", body, **{"Idempotency-Key": "a"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["change_set"]["summary"] == "Together"
    assert program.changed_rows() == 3
    again = program.ask("post", "mapping-edits/", body, **{"Idempotency-Key": "a"})
    assert again.json() == answer.json()


def test_one_wrong_edit_keeps_all_of_them_out(program: Program) -> None:
    good = {"table": "wit-mappings", "action": "create", "values": program.type_rule()}
    bad = {"table": "wit-mappings", "action": "create", "values": {"target": "x"}}
    gone = {"table": "workflows", "action": "delete", "id": 987654321}
    for wrong, pointer in (
        (bad, "/edits/1/values/hierarchy"),
        (gone, "/edits/1/id"),
        ({"table": "wit-mappings", "action": "update", "values": {}}, "/edits/1/id"),
        ({"table": "nothing", "action": "update", "id": 1}, "/edits/1/table"),
    ):
        answer = program.ask("post", "mapping-edits/", {"edits": [good, wrong]})
        assert answer.status_code == 400, answer.content
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert program.versions() == [1]
