"""What a query means for the index: which projects, which bounds, which rows, in which order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol
from zoneinfo import ZoneInfo

from sandbox.jira.facts import Facts
from sandbox.jira.index import Order
from sandbox.jira.jql.parser import Both, Clause, JqlError, Not, Statement, Tree
from sandbox.jira.jql.times import span

Bounds = tuple[int, int]
Test = Callable[[Facts], bool]
_ALL: Bounds = (0, (1 << 42) - 1)
_TIMES: dict[str, Order] = {
    "updated": "updated",
    "updateddate": "updated",
    "created": "created",
    "createddate": "created",
}
_KEYS = ("key", "issuekey", "id", "issue")
_SORTABLE: dict[str, Order] = {**_TIMES, "key": "number", "issuekey": "number", "id": "id"}
_SETS = {"status": "status", "issuetype": "type", "type": "type"}


class Names(Protocol):
    """Turns what a query names into ids; raises JqlError where there is no such thing."""

    zone: ZoneInfo
    now: int

    def projects(self, value: str) -> set[int]:
        """Return the project of this id, key or name, which the user must see."""

    def issue(self, value: str, field: str) -> int:
        """Return the id of the issue of this id or key, which the user must see."""

    def ids(self, field: str, value: str) -> set[int]:
        """Return the statuses or types of this id or name."""


@dataclass(frozen=True)
class Plan:
    """A query for the index.

    projects, ids (of issues): None for all. bounds: by order, both ends included. test: None if
    the others say everything. order: (field, descending); `number` stands for the key.
    """

    projects: set[int] | None = None
    ids: set[int] | None = None
    bounds: dict[Order, Bounds] = field(default_factory=dict)
    test: Test | None = None
    order: tuple[tuple[Order, bool], ...] = ()
    is_bounded: bool = True


def plan(statement: Statement, names: Names) -> Plan:
    """Return the plan of a statement; raise JqlError for what is unknown in it."""
    order: list[tuple[Order, bool]] = []
    for name, descending in statement.order:
        if name.lower() not in _SORTABLE:
            raise JqlError(f"Not able to sort using field '{name}'.")
        order.append((_SORTABLE[name.lower()], descending))
    if statement.where is None:
        return Plan(order=tuple(order), is_bounded=False)
    maker = _Maker(names)
    projects: set[int] | None = None
    ids: set[int] | None = None
    bounds: dict[Order, Bounds] = {}
    tests: list[Test] = []
    for part in _conjuncts(statement.where):
        if isinstance(part, Clause) and part.field.lower() == "project" and part.operator == "in":
            found = maker.projects(part)
            projects = found if projects is None else projects & found
        elif isinstance(part, Clause) and part.field.lower() in _KEYS and part.operator == "in":
            found = maker.issues(part)
            ids = found if ids is None else ids & found
        elif isinstance(part, Clause) and (narrow := maker.bounds(part)) is not None:
            by, (low, high) = narrow
            known = bounds.get(by, _ALL)
            bounds[by] = (max(known[0], low), min(known[1], high))
        else:
            tests.append(maker.test(part))
    test = None if not tests else tests[0] if len(tests) == 1 else _every(tests)
    return Plan(projects, ids, bounds, test, tuple(order))


def _conjuncts(tree: Tree) -> Iterable[Tree]:
    if isinstance(tree, Both) and not tree.is_any:
        for part in tree.parts:
            yield from _conjuncts(part)
    else:
        yield tree


def _every(tests: list[Test]) -> Test:
    return lambda facts: all(test(facts) for test in tests)


class _Maker:
    """Makes tests and bounds of clauses."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def projects(self, clause: Clause) -> set[int]:
        return set().union(*map(self._names.projects, clause.values))

    def issues(self, clause: Clause) -> set[int]:
        return {self._names.issue(value, clause.field) for value in clause.values}

    def bounds(self, clause: Clause) -> tuple[Order, Bounds] | None:
        """Return the bounds that a clause is, None if it is of another kind."""
        name = clause.field.lower()
        if name not in _TIMES or len(clause.values) != 1:
            return None
        first, last = span(clause.values[0], clause.field, self._names.zone, self._names.now)
        low, high = _ALL
        if clause.operator == "in":
            low, high = first, last
        elif clause.operator == ">":
            low = first + 1
        elif clause.operator == ">=":
            low = first
        elif clause.operator == "<":
            high = first - 1
        else:
            high = first
        return _TIMES[name], (low, high)

    def test(self, tree: Tree) -> Test:
        if isinstance(tree, Not):
            inner = self.test(tree.inner)
            return lambda facts: not inner(facts)
        if isinstance(tree, Both):
            tests = [self.test(part) for part in tree.parts]
            if tree.is_any:
                return lambda facts: any(test(facts) for test in tests)
            return _every(tests)
        return self._clause(tree)

    def _clause(self, clause: Clause) -> Test:
        name = clause.field.lower()
        narrow = self.bounds(clause)
        if narrow is not None:
            (by, (low, high)) = narrow
            return lambda facts: low <= getattr(facts, by) <= high
        if name in _TIMES and clause.operator == "in":
            parts = [Clause(clause.field, "in", (value,)) for value in clause.values]
            return self.test(Both(tuple(parts), is_any=True))
        if clause.operator != "in":
            raise JqlError(
                f"The operator '{clause.operator}' is not supported by the '{clause.field}' field."
            )
        if name == "project":
            projects = self.projects(clause)
            return lambda facts: facts.project in projects
        if name in _KEYS:
            wanted = self.issues(clause)
            return lambda facts: facts.id in wanted
        if name in _SETS:
            member = _SETS[name]
            ids = set().union(*(self._names.ids(name, value) for value in clause.values))
            return lambda facts: getattr(facts, member) in ids
        raise JqlError(
            f"Field '{clause.field}' does not exist or you do not have permission to view it."
        )
