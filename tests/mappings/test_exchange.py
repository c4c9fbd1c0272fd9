"""Tables of rules go out as CSV and come in again, all of a file or nothing of it."""

import pytest

from common.errors import UsageError
from mappings.checks import RuleError
from mappings.exchange.tables import TABLES
from mappings.models import (
    ChangeSet,
    CustomField,
    StatusMapping,
    WitHierarchy,
    WitMapping,
    Workflow,
    WorkflowStep,
)
from mappings.undo import undo
from tests.mappings.exchange_world import AUTHOR, Ruled, complaints, table
from tests.mappings.test_resolve import LINEAGE

pytestmark = pytest.mark.django_db

TYPES = TABLES["wit-mappings"].columns
STATUSES = TABLES["status-mappings"].columns
STEPS = TABLES["workflows"].columns
FIELDS = TABLES["custom-fields"].columns
LEVELS = TABLES["hierarchies"].columns

WRONG = [
    (
        "wit-mappings",
        ["nope,,bug,,Bug,0,"],
        ["2 integration: there is no integration “nope”; yours: jira"],
    ),
    ("wit-mappings", [",,bug,,Bug,7,"], ["2 level: there is no level 7; yours: 4, 3, 2, 1, 0, -1"]),
    ("wit-mappings", [",,bug,,Bug,x,"], ["2 level: “x” is no whole number"]),
    ("wit-mappings", [",,bug,,Bug,,"], ["2 level: is empty"]),
    ("wit-mappings", [",,bug,1,Bug,0,"], ["2 from name: exactly one of"]),
    ("wit-mappings", [",,,,Bug,0,"], ["2 from name: exactly one of"]),
    ("wit-mappings", [",,bug,,,0,maybe"], ["2 target: is empty", "2 active: neither yes nor no"]),
    ("wit-mappings", [",,bug,,{long},0,"], ["2 target: has 300 characters; 100 are possible"]),
    ("wit-mappings", [",,{long},,Bug,0,"], ["2 from name: has 300 characters; 255 are possible"]),
    ("wit-mappings", [",,bug,99999,Bug,0,"], ["2 from level: 99999 is not between"]),
    ("wit-mappings", [",,Bug,,A,0,", ",,BUG ,,B,0,"], ["3 : is about the same as row 2"]),
    ("wit-mappings", [",shop,é,,A,0,", ",SHOP,e\u0301,,B,0,"], ["3 : is about the same as row 2"]),
    ("status-mappings", [",,,x,,X,,,,"], ["2 category: is empty"]),
    ("status-mappings", [",,,x,,X,Odd,,,"], ["2 category: “Odd” is not one of To do"]),
    (
        "status-mappings",
        [",,,x,,X,,Nope,To Do,"],
        ["2 workflow: there is no workflow “Nope”; yours: Default"],
    ),
    (
        "status-mappings",
        [",,,x,,X,,Default,Nope,"],
        ["2 step: there is no step “Nope” in workflow Default"],
    ),
    ("status-mappings", [",,,x,,X,,Default,,"], ["2 step: is empty"]),
    ("status-mappings", [",,,x,y,X,Done,,,"], ["2 from name: exactly one of"]),
    ("hierarchies", ["9,,"], ["2 name: is empty"]),
    ("hierarchies", ["9,A,", "9,B,"], ["3 : is about the same as row 2"]),
    ("workflows", ["W,,1,A,To do,yes", "W,,3,B,Done,"], ["3 number: without a gap; missing: 2"]),
    (
        "workflows",
        ["W,,1,A,To do,yes", "W,,1,B,Done,"],
        ["3 number: 1 is also the number of step A in row 2"],
    ),
    (
        "workflows",
        ["W,,1,A,To do,yes", "W,,2,B,Done,yes"],
        ["3 commitment point: exactly one, and W has step A in row 2"],
    ),
    (
        "workflows",
        ["W,,1,A,To do,", "W,,2,B,Done,"],
        ["2 commitment point: no step of workflow W is it"],
    ),
    ("workflows", ["W,,,A,To do,yes"], ["2 number: the commitment point needs a number"]),
    (
        "workflows",
        ["W,,1,A,To do,yes", "W,no,2,B,Done,"],
        ["3 workflow active: differs from the first row"],
    ),
    ("workflows", ["W,,0,A,To do,yes"], ["2 number: 0 is not between 1"]),
    ("workflows", ["W,,1,A,,yes"], ["2 category: is empty"]),
    (
        "workflows",
        ["Default,,5,Extra,To do,"],
        ["2 number: 5 is also the number of step In Progress, which is not in the file"],
    ),
    ("workflows", ["W,,1,a,To do,yes", "W ,,2,A,Done,"], ["3 : is about the same as row 2"]),
    ("custom-fields", [",cf,,Team,,,"], ["2 integration: is empty"]),
    ("custom-fields", ["jira,,,Team,,,"], ["2 field: is empty"]),
    ("custom-fields", ["jira,cf,,column,,,"], ["2 column: needed there"]),
    ("custom-fields", ["jira,cf,,team,x,,"], ["2 column: needed there"]),
    ("custom-fields", ["jira,cf,,column,a b,,"], ["2 column: letters, digits and underscores"]),
    (
        "custom-fields",
        ["jira,cf,,?,,-1,"],
        ["2 target: is not one of", "2 position: -1 is not between 0"],
    ),
]
"""A table, the rows of a file, and what is wrong: row, column and some of the words."""


