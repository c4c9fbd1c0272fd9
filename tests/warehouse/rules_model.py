"""The rules once more, as plain Python: what previews and edits are compared with.

Written from `docs` and the words at the top of `mappings/rules.py`, to be read and not to be fast.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mappings.book import Book
from mappings.rules import fold
from tests.warehouse.flow_model import Item, Meaning, Metrics, Step, metrics

Row = Mapping[str, Any]

_LABELS = {
    "to_do": "To do",
    "in_progress": "In progress",
    "waiting": "Waiting",
    "done": "Done",
    "discarded": "Discarded",
}


@dataclass(frozen=True)
class Source:
    """A type or status as a source names it. mark: its level, or its category."""

    name: str
    mark: object


@dataclass(frozen=True)
class Placed:
    """A work item and where it is. type: by its id in the integration's types.

    is_deleted: at the source; it has its values, and no count has it.
    """

    integration_id: int
    project: str
    type: str
    item: Item
    is_deleted: bool = False


@dataclass(frozen=True)
class Sources:
    """What the sources have: project keys, types and statuses by (integration, id)."""

    projects: dict[tuple[int, str], str] = field(default_factory=dict)
    types: dict[tuple[int, str], Source] = field(default_factory=dict)
    statuses: dict[tuple[int, str], Source] = field(default_factory=dict)


@dataclass(frozen=True)
class Expected:
    """What people see of an item, and its metrics."""

    shown: tuple[str, str, str, str, str]
    metrics: Metrics


def expected(book: Book, sources: Sources, placed: Placed) -> Expected:
    """Return what the rules of a book make of an item."""
    type_rule = _type_rule(book, sources, placed)
    type_, level = "", ""
    if type_rule is not None:
        row = book.rows["wit_hierarchies"][type_rule["hierarchy_id"]]
        type_, level = type_rule["target"], f"{row['level']} {row['name']}"
    status_rule = _status_rule(book, sources, placed, placed.item.status)
    status = ("", "", "") if status_rule is None else _status_words(book, status_rule)
    return Expected((type_, level, *status), metrics(placed.item, _meanings(book, sources, placed)))


def _meanings(book: Book, sources: Sources, placed: Placed) -> dict[str, Meaning]:
    found = {}
    for integration_id, status in sources.statuses:
        rule = _status_rule(book, sources, placed, status)
        if integration_id == placed.integration_id and rule is not None:
            found[status] = _meaning(book, rule)
    return found


def _meaning(book: Book, rule: Row) -> Meaning:
    if rule["step_id"] is None:
        return Meaning(rule["category"])
    own = book.rows["workflow_steps"][rule["step_id"]]
    steps = {
        step_id: Step(row["category"], row["position"], row["is_commitment_point"])
        for step_id, row in book.rows["workflow_steps"].items()
        if row["workflow_id"] == own["workflow_id"]
    }
    return Meaning(rule["category"], steps[rule["step_id"]], tuple(steps.values()))


def _status_words(book: Book, rule: Row) -> tuple[str, str, str]:
    if rule["step_id"] is None:
        return rule["target"], _LABELS[rule["category"]], ""
    step = book.rows["workflow_steps"][rule["step_id"]]
    workflow = book.rows["workflows"][step["workflow_id"]]
    return rule["target"], _LABELS[step["category"]], f"{workflow['name']}: {step['name']}"


def _type_rule(book: Book, sources: Sources, placed: Placed) -> Row | None:
    source = sources.types.get((placed.integration_id, placed.type))
    return _narrowest(
        [
            (rule_id, rule, not rule["from_name"], ())
            for rule_id, rule in book.rows["wit_mappings"].items()
            if _is_here(rule, sources, placed)
            and _matches(rule["from_name"], rule["from_level"], source)
        ]
    )


def _status_rule(book: Book, sources: Sources, placed: Placed, status: str) -> Row | None:
    source = sources.statuses.get((placed.integration_id, status))
    type_ = sources.types.get((placed.integration_id, placed.type))
    return _narrowest(
        [
            (rule_id, rule, not rule["from_name"], (not rule["type_name"],))
            for rule_id, rule in book.rows["status_mappings"].items()
            if _is_here(rule, sources, placed)
            and _matches(rule["from_name"], rule["from_category"] or None, source)
            and (not rule["type_name"] or (type_ and fold(type_.name) == fold(rule["type_name"])))
        ]
    )


def _is_here(rule: Row, sources: Sources, placed: Placed) -> bool:
    if not rule["is_active"]:
        return False
    if rule["integration_id"] not in (None, placed.integration_id):
        return False
    key = sources.projects.get((placed.integration_id, placed.project))
    return not rule["project_key"] or (key is not None and fold(key) == fold(rule["project_key"]))


def _matches(name: str, mark: object, source: Source | None) -> bool:
    if source is None:
        return False
    return fold(name) == fold(source.name) if name else mark is not None and mark == source.mark


def _narrowest(
    candidates: Iterable[tuple[int, Row, bool, tuple[bool, ...]]],
) -> Row | None:
    """By name before by mark, then integration, project, type, then the older rule."""
    ordered = sorted(
        candidates,
        key=lambda each: (
            each[2],
            each[1]["integration_id"] is None,
            not each[1]["project_key"],
            *each[3],
            each[0],
        ),
    )
    return ordered[0][1] if ordered else None
