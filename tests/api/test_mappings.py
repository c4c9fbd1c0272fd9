"""Rules read and edited over the API, each edit as one change-set."""

from typing import Any

import pytest

from mappings.models import StatusMapping, WitHierarchy, WitMapping, Workflow, WorkflowStep
from tenants.models import Role
from tests.api.mappings_world import Program

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> Program:
    """A program of an editor."""
    return Program()


# ---- what sources have


def test_types_of_sources_tell_items_and_rules(program: Program) -> None:
    found = program.read("wits/?ordering=name")["results"]
    assert [(each["name"], each["item_count"]) for each in found] == [("Bug", 12), ("Story", 12)]
    bug = program.get(WitMapping, from_name="bug")
    assert found[0]["rules"] == [{"id": bug.pk, "summary": "bug → Bug"}]
    assert (found[0]["place_count"], found[0]["unmapped_count"]) == (2, 0)


def test_statuses_of_sources_tell_items_and_rules(program: Program) -> None:
    found = program.read("statuses/?name=clos")["results"]
    assert [(each["name"], each["item_count"]) for each in found] == [("Closed", 12)]
    assert [each["summary"] for each in found[0]["rules"]] == ["closed → Closed"]


def test_what_has_no_rule_can_be_asked_for(program: Program) -> None:
    rule = program.get(WitMapping, from_name="bug")
    assert program.read("wits/?unmapped=true")["results"] == []
    program.ask("delete", f"wit-mappings/{rule.pk}/?move_to=next")
    names = [each["name"] for each in program.read("wits/?unmapped=true")["results"]]
    assert names == ["Bug"]
    assert [each["name"] for each in program.read("wits/?project=OPS")["results"]] == [
        "Bug",
        "Story",
    ]
    assert program.read("wits/?project=NONE")["results"] == []


# ---- editing


def test_a_rule_is_added_as_one_change_set(program: Program) -> None:
    answer = program.ask("post", "wit-mappings/", program.type_rule(from_name="  CHORE "))
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert body["from_name"] == "chore"
    assert body["change_set"]["state"] == "applied"
    assert body["change_set"]["id"] == program.newest().pk
    assert program.changed_rows() == 1
    again = program.api.get(f"/api/v1/wit-mappings/{body['id']}/")
    assert again["ETag"] == answer["ETag"]
    assert again.json() == {key: value for key, value in body.items() if key != "change_set"}


def test_a_change_brings_items_in_line(program: Program) -> None:
    rule = program.get(WitMapping, from_name="bug")
    answer = program.ask("patch", f"wit-mappings/{rule.pk}/", {"target": "Defect"})
    assert answer.status_code == 200, answer.content
    assert answer.json()["change_set"]["touched_count"] == 12
    assert set(program.mapped().values()) >= {("Defect", "Done")}


def test_what_is_read_can_be_sent_back(program: Program) -> None:
    for name in ("wit-hierarchies", "wit-mappings", "status-mappings", "workflows"):
        row = program.read(f"{name}/")["results"][0]
        answer = program.ask("put", f"{name}/{row['id']}/", row)
        assert answer.status_code == 200, answer.content
        assert answer.json() == {**row, "change_set": None}


def test_a_lost_update_is_refused(program: Program) -> None:
    rule = program.get(WitMapping, from_name="bug")
    path = f"wit-mappings/{rule.pk}/"
    tag = program.api.get(f"/api/v1/{path}")["ETag"]
    assert program.ask("patch", path, {"target": "One"}, **{"If-Match": tag}).status_code == 200
    answer = program.ask("patch", path, {"target": "Two"}, **{"If-Match": tag})
    assert answer.status_code == 412
    assert program.ask("delete", path, **{"If-Match": tag}).status_code == 412
    assert program.get(WitMapping, pk=rule.pk).target == "One"
    newer = answer["ETag"]
    assert program.ask("patch", path, {"target": "Two"}, **{"If-Match": newer}).status_code == 200


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"from_name": ""}, "/from_name"),
        ({"from_level": 1}, "/from_name"),
        ({"from_name": "Bug"}, "/from_name"),
        ({"from_name": "ﷺ" * 100}, "/from_name"),
        ({"target": "\u200b"}, "/target"),
        ({"target": 5}, "/target"),
        ({"is_active": "yes"}, "/is_active"),
        ({"hierarchy": 987654321}, "/hierarchy"),
        ({"integration": 987654321}, "/integration"),
        ({"nothing": 1}, "/nothing"),
    ],
)
def test_what_cannot_be_a_rule_is_told_at_its_member(
    program: Program, members: dict[str, Any], pointer: str
) -> None:
    answer = program.ask("post", "wit-mappings/", program.type_rule(**members))
    assert answer.status_code == 400, answer.content
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
    assert program.versions() == [1]