@pytest.fixture
def acme() -> Ruled:
    return Ruled("acme")


@pytest.mark.parametrize("slug", TABLES)
def test_what_went_out_comes_in_unchanged(slug: str, acme: Ruled) -> None:
    for is_replacing in (False, True):
        plan = acme.plan(slug, acme.export(slug, has_mark=True), is_replacing=is_replacing)
        assert complaints(plan) == []
        assert plan.is_empty
        assert plan.unchanged_count > 0


def test_all_tables_of_one_tenant_make_those_of_another(acme: Ruled) -> None:
    globex = Ruled("globex")
    with globex.scope():
        StatusMapping.objects.all().delete()
        WitMapping.objects.all().delete()
        Workflow.objects.all().delete()
        WitHierarchy.objects.all().delete()
    for slug in TABLES:
        globex.bring_in(slug, acme.export(slug), is_replacing=True)
    for slug in TABLES:
        assert sorted(globex.export(slug).splitlines()) == sorted(acme.export(slug).splitlines())


def test_one_changed_cell_changes_one_rule_and_is_shown_before_and_after(acme: Ruled) -> None:
    text = acme.export("wit-mappings")
    assert "jira,,bug,,Bug,0,yes" in text
    edited = text.replace("jira,,bug,,Bug,0,yes", "jira,,bug,,Defect,0,yes")
    plan = acme.plan("wit-mappings", edited)
    (row,) = plan.rows
    assert row.differing == ["target"]
    assert row.before is not None
    assert row.after is not None
    assert (row.before["target"], row.after["target"]) == ("Bug", "Defect")
    assert plan.counts["unchanged"] == text.count("\r\n") - 2
    before = acme.book()
    change_set = acme.bring_in("wit-mappings", edited)
    assert change_set is not None
    assert (change_set.origin, change_set.summary) == (
        ChangeSet.Origin.IMPORT,
        "Imported WIT mappings: 1 changed",
    )
    assert acme.export("wit-mappings") == edited
    with acme.scope():
        assert change_set.changes.count() == 1
        undo(change_set, AUTHOR)
    assert acme.book() == before


def test_rows_that_are_not_in_the_file_stay_unless_it_replaces_all(acme: Ruled) -> None:
    text = acme.export("wit-mappings")
    lines = text.splitlines(keepends=True)
    without_last = "".join(lines[:-1])
    assert acme.plan("wit-mappings", without_last).is_empty
    plan = acme.plan("wit-mappings", without_last, is_replacing=True)
    assert plan.counts == {"added": 0, "changed": 0, "removed": 1, "unchanged": len(lines) - 2}
    acme.bring_in("wit-mappings", without_last, is_replacing=True)
    assert acme.export("wit-mappings") == without_last


def test_rules_may_swap_what_they_say(acme: Ruled) -> None:
    text = table(
        STEPS,
        ("Flow", "yes", 1, "One", "To do", "yes"),
        ("Flow", "yes", 2, "Two", "Done", "no"),
    )
    acme.bring_in("workflows", text)
    swapped = table(
        STEPS,
        ("Flow", "yes", 2, "One", "To do", "no"),
        ("Flow", "yes", 1, "Two", "Done", "yes"),
    )
    plan = acme.plan("workflows", swapped)
    assert plan.counts["changed"] == 2
    acme.bring_in("workflows", swapped)
    with acme.scope():
        steps = WorkflowStep.objects.filter(workflow__name="Flow").order_by("position")
        assert list(steps.values_list("name", "is_commitment_point")) == [
            ("Two", True),
            ("One", False),
        ]


