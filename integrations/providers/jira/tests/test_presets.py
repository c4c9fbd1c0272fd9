"""Starter rules say by name only what no category can."""

import pytest

from ..presets import PRESETS

BY_NAME = {rule.from_name: rule.step for rule in PRESETS.statuses if rule.from_name}
BY_CATEGORY = {rule.from_category: rule.step for rule in PRESETS.statuses if rule.from_category}


def test_every_category_of_jira_has_a_step() -> None:
    assert BY_CATEGORY == {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}


@pytest.mark.parametrize(
    "name", ["To Do", "In Progress", "Done", "Closed", "In Review", "Under review", "Blocked"]
)
def test_a_name_that_may_contradict_its_category_has_no_rule(name: str) -> None:
    assert name not in BY_NAME


def test_work_given_up_is_discarded_and_not_done() -> None:
    given_up = {"Cancelled", "Canceled", "Won't Do", "Rejected", "Duplicate", "Discarded"}
    assert {name for name, step in BY_NAME.items() if step == "Discarded"} == given_up


def test_types_go_by_name_and_else_by_level() -> None:
    names = {rule.from_name: rule.level for rule in PRESETS.types if rule.from_name}
    levels = {rule.from_level: rule.target for rule in PRESETS.types if rule.from_name is None}
    assert names == {"Story": 0, "Task": 0, "Bug": 0, "Epic": 1, "Sub-task": -1}
    assert levels[-1] == "Sub-task"
    assert sorted(level for level in levels if level is not None) == [-1, 0, 1, 2, 3, 4]