def test_a_step_says_the_category_of_a_status_rule(program: Program) -> None:
    rule = program.get(StatusMapping, from_name="doing")
    path = f"status-mappings/{rule.pk}/"
    done = program.get(WorkflowStep, name="Done")
    assert program.ask("patch", path, {"category": "done"}).status_code == 400
    moved = program.ask("patch", path, {"step": done.pk}).json()
    assert (moved["step"], moved["category"]) == (done.pk, "done")
    without = program.ask("patch", path, {"step": None, "category": "waiting"}).json()
    assert (without["step"], without["category"]) == (None, "waiting")


def test_viewers_read_and_do_not_edit(program: Program) -> None:
    viewer = program.other(Role.VIEWER)
    assert viewer.get("/api/v1/wit-mappings/").status_code == 200
    rule = program.get(WitMapping, from_name="bug")
    for method, path in (
        ("post", "wit-mappings/"),
        ("patch", f"wit-mappings/{rule.pk}/"),
        ("put", f"wit-mappings/{rule.pk}/"),
        ("delete", f"wit-mappings/{rule.pk}/"),
        ("post", "wit-mappings/bulk/"),
    ):
        answer = getattr(viewer, method)(f"/api/v1/{path}", {}, format="json")
        assert answer.status_code == 403, (method, path)


# ---- deleting what is in use


def test_a_level_in_use_goes_only_when_its_rules_have_another(program: Program) -> None:
    story, epic = program.level(0), program.level(1)
    path = f"wit-hierarchies/{story}/"
    refused = program.ask("delete", path)
    assert refused.status_code == 409
    assert "2 rules with 24 work items" in refused.json()["detail"]
    assert len(refused.json()["errors"]) == 2
    for target in (story, 987654321, "next", "-1"):
        assert program.ask("delete", f"{path}?move_to={target}").status_code == 400
    assert program.ask("delete", f"{path}?move_to={epic}").status_code == 200
    assert program.get(WitMapping, from_name="bug").hierarchy_id == epic
    assert program.ask("delete", path).status_code == 404


def test_a_rule_in_use_goes_when_it_is_said_where_its_items_go(program: Program) -> None:
    bug, story = (program.get(WitMapping, from_name=name) for name in ("bug", "story"))
    path = f"wit-mappings/{bug.pk}/"
    assert program.ask("delete", path).status_code == 409
    assert program.ask("delete", f"{path}?move_to={story.pk}").status_code == 200
    assert program.get(WitMapping, pk=bug.pk).target == "Story"
    assert program.ask("delete", f"{path}?move_to=next").status_code == 200
    assert set(program.mapped().values()) >= {(None, "Done")}


def test_an_inactive_level_is_given_to_no_other_rule(program: Program) -> None:
    epic = program.level(1)
    answer = program.ask("patch", f"wit-hierarchies/{epic}/", {"is_active": False})
    assert answer.status_code == 200
    refused = program.ask("post", "wit-mappings/", program.type_rule(hierarchy=epic))
    assert refused.json()["errors"][0]["pointer"] == "/hierarchy"


# ---- workflows