def test_a_name_is_the_same_whatever_its_capitals_spaces_or_composition(acme: Ruled) -> None:
    acme.bring_in("wit-mappings", table(TYPES, ("", "", "Mängel", "", "Bug", 0, "")))
    again = table(TYPES, ("", "", " MA\u0308NGEL  ", "", "Bug", 0, "yes"))
    assert acme.plan("wit-mappings", again).is_empty


def test_a_step_says_the_category_and_that_is_told(acme: Ruled) -> None:
    text = table(STATUSES, ("", "", "", "x", "", "X", "Done", "default", "to do", "yes"))
    plan = acme.plan("status-mappings", text)
    assert complaints(plan) == []
    assert plan.notes == ["Row 2: the step To Do says the category, To do, and not Done."]
    acme.bring_in("status-mappings", text)
    with acme.scope():
        rule = StatusMapping.objects.get(from_name="x")
        assert (rule.category, rule.step and rule.step.name) == ("to_do", "To Do")


def test_the_category_of_a_step_is_that_of_its_rules(acme: Ruled) -> None:
    text = acme.export("workflows")
    edited = text.replace("Backlog,To do", "Backlog,Waiting")
    assert edited != text
    acme.bring_in("workflows", edited)
    with acme.scope():
        rules = StatusMapping.objects.filter(step__name="Backlog")
        assert set(rules.values_list("category", flat=True)) == {"waiting"}


def test_a_custom_field_may_be_named_where_its_name_is_the_only_one(acme: Ruled) -> None:
    with acme.scope():
        for source_id, name in (("cf_1", "Team"), ("cf_2", "Size"), ("cf_3", "Size")):
            CustomField.objects.create(
                tenant=acme.tenant,
                integration=acme.integration,
                source_id=source_id,
                name=name,
                **LINEAGE,
            )
    text = table(
        FIELDS,
        ("jira", "", "team", "Team", "", "", ""),
        ("jira", "", "Size", "column", "size", 1, ""),
        ("jira", "", "Nothing", "Team", "", "", ""),
    )
    plan = acme.plan("custom-fields", text)
    assert [each[:2] for each in complaints(plan)] == [(3, "field name"), (4, "field name")]
    assert "2 custom fields are called “Size”" in plan.problems[0].message
    first = "".join(text.splitlines(keepends=True)[:2])
    acme.bring_in("custom-fields", first)
    assert "jira,cf_1,Team,Team,,0,yes" in acme.export("custom-fields")


@pytest.mark.parametrize(("slug", "lines", "expected"), WRONG)
def test_each_wrong_cell_is_told_by_row_and_column_and_nothing_is_written(
    slug: str, lines: list[str], expected: list[str], acme: Ruled
) -> None:
    before = acme.book()
    header = ",".join(TABLES[slug].columns)
    text = "\n".join([header, *lines]).format(long="x" * 300)
    plan = acme.plan(slug, text)
    told = [f"{row} {column}: {message}" for row, column, message in complaints(plan)]
    assert len(told) == len(expected)
    for found, place_and_words in zip(told, expected, strict=True):
        place, words = place_and_words.split(": ", 1)
        assert found.startswith(f"{place}: ")
        assert words in found
    assert plan.rows == []
    with pytest.raises(UsageError):
        acme.bring_in(slug, text)
    assert acme.book() == before


def test_what_no_index_can_hold_is_told(acme: Ruled) -> None:
    long = "🐛" * 250
    plan = acme.plan(
        "status-mappings", table(STATUSES, ("", long, long, long, "", "X", "Done", "", "", ""))
    )
    ((_, column, message),) = complaints(plan)
    assert column == "from name"
    assert "3,000 bytes in all; 2,000 are possible" in message


def test_all_that_is_wrong_is_told_at_once_up_to_a_bound(acme: Ruled) -> None:
    rows = [("nope", "", f"n{n}", "", "", "x", "?") for n in range(400)]
    plan = acme.plan("wit-mappings", table(TYPES, *rows))
    assert len(plan.problems) == 200
    assert plan.problem_count == 1_600
    assert {each.column for each in plan.problems} == {"integration", "target", "level", "active"}


