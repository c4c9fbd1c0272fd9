"""What custom fields are made into, in plain Python: the model that the SQL is compared with."""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from warehouse.mapped_fields import FieldRule

SPACE = " \t\n\r"
AFTER_NAME = re.compile(
    r",(startDate|endDate|completeDate|activatedDate|sequence|goal|autoStartStop|synced"
    r"|incompleteIssuesDestinationId|rapidViewId|state|id)="
)


def mapped(rules: Iterable[FieldRule], custom_fields: dict[str, Any]) -> dict[str, Any] | None:
    """Return mapped_fields of an item. rules: in the order in which they are tried."""
    found: dict[str, Any] = {}
    columns: dict[str, Any] = {}
    for rule in rules:
        value = READERS[rule.target](custom_fields.get(rule.field_source_id))
        name = rule.column_name or rule.target
        if value is not None:
            (columns if rule.target == "column" else found).setdefault(name, value)
    if columns:
        found["columns"] = columns
    return found or None


def scalar(value: Any) -> str | int | float | None:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return value
        case str():
            return value.strip(SPACE) or None
        case _:
            return None


def plain(value: Any, members: Sequence[str]) -> str | int | float | None:
    if not isinstance(value, dict):
        return scalar(value)
    first = None
    for name in members:
        member: Any = value
        for part in name.split("."):
            member = member.get(part) if isinstance(member, dict) else None
        if (first := scalar(member)) is not None:
            break
    inner = value.get("child")
    child = scalar(inner.get("value")) if isinstance(inner, dict) else None
    return f"{first} / {child}" if isinstance(first, str) and isinstance(child, str) else first


MEMBERS = ("value", "displayName", "name", "key")
EPIC_MEMBERS = ("key", "data.key", "value", "name")


def number(value: Any) -> int | float | None:
    found = plain(value, MEMBERS)
    if isinstance(found, str):
        is_number = re.fullmatch(r"[+-]?[0-9]{1,9}(\.[0-9]{1,6})?", found)
        return float(found) if is_number else None
    return found if found is not None and -1e9 <= found <= 1e9 else None


def text(value: Any, members: Sequence[str] = MEMBERS) -> str | None:
    found = plain(value, members)
    if isinstance(found, int):
        return str(found) if len(str(abs(found))) <= 15 else None
    return found if isinstance(found, str) else None


def epic(value: Any) -> str | None:
    return text(value, EPIC_MEMBERS)


def first_of(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def first(value: Any) -> Any:
        entries = value if isinstance(value, list) else [value]
        return next((found for each in entries if (found := read(each)) is not None), None)

    return first


def column(value: Any) -> Any:
    if not isinstance(value, list):
        return plain(value, MEMBERS)
    return [found for each in value if (found := plain(each, MEMBERS)) is not None] or None


def sprint_name(value: Any) -> str | None:
    if isinstance(value, dict):
        return text(value, ("name",))
    told = "com.atlassian.greenhopper.service.sprint.Sprint@"
    if not isinstance(value, str) or not value.startswith(told):
        return text(value)
    _, has_name, rest = value.partition(",name=")
    name = AFTER_NAME.split(rest, maxsplit=1)[0]
    if name == rest:
        name = rest.removesuffix("]")
    return None if not has_name or name == "<null>" else name.strip(SPACE) or None


def is_running(value: Any) -> bool:
    if isinstance(value, dict):
        state = value.get("state")
        return isinstance(state, str) and state.lower() == "active"
    return isinstance(value, str) and ",state=ACTIVE" in value


def sprint(value: Any) -> str | None:
    if not isinstance(value, list):
        return sprint_name(value)
    named = [
        (is_running(each), n, name) for n, each in enumerate(value) if (name := sprint_name(each))
    ]
    return max(named)[2] if named else None


READERS: dict[str, Callable[[Any], Any]] = {
    "story_points": first_of(number),
    "team": first_of(text),
    "epic_link": first_of(epic),
    "sprint": sprint,
    "column": column,
}
