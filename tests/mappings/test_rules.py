"""Which rule wins: every point of the total order, and what counts as the same name."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.models import StatusMapping, WitMapping
from mappings.rules import StatusFacts, StatusRules, TypeFacts, TypeRules, fold

JIRA, OTHER = 7, 8
FACTS = StatusFacts(
    integration_id=JIRA,
    project_key="SHOP",
    type_names=("Story", "Historia"),
    name="In Arbeit",
    untranslated_name="In Progress",
    category="indeterminate",
)


def status_rule(pk: int, **values: Any) -> StatusMapping:
    return StatusMapping(pk=pk, target="Doing", category="in_progress", **values)


def type_rule(pk: int, **values: Any) -> WitMapping:
    return WitMapping(pk=pk, target="Story", **values)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("In Progress", "in  progress"),
        ("In\u00a0Progress", " In Progress\t"),
        ("In\u200b Pro\u00adgress\ufeff", "In Progress"),
        ("Caf\u00e9", "CAFE\u0301"),
        ("\uff24\uff4f\uff4e\uff45", "Done"),
        ("Stra\u00dfe", "STRASSE"),
        ("\ufb01xed", "FIXED"),
        ("\u8fdb\u884c\u4e2d", "\u8fdb\u884c\u4e2d\u3000"),
    ],
)
def test_names_that_look_the_same_are_the_same(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("To Do", "ToDo"), ("Done", "Done!"), ("Résumé", "Resume"), ("1", "2")]
)
def test_names_that_differ_for_a_reader_stay_apart(one: str, other: str) -> None:
    assert fold(one) != fold(other)


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


# Strongest first; each is compared with every weaker one, in both orders of their ids.
STATUS_RULES_BY_STRENGTH: list[dict[str, Any]] = [
    {"from_name": "In Arbeit", "integration_id": JIRA, "project_key": "SHOP", "type_name": "Story"},
    {
        "from_name": "In Progress",
        "integration_id": JIRA,
        "project_key": "SHOP",
        "type_name": "historia",
    },
    {"from_name": "In Arbeit", "integration_id": JIRA, "project_key": "shop"},
    {"from_name": "in arbeit", "integration_id": JIRA, "type_name": "STORY"},
    {"from_name": "In Arbeit", "integration_id": JIRA},
    {"from_name": "in progress", "integration_id": JIRA},
    {"from_name": "In Arbeit", "project_key": "SHOP", "type_name": "Story"},
    {"from_name": "In Arbeit", "project_key": "SHOP"},
    {"from_name": "In Arbeit", "type_name": "Story"},
    {"from_name": "In Arbeit"},
    {"from_name": "In Progress"},
    {
        "from_category": "indeterminate",
        "integration_id": JIRA,
        "project_key": "SHOP",
        "type_name": "Story",
    },
    {"from_category": "indeterminate", "integration_id": JIRA, "project_key": "SHOP"},
    {"from_category": "Indeterminate", "integration_id": JIRA},
    {"from_category": "indeterminate", "project_key": "SHOP"},
    {"from_category": "indeterminate", "type_name": "Story"},
    {"from_category": "indeterminate"},
]


def test_of_two_status_rules_the_narrower_wins_whatever_their_age() -> None:
    for strong, weak in itertools.combinations(STATUS_RULES_BY_STRENGTH, 2):
        older = [status_rule(1, **strong), status_rule(2, **weak)]
        younger = [status_rule(2, **strong), status_rule(1, **weak)]
        assert StatusRules(older).winner(FACTS) is older[0], (strong, weak)
        assert StatusRules(younger[::-1]).winner(FACTS) is younger[0], (strong, weak)


@pytest.mark.parametrize(
    "foreign",
    [
        {"from_name": "Done"},
        {"from_category": "done"},
        {"from_name": "In Arbeit", "integration_id": OTHER},
        {"from_name": "In Arbeit", "project_key": "SHOPS"},
        {"from_name": "In Arbeit", "type_name": "Bug"},
        {"from_name": "In Arbeit", "is_active": False},
        {"from_name": "In Arbeit", "from_category": "indeterminate"},
        {"from_name": "\u200b"},
        {},
    ],
)
def test_a_status_rule_that_says_something_else_does_not_match(foreign: dict[str, Any]) -> None:
    assert StatusRules([status_rule(1, **foreign)]).winner(FACTS) is None


def test_of_two_equal_rules_the_older_wins() -> None:
    rules = [status_rule(pk, from_name="In Arbeit") for pk in (5, 3, 4)]
    assert StatusRules(rules).winner(FACTS) is rules[1]


def test_a_status_of_which_nothing_is_known_matches_nothing() -> None:
    facts = StatusFacts(integration_id=JIRA, project_key=None, type_names=(), name=None)
    rules = [status_rule(pk, **values) for pk, values in enumerate(STATUS_RULES_BY_STRENGTH)]
    assert StatusRules(rules).winner(facts) is None


TYPE_FACTS = TypeFacts(
    integration_id=JIRA, project_key="SHOP", name="Historia", untranslated_name="Story", level=0
)
TYPE_RULES_BY_STRENGTH: list[dict[str, Any]] = [
    {"from_name": "HISTORIA", "integration_id": JIRA, "project_key": "SHOP"},
    {"from_name": "story", "integration_id": JIRA, "project_key": "SHOP"},
    {"from_name": "Historia", "integration_id": JIRA},
    {"from_name": "Historia", "project_key": "SHOP"},
    {"from_name": "Historia"},
    {"from_name": "Story"},
    {"from_level": 0, "integration_id": JIRA, "project_key": "SHOP"},
    {"from_level": 0, "integration_id": JIRA},
    {"from_level": 0, "project_key": "SHOP"},
    {"from_level": 0},
]


def test_of_two_type_rules_the_narrower_wins_whatever_their_age() -> None:
    for strong, weak in itertools.combinations(TYPE_RULES_BY_STRENGTH, 2):
        older = [type_rule(1, **strong), type_rule(2, **weak)]
        younger = [type_rule(2, **strong), type_rule(1, **weak)]
        assert TypeRules(older).winner(TYPE_FACTS) is older[0], (strong, weak)
        assert TypeRules(younger[::-1]).winner(TYPE_FACTS) is younger[0], (strong, weak)


def test_a_source_without_levels_still_has_a_level_for_its_sub_tasks() -> None:
    rules = TypeRules([type_rule(1, from_level=-1), type_rule(2, from_level=0)])

    def winner(level: int | None, is_subtask: bool | None) -> int | None:
        facts = TypeFacts(JIRA, "SHOP", "Unterpunkt", level=level, is_subtask=is_subtask)
        rule = rules.winner(facts)
        return rule.pk if rule else None

    assert winner(None, True) == 1
    assert winner(0, True) == 2, "what the source says of the level counts"
    assert winner(None, False) is None, "not a sub-task says nothing of the level"
    assert winner(None, None) is None