def test_steps_are_an_ordered_list(program: Program) -> None:
    flow = program.workflow()
    first, second = flow["steps"][:2]
    flow["steps"][:2] = [second, first]
    flow["steps"].insert(2, {"name": "Checked", "category": "waiting"})
    answer = program.ask("put", f"workflows/{flow['id']}/", flow)
    assert answer.status_code == 200, answer.content
    names = [each["name"] for each in answer.json()["steps"]]
    assert names[:3] == [second["name"], first["name"], "Checked"]
    shown = program.read(f"workflow-steps/?workflow={flow['id']}&name=checked")["results"]
    assert shown[0]["position"] == 3


def test_two_steps_can_take_each_others_names_and_the_commitment_point_moves(
    program: Program,
) -> None:
    flow = program.workflow()
    one, two = flow["steps"][:2]
    one["name"], two["name"] = two["name"], one["name"]
    for step in flow["steps"]:
        step["is_commitment_point"] = step is one
    answer = program.ask("patch", f"workflows/{flow['id']}/", {"steps": flow["steps"]})
    assert answer.status_code == 200, answer.content
    assert answer.json()["steps"] == flow["steps"]


def test_what_steps_cannot_be_is_told_at_the_step(program: Program) -> None:
    flow = program.workflow()
    path = f"workflows/{flow['id']}/"

    def pointers(steps: list[Any]) -> list[str]:
        answer = program.ask("patch", path, {"steps": steps})
        assert answer.status_code == 400, answer.content
        return [each["pointer"] for each in answer.json()["errors"]]

    none = [{**step, "is_commitment_point": False} for step in flow["steps"]]
    assert pointers(none) == ["/steps"]
    twice = [*flow["steps"], {"name": flow["steps"][0]["name"].upper(), "category": "done"}]
    assert pointers(twice) == [f"/steps/{len(flow['steps'])}/name"]
    foreign = [{**flow["steps"][0], "id": 987654321}, *flow["steps"][1:]]
    assert pointers(foreign) == ["/steps/0/id"]
    assert pointers([{"name": "x"}]) == ["/steps/0/category"]


def test_the_rules_of_a_step_that_goes_have_to_go_somewhere(program: Program) -> None:
    flow = program.workflow()
    path = f"workflows/{flow['id']}/"
    gone = program.get(WorkflowStep, name="Done").pk
    to = program.get(WorkflowStep, name="In Progress").pk
    rest = [step for step in flow["steps"] if step["id"] != gone]
    refused = program.ask("patch", path, {"steps": rest})
    assert refused.status_code == 409
    assert "closed → Closed" in [each["detail"] for each in refused.json()["errors"]]
    answer = program.ask("patch", path, {"steps": rest, "moves": [{"step": gone, "to": to}]})
    assert answer.status_code == 200, answer.content
    assert program.get(StatusMapping, from_name="closed").step_id == to


def test_a_workflow_is_added_and_deleted(program: Program) -> None:
    steps = [
        {"name": "Start", "category": "in_progress", "is_commitment_point": True},
        {"name": "End", "category": "done"},
    ]
    made = program.ask("post", "workflows/", {"name": "Second", "steps": steps})
    assert made.status_code == 201, made.content
    twin = program.ask("post", "workflows/", {"name": "Second", "steps": []})
    assert twin.json()["errors"][0]["pointer"] == "/name"
    assert program.ask("delete", f"workflows/{made.json()['id']}/").status_code == 200
    first = program.workflow()
    assert program.ask("delete", f"workflows/{first['id']}/").status_code == 409
    assert program.ask("delete", f"workflows/{first['id']}/?move_to=none").status_code == 200
    with program.scope():
        assert not Workflow.objects.exists()
        assert StatusMapping.objects.filter(step=None).count() == 3


# ---- custom fields


def test_a_custom_field_becomes_what_is_said(program: Program) -> None:
    body = {
        "integration": program.integration.pk,
        "field_source_id": "customfield_1",
        "target": "column",
        "column_name": "Cost Centre",
    }
    made = program.ask("post", "custom-field-mappings/", body)
    assert made.status_code == 201, made.content
    assert made.json()["column_name"] == "cost_centre"
    path = f"custom-field-mappings/{made.json()['id']}/"
    assert program.ask("patch", path, {"target": "team"}).json()["column_name"] == ""
    wrong = program.ask("patch", path, {"target": "team", "column_name": "x"})
    assert wrong.json()["errors"][0]["pointer"] == "/column_name"
    assert program.ask("post", "custom-field-mappings/", body).status_code == 400
    assert program.ask("delete", path).status_code == 200


