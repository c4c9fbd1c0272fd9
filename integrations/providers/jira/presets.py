"""Starter mappings of a Jira site.

Statuses go by Jira's own category. A name has a rule of its own only where it says what no
category can: work not yet ready, or work given up. Names that repeat what the category says
(`Done`, `In Review`) have none, because a name rule is narrower than a category rule and would
overrule a site that files `Under review` as new. Waiting (`Blocked`, `On Hold`) is no step of the
default workflow, and stays with its category until somebody decides otherwise.

Types go by name where the name is one of Jira's own, and by level for every other.
"""

from typing import Final

from integrations.contract import Presets, StatusRule, TypeRule

_STEPS_BY_NAME: Final = {
    "Backlog": "Backlog",
    "Refinement": "Refinement",
    "Ready to Work": "Ready to Work",
    "Cancelled": "Discarded",
    "Canceled": "Discarded",
    "Won't Do": "Discarded",
    "Rejected": "Discarded",
    "Duplicate": "Discarded",
    "Discarded": "Discarded",
}
_STEPS_BY_CATEGORY: Final = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}
_LEVELS_BY_TYPE: Final = {"Story": 0, "Task": 0, "Bug": 0, "Epic": 1, "Sub-task": -1}
_TYPES_BY_LEVEL: Final = {
    -1: "Sub-task",
    0: "Story",
    1: "Epic",
    2: "Milestone",
    3: "Product Objective",
    4: "Capital Investment",
}

PRESETS: Final = Presets(
    types=(
        *(
            TypeRule(from_name=name, target=name, level=level)
            for name, level in _LEVELS_BY_TYPE.items()
        ),
        *(
            TypeRule(from_level=level, target=name, level=level)
            for level, name in _TYPES_BY_LEVEL.items()
        ),
    ),
    statuses=(
        *(
            StatusRule(from_name=name, target=step, step=step)
            for name, step in _STEPS_BY_NAME.items()
        ),
        *(
            StatusRule(from_category=category, target=step, step=step)
            for category, step in _STEPS_BY_CATEGORY.items()
        ),
    ),
)