def test_one_wrong_row_among_good_ones_keeps_all_out(acme: Ruled) -> None:
    before = acme.book()
    rows = [("", "", f"n{n}", "", "Bug", 0, "") for n in range(20)]
    rows[13] = ("", "", "n13", "", "Bug", 77, "")
    text = table(TYPES, *rows)
    assert complaints(acme.plan("wit-mappings", text))[0][0] == 15
    with pytest.raises(UsageError, match="1 cells are wrong"):
        acme.bring_in("wit-mappings", text)
    assert acme.book() == before


def test_removing_what_is_in_use_is_refused_with_what_uses_it(acme: Ruled) -> None:
    text = "".join(
        line
        for line in acme.export("hierarchies").splitlines(keepends=True)
        if not line.startswith("0,")
    )
    before = acme.book()
    with pytest.raises(RuleError, match=r"Level 0 Story is still used by \d+ WIT mappings"):
        acme.bring_in("hierarchies", text, is_replacing=True)
    assert acme.book() == before


def test_names_of_another_tenant_are_answered_like_names_of_nobody(acme: Ruled) -> None:
    globex = Ruled("globex", integration="secret-site")
    globex.bring_in("hierarchies", table(LEVELS, (42, "Secret level", "")))
    globex.bring_in("workflows", table(STEPS, ("Secret", "", 1, "Hidden", "To do", "yes")))
    foreign = {
        "wit-mappings": ("secret-site", "", "bug", "", "Bug", 42, ""),
        "status-mappings": ("secret-site", "", "", "x", "", "X", "", "Secret", "Hidden", ""),
        "custom-fields": ("secret-site", "cf", "", "team", "", "", ""),
    }
    missing = {
        "wit-mappings": ("nobodys-site", "", "bug", "", "Bug", 43, ""),
        "status-mappings": ("nobodys-site", "", "", "x", "", "X", "", "Nobody", "Hidden", ""),
        "custom-fields": ("nobodys-site", "cf", "", "team", "", "", ""),
    }
    for slug, row in foreign.items():
        columns = TABLES[slug].columns
        told = str(complaints(acme.plan(slug, table(columns, row))))
        told_of_none = str(complaints(acme.plan(slug, table(columns, missing[slug]))))
        for name, other in (("secret-site", "nobodys-site"), ("42", "43"), ("Secret", "Nobody")):
            told = told.replace(name, other)
        assert told == told_of_none
        assert "globex" not in told
    before = globex.book()
    for slug in TABLES:
        assert "ecret" not in acme.export(slug)
        acme.bring_in(slug, table(TABLES[slug].columns), is_replacing=False)
    assert globex.book() == before


def test_a_file_that_replaces_everything_leaves_other_tenants_alone(acme: Ruled) -> None:
    globex = Ruled("globex")
    before = globex.book()
    acme.bring_in("wit-mappings", table(TYPES), is_replacing=True)
    assert acme.book()["wit_mappings"] == {}
    assert globex.book() == before


def test_an_empty_workflow_and_one_that_gets_its_first_steps(acme: Ruled) -> None:
    acme.bring_in("workflows", table(STEPS, ("Empty", "no", "", "", "", "")))
    assert "Empty,no,,,," in acme.export("workflows")
    rows = table(STEPS, ("empty", "yes", 1, "A", "To do", "yes"))
    plan = acme.plan("workflows", rows)
    assert plan.counts == {"added": 1, "changed": 0, "removed": 0, "unchanged": 0}
    acme.bring_in("workflows", rows)
    assert "empty,yes,1,A,To do,yes" in acme.export("workflows")
    assert "Empty" not in acme.export("workflows")


def test_a_workflow_that_the_file_does_not_have_goes_when_it_replaces_all(acme: Ruled) -> None:
    own = acme.export("workflows")
    acme.bring_in("workflows", table(STEPS, ("W", "", 1, "A", "To do", "yes")))
    assert acme.export("workflows") != own
    acme.bring_in("workflows", own, is_replacing=True)
    assert acme.export("workflows") == own
    with acme.scope():
        assert not Workflow.objects.filter(name="W").exists()