# ---- many at once


def test_many_rules_are_one_change_set(program: Program) -> None:
    bug = program.get(WitMapping, from_name="bug")
    rows = [program.type_rule(from_name=f"Name {number}") for number in range(20)]
    answer = program.ask("post", "wit-mappings/bulk/", [*rows, {"id": bug.pk, "target": "Defect"}])
    assert answer.status_code == 200, answer.content
    results = answer.json()["results"]
    assert [each["from_name"] for each in results[:2]] == ["name 0", "name 1"]
    assert results[-1]["target"] == "Defect"
    assert program.versions() == [1, 2]
    assert program.changed_rows() == 21


def test_one_wrong_row_keeps_all_of_them_out(program: Program) -> None:
    level = program.level(0)
    rows = [
        program.type_rule(),
        {"from_name": "x", "hierarchy": level},
        {"id": 987654321, "target": "x"},
        program.type_rule(from_name="y", hierarchy=0),
    ]
    answer = program.ask("post", "wit-mappings/bulk/", rows)
    assert answer.status_code == 400
    pointers = [each["pointer"] for each in answer.json()["errors"]]
    assert sorted(pointers) == ["/1/target", "/2/id", "/3/hierarchy"]
    twins = program.ask("post", "wit-mappings/bulk/", [program.type_rule(), program.type_rule()])
    assert [each["pointer"] for each in twins.json()["errors"]] == ["/1/from_name"]
    assert program.versions() == [1]


def test_rules_can_take_each_others_names(program: Program) -> None:
    bug, story = (program.get(WitMapping, from_name=name) for name in ("bug", "story"))
    rows = [{"id": bug.pk, "from_name": "story"}, {"id": story.pk, "from_name": "bug"}]
    answer = program.ask("post", "wit-mappings/bulk/", rows)
    assert answer.status_code == 200, answer.content
    assert program.get(WitMapping, pk=bug.pk).from_name == "story"


def test_a_bulk_edit_with_a_key_is_made_once(program: Program) -> None:
    rows = [program.type_rule()]
    first = program.ask("post", "wit-mappings/bulk/", rows, **{"Idempotency-Key": "k"})
    again = program.ask("post", "wit-mappings/bulk/", rows, **{"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (200, first.json())
    assert program.versions() == [1, 2]


def test_other_tables_are_edited_many_at_once_too(program: Program) -> None:
    flow = program.workflow()
    for name, rows in (
        ("wit-hierarchies", [{"level": 7, "name": "Theme"}]),
        ("workflows", [{"id": flow["id"], "name": "Renamed"}, {"name": "Two", "steps": []}]),
        (
            "status-mappings",
            [{"from_category": "New", "target": "Open", "category": "to_do"}],
        ),
    ):
        answer = program.ask("post", f"{name}/bulk/", rows)
        assert answer.status_code == 200, answer.content
        assert len(answer.json()["results"]) == len(rows)


def test_a_large_edit_is_prepared_by_a_run(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mappings import editing

    defaults: Any = editing.apply.__kwdefaults__
    monkeypatch.setitem(defaults, "large", 3)
    rule = program.get(WitMapping, from_name="bug")
    answer = program.ask("patch", f"wit-mappings/{rule.pk}/", {"target": "Defect"})
    assert answer.status_code == 202, answer.content
    told = answer.json()["change_set"]
    assert (told["state"], told["version"]) == ("preparing", None)
    assert told["run"] is not None
    refused = program.ask("patch", f"wit-mappings/{rule.pk}/", {"target": "Other"})
    assert refused.status_code == 409
    assert refused.json()["type"].endswith("#being-prepared")
    assert program.get(WitHierarchy, level=0).name == "Story"
