"""The inbox over the API: what occurs without a rule, accepted as suggested or as decided."""

import pytest

from mappings.models import StatusMapping, WitMapping
from tests.api.mappings_world import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> Program:
    """A program of an editor, of whose rules two are gone."""
    program = Program()
    for path, model, name in (
        ("wit-mappings", WitMapping, "bug"),
        ("status-mappings", StatusMapping, "doing"),
    ):
        rule = program.get(model, from_name=name)
        assert program.ask("delete", f"{path}/{rule.pk}/?move_to=next").status_code == 200
    return program


def test_the_inbox_shows_what_has_no_rule_with_items_and_suggestions(program: Program) -> None:
    page = program.read("mapping-inbox/")
    assert (page["entry_count"], page["is_cut"], page["next"]) == (2, False, None)
    names = {(each["kind"], each["name"]): each for each in page["results"]}
    bug = names["type", "Bug"]
    assert (bug["item_count"], bug["projects"]) == (12, ["OPS", "SHOP"])
    assert len(bug["examples"]) == 3
    assert bug["suggestion"]["target"]
    assert program.read("mapping-inbox/?kind=status")["entry_count"] == 1
    assert program.read("mapping-inbox/?integration=987654321")["entry_count"] == 0


def test_pages_of_the_inbox_follow_each_other(program: Program) -> None:
    first = program.read("mapping-inbox/?page_size=1")
    second = program.api.get(first["next"]).json()
    names = [first["results"][0]["name"], second["results"][0]["name"]]
    assert (names, second["next"]) == (["Bug", "Doing"], None)


def test_what_is_decided_becomes_a_rule(program: Program) -> None:
    owner = program.integration.pk
    entries = [
        {
            "kind": "type",
            "name": "BUG",
            "integration": None,
            "target": "Defect",
            "hierarchy": program.level(0),
        },
        {
            "kind": "status",
            "name": "Doing",
            "integration": owner,
            "target": "Busy",
            "category": "in_progress",
        },
    ]
    answer = program.ask("post", "mapping-inbox/accept/", {"entries": entries})
    assert answer.status_code == 200, answer.content
    assert program.read("mapping-inbox/")["entry_count"] == 0
    assert program.get(WitMapping, from_name="bug").target == "Defect"
    again = program.ask("post", "mapping-inbox/accept/", {"entries": entries})
    assert again.status_code == 400
    assert again.json()["errors"][0]["pointer"] == "/entries/0"


def test_a_suggestion_is_taken_where_nothing_is_decided(program: Program) -> None:
    owner = program.integration.pk
    entry = {"kind": "type", "name": "Bug", "integration": owner}
    answer = program.ask("post", "mapping-inbox/accept/", {"entries": [entry]})
    assert answer.status_code == 200, answer.content
    assert program.get(WitMapping, from_name="bug").integration_id == owner
    nothing = {**entry, "name": "Never seen"}
    refused = program.ask("post", "mapping-inbox/accept/", {"entries": [nothing]})
    assert refused.json()["errors"][0]["pointer"] == "/entries/0/target"


def test_all_that_is_sure_enough_is_taken_at_once(program: Program) -> None:
    before = len(program.versions())
    answer = program.ask("post", "mapping-inbox/accept-all/", {"min_confidence": 60})
    assert answer.status_code == 200, answer.content
    assert answer.json()["accepted_count"] >= 1
    assert len(program.versions()) == before + 1
    none = program.ask("post", "mapping-inbox/accept-all/", {"min_confidence": 100})
    assert none.json() == {"accepted_count": 0, "change_set": None}
