"""History of the rules over the API: looked at, taken back, restored."""

from typing import Any

import pytest

from mappings import editing
from mappings.models import WitMapping
from tests.api.mappings_world import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> Program:
    """A program of an editor who has changed one rule twice."""
    program = Program()
    rule = program.get(WitMapping, from_name="bug")
    for target in ("One", "Two"):
        answer = program.ask("patch", f"wit-mappings/{rule.pk}/", {"target": target})
        assert answer.status_code == 200
    return program


def target(program: Program) -> str:
    """What bugs become."""
    return str(program.get(WitMapping, from_name="bug").target)


def test_history_tells_who_did_what_from_what_to_what(program: Program) -> None:
    newest = program.read("mapping-versions/?table=wit-mappings&state=applied")["results"][0]
    assert newest["author_name"] == program.newest().author_name
    found = program.read(f"mapping-versions/{newest['id']}/")
    assert found["change_count"] == 1
    change = found["changes"][0]
    assert (change["before"]["target"], change["after"]["target"]) == ("One", "Two")


def test_an_edit_is_taken_back_unless_a_later_one_stands_on_it(program: Program) -> None:
    newest, older = (each["id"] for each in program.read("mapping-versions/")["results"][:2])
    refused = program.ask("post", f"mapping-versions/{older}/undo/")
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("#edited-since")
    assert str(newest) in refused.json()["errors"][0]["detail"]
    answer = program.ask(
        "post", f"mapping-versions/{newest}/undo/", None, **{"Idempotency-Key": "u"}
    )
    assert answer.status_code == 200, answer.content
    assert target(program) == "One"
    again = program.ask(
        "post", f"mapping-versions/{newest}/undo/", None, **{"Idempotency-Key": "u"}
    )
    assert again.json() == answer.json()


def test_versions_are_compared_and_restored(program: Program) -> None:
    _, older, first = (each["id"] for each in program.read("mapping-versions/")["results"][:3])
    found = program.read(f"mapping-versions/{first}/compare/")
    assert (found["change_count"], found["changes"][0]["after"]["target"]) == (1, "Two")
    found = program.read(f"mapping-versions/{first}/compare/?with={older}")
    assert found["changes"][0]["after"]["target"] == "One"
    path = f"/api/v1/mapping-versions/{first}/compare/?with=987654321"
    assert program.api.get(path).status_code == 400
    answer = program.ask("post", f"mapping-versions/{first}/restore/")
    assert answer.status_code == 200, answer.content
    assert target(program) == "Bug"


def test_only_what_is_being_prepared_is_cancelled(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = program.read("mapping-versions/")["results"][0]["id"]
    assert program.ask("post", f"mapping-versions/{newest}/cancel/").status_code == 409
    defaults: Any = editing.apply.__kwdefaults__
    monkeypatch.setitem(defaults, "large", 3)
    rule = program.get(WitMapping, from_name="bug")
    made = program.ask("patch", f"wit-mappings/{rule.pk}/", {"target": "Three"}).json()
    path = f"mapping-versions/{made['change_set']['id']}"
    assert program.ask("post", f"{path}/restore/").status_code == 409
    assert program.ask("post", f"{path}/undo/").status_code == 409
    answer = program.ask("post", f"{path}/cancel/")
    assert answer.status_code == 202, answer.content
    assert target(program) == "Two"
