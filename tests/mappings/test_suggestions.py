"""What a type or status without a rule probably is: the clues one by one, and how they add up."""

import pytest

from mappings.suggestions import (
    CERTAIN,
    INACTIVE_RULE,
    OWN_NAME,
    SAME_NAME,
    SOURCE_SAYS,
    STARTER_NAME,
    SUBTASK,
    Knowledge,
    KnownRule,
    Meaning,
    OwnName,
    Starter,
    Unknown,
    suggest,
)

DOING = Meaning("In Progress", 5, "in_progress")
DONE = Meaning("Done", 11, "done")
TO_DO = Meaning("To Do", 4, "to_do")
BUG = Meaning("Bug", 1)
STORY = Meaning("Story", 1)
SUB = Meaning("Sub-task", 2)
IN_OTHER = "for other-jira"

RULE = Knowledge(rules=(KnownRule("doing", DOING, IN_OTHER),))
INACTIVE = Knowledge(rules=(KnownRule("doing", DOING, IN_OTHER, is_active=False),))
STEP = Knowledge(names=(OwnName("In Progress", DOING, "your step In Progress of Default"),))
BY_CATEGORY = Knowledge(starters=(Starter(DOING, category="indeterminate"),), provider="Jira")
BY_NAME = Knowledge(starters=(Starter(BUG, name="bug"),), provider="Jira")
BY_LEVEL = Knowledge(starters=(Starter(STORY, level=0), Starter(SUB, level=-1)), provider="Jira")


@pytest.mark.parametrize(
    ("unknown", "knowledge", "meaning", "confidence", "reason"),
    [
        (Unknown(("Doing",)), RULE, DOING, SAME_NAME, "Your rule for other-jira makes it"),
        (Unknown((" DOING ",)), RULE, DOING, SAME_NAME, "Your rule"),
        (Unknown(("In Arbeit", "Doing")), RULE, DOING, SAME_NAME, "Your rule"),
        (Unknown(("Doing",)), INACTIVE, DOING, INACTIVE_RULE, "Your inactive rule"),
        (Unknown(("in progress",)), STEP, DOING, OWN_NAME, "It is the name of your step"),
        (Unknown(("Bug",)), BY_NAME, BUG, STARTER_NAME, "Jira's starter rule for this name"),
        (
            Unknown(("QA",), category="indeterminate"),
            BY_CATEGORY,
            DOING,
            SOURCE_SAYS,
            "Jira files it under “indeterminate”",
        ),
        (Unknown(("Spike",), level=0), BY_LEVEL, STORY, SOURCE_SAYS, "The source puts it on level"),
        (Unknown(("Check",), level=-1), BY_LEVEL, SUB, SUBTASK, "The source calls it a sub-task"),
        (Unknown(("In Progres",)), STEP, DOING, 81, "Its name is like your step In Progress"),
        (Unknown(("Progress, in",)), STEP, DOING, 85, "Its name is like your step In Progress"),
    ],
)
def test_each_clue_says_what_it_is_how_sure_and_why(
    unknown: Unknown, knowledge: Knowledge, meaning: Meaning, confidence: int, reason: str
) -> None:
    found = suggest(unknown, knowledge)
    assert found is not None
    assert (found.meaning, found.confidence) == (meaning, confidence)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("unknown", "knowledge"),
    [
        (Unknown(("Zebra",)), STEP),
        (Unknown(("QA",), category="new"), BY_CATEGORY),
        (Unknown(("Spike",)), BY_LEVEL),
        (Unknown(("Dog",)), Knowledge(names=(OwnName("Dogs", BUG, "your type Dogs"),))),
        (Unknown(("",)), RULE),
        (Unknown(()), Knowledge()),
        (Unknown(("進行中",)), STEP),
    ],
)
def test_where_nothing_says_anything_there_is_no_suggestion(
    unknown: Unknown, knowledge: Knowledge
) -> None:
    assert suggest(unknown, knowledge) is None


def test_clues_that_agree_make_it_surer_and_are_both_told() -> None:
    knowledge = Knowledge(
        names=STEP.names, starters=BY_CATEGORY.starters, rules=RULE.rules, provider="Jira"
    )
    found = suggest(Unknown(("In Progress", "Doing"), category="indeterminate"), knowledge)
    assert found is not None
    assert (found.meaning, found.confidence) == (DOING, CERTAIN)
    assert "rule for other-jira" in found.reason
    assert "your step In Progress" in found.reason


def test_a_nearly_as_strong_clue_for_something_else_makes_it_doubtful() -> None:
    knowledge = Knowledge(
        rules=(KnownRule("closed", DONE, IN_OTHER),),
        names=(OwnName("Closed", TO_DO, "your step Closed of Odd"),),
    )
    found = suggest(Unknown(("Closed",)), knowledge)
    assert found is not None
    assert (found.meaning, found.confidence) == (DONE, SAME_NAME - 15)
    assert "but it could be To Do" in found.reason


def test_rules_that_disagree_are_as_sure_as_the_share_of_the_most() -> None:
    knowledge = Knowledge(
        rules=(
            KnownRule("review", DOING, "for one"),
            KnownRule("review", DOING, "for two"),
            KnownRule("review", DONE, "for three"),
        )
    )
    found = suggest(Unknown(("Review",)), knowledge)
    assert found is not None
    assert (found.meaning, found.confidence) == (DOING, round(SAME_NAME * 2 / 3))
    assert "and 1 more" in found.reason


def test_a_suggestion_is_never_certain_and_always_the_same() -> None:
    knowledge = Knowledge(
        rules=(KnownRule("x", DONE, "for a"), KnownRule("x", DOING, "for b")),
    )
    found = {suggest(Unknown(("X",)), knowledge) for _ in range(5)}
    assert len(found) == 1
    (only,) = found
    assert only is not None
    assert only.confidence < 50
