"""Deleting what is in use: what depends on it, and where that goes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mappings.api.edits import RowEdit
from mappings.dependants import Dependants, Use
from tenants.api.problems import Problem, ProblemError

NEXT: Final = "next"
"""move_to: what fell under a rule falls under the next that matches, or under none."""
NONE: Final = "none"
"""move_to: the rules of a step keep their category and have no step."""


def refuse_used(name: str, uses: Sequence[Dependants], what: str) -> None:
    """Raise Problem (409) that says what uses something, and how many work items are behind it."""
    count = sum(use.count for use in uses)
    items = sum(use.items for use in uses)
    labels = [label for use in uses for label in use.labels]
    raise Problem(
        409,
        "in-use",
        f"{name} is used by {count:,} rule{'' if count == 1 else 's'} with {items:,} work "
        f"item{'' if items == 1 else 's'} behind {'it' if count == 1 else 'them'}: {what}.",
        [ProblemError(detail=label, code="in-use") for label in labels],
    )


def refuse_occurring(name: str, use: Use) -> None:
    """Raise Problem (409) that says how much falls under a rule."""
    raise Problem(
        409,
        "in-use",
        f"{name}: {use.items:,} work item{'' if use.items == 1 else 's'} in {use.occurrences:,} "
        f"place{'' if use.occurrences == 1 else 's'} fall under it. Say by move_to where they go: "
        f"“{NEXT}” for whatever rule matches next, or the id of a rule to give what that gives.",
    )


def target_of(edit: RowEdit, rows: Any, words: Mapping[str, Any]) -> Any:
    """Return the row that `move_to` names, or what a word of it means; raise Problem for none."""
    given = edit.move_to
    if isinstance(given, str) and given in words:
        return words[given]
    text = str(given)
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None
    found = rows.filter(pk=number).first() if number is not None else None
    if found is None:
        told = " or ".join(["an id", *(f"“{word}”" for word in words)])
        detail = f"There is none with the id {number}." if number is not None else f"Give {told}."
        where = (
            ProblemError(pointer=f"{edit.pointer}/move_to", detail=detail, code="does_not_exist")
            if edit.pointer
            else ProblemError(parameter="move_to", detail=detail, code="does_not_exist")
        )
        raise Problem(400, "invalid", f"move_to: {detail}", [where])
    return found
