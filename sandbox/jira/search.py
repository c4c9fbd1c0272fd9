"""Finding issues by JQL, page by page."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.generate.draws import Draws
from sandbox.jira.facts import Facts
from sandbox.jira.index import Order
from sandbox.jira.jql import JqlError, Plan, parse, plan
from sandbox.jira.store import JiraStore

Place = list[Any]
_ALL = (0, (1 << 42) - 1)
_MANY_IDS = 1_000


class StoreNames:
    """What the names in a query stand for, as far as an account may know."""

    def __init__(self, store: JiraStore, account: str) -> None:
        self._store = store
        self._account = account
        self._visible = store.visible_projects(account)
        self.zone = ZoneInfo(store.time_zone)
        self.now = store.clock.now

    def projects(self, value: str) -> set[int]:
        """Return the project of this id, key or name."""
        wanted = value.lower()
        found = {
            int(each["id"])
            for each in self._store.setup.projects
            if wanted in (each["id"], each["key"].lower(), str(each.get("name", "")).lower())
        } & self._visible
        if not found:
            raise JqlError(f"The value '{value}' does not exist for the field 'project'.")
        return found

    def issue(self, value: str, field: str) -> int:
        """Return the id of the issue of this id or key."""
        row = self._store.visible_row(value, self._account)
        if row is None:
            if value.isdigit():
                raise JqlError(f"A value with ID '{value}' does not exist for the field '{field}'.")
            raise JqlError(f"An issue with key '{value}' does not exist for field '{field}'.")
        return self._store.facts(row).id

    def ids(self, field: str, value: str) -> set[int]:
        """Return the statuses or types of this id or name."""
        setup = self._store.setup
        listed = setup.statuses if field == "status" else setup.types
        wanted = value.lower()
        found = {int(e["id"]) for e in listed if wanted in (e["id"], str(e["name"]).lower())}
        if not found:
            raise JqlError(f"The value '{value}' does not exist for the field '{field}'.")
        return found


@dataclass(frozen=True)
class Found:
    """Rows of a page, and the place after which the next page begins; None if it is the last."""

    rows: list[int]
    after: Place | None


class Finder:
    """A query of an account, ready to be asked for pages."""

    def __init__(self, store: JiraStore, jql: str, account: str) -> None:
        """Raise JqlError if the query cannot be read or names what there is not."""
        self._store = store
        self._plan = plan(parse(jql), StoreNames(store, account))
        visible = store.visible_projects(account)
        wanted = self._plan.projects
        self._projects = sorted(visible if wanted is None else wanted & visible)
        self._order = _whole_order(self._plan)
        self._absent = self._flickering()

    @property
    def is_bounded(self) -> bool:
        """Whether the query restricts what it finds."""
        return self._plan.is_bounded

    def _flickering(self) -> set[int]:
        """Return the rows that are absent for once although they are indexed."""
        share = self._store.organisation.options.index_flicker
        if not share:
            return set()
        draws = Draws(self._store.organisation.seed, "flicker", self._store.searches)
        self._store.searches += 1
        return {row for row in sorted(self._store.recently_changed()) if draws.chance(share)}

    def page(self, size: int, after: Place | None = None) -> Found:
        """Return so many rows that come after a place."""
        rows: list[int] = []
        last: Place | None = None
        for row, facts in self._rows(after):
            if len(rows) == size:
                return Found(rows, last)
            rows.append(row)
            last = self._place(facts)
        return Found(rows, None)

    def slice(self, start: int, size: int) -> list[int]:
        """Return so many rows from a number on."""
        rows: list[int] = []
        for number, (row, _) in enumerate(self._rows(None)):
            if number >= start + size:
                break
            if number >= start:
                rows.append(row)
        return rows

    def count(self) -> int:
        """Return how many rows there are."""
        bounds = self._plan.bounds
        if (
            self._plan.test is None
            and self._plan.ids is None
            and len(bounds) < 2
            and not self._absent
        ):
            order, (low, high) = next(iter(bounds.items()), ("id", _ALL))
            return self._store.index.count(order, self._projects, low, high)
        return sum(1 for _ in self._rows(None))

    def _place(self, facts: Facts) -> Place:
        return [self._value(facts, order) for order, _ in self._order]

    def _value(self, facts: Facts, order: Order) -> Any:
        if order == "number":
            return [self._store.project_keys[facts.project], facts.number]
        return getattr(facts, order)

    def _rows(self, after: Place | None) -> Iterator[tuple[int, Facts]]:
        """Yield rows in order; those equal by its first field are sorted by the rest."""
        facts_of = self._store.index.facts
        for _, group in groupby(self._candidates(after), key=lambda pair: pair[0]):
            rows = [(row, facts_of(row)) for _, row in group]
            kept = [(row, facts) for row, facts in rows if self._holds(row, facts)]
            for order, descending in reversed(self._order[1:]):
                kept.sort(key=lambda pair: self._value(pair[1], order), reverse=descending)
            for row, facts in kept:
                if after is None or self._is_after(facts, after):
                    yield row, facts

    def _holds(self, row: int, facts: Facts) -> bool:
        if row in self._absent:
            return False
        for order, (low, high) in self._plan.bounds.items():
            if not low <= getattr(facts, order) <= high:
                return False
        return self._plan.test is None or self._plan.test(facts)

    def _is_after(self, facts: Facts, place: Place) -> bool:
        for (order, descending), edge in zip(self._order, place, strict=True):
            value = self._value(facts, order)
            if value != edge:
                return bool(value < edge) if descending else bool(value > edge)
        return False

    def _candidates(self, after: Place | None) -> Iterator[tuple[Any, int]]:
        """Yield (value, row) by the first field of the order, from the place on."""
        first, descending = self._order[0]
        index, bounds = self._store.index, self._plan.bounds
        if self._plan.ids is not None:
            yield from self._named(self._plan.ids)
            return
        low, high = bounds.get(first, _ALL)
        if first == "number":
            yield from self._by_key(after, descending=descending)
            return
        if after is not None:
            low, high = (low, min(high, after[0])) if descending else (max(low, after[0]), high)
        yield from index.rows(first, self._projects, low, high, descending=descending)

    def _named(self, ids: set[int]) -> Iterator[tuple[Any, int]]:
        """Yield (value, row) of the issues that the query names one by one."""
        first, descending = self._order[0]
        index, projects = self._store.index, set(self._projects)
        found = map(self._store.row_by_id, ids)
        rows = [row for row in found if row is not None and index.has(row)]
        named = [(row, index.facts(row)) for row in rows]
        pairs = [(self._value(f, first), row) for row, f in named if f.project in projects]
        yield from sorted(pairs, reverse=descending)

    def _by_key(self, after: Place | None, *, descending: bool) -> Iterator[tuple[Any, int]]:
        keys = self._store.project_keys
        for project in sorted(self._projects, key=keys.__getitem__, reverse=descending):
            low, high = _ALL
            if after is not None:
                key, number = after[0]
                if keys[project] != key:
                    if (keys[project] < key) != descending:
                        continue
                else:
                    low, high = (low, number) if descending else (number, high)
            rows = self._store.index.rows("number", [project], low, high, descending=descending)
            yield from (((project, number), row) for number, row in rows)


def _whole_order(made: Plan) -> tuple[tuple[Order, bool], ...]:
    """Return the order with the id at its end; without any, the newest ids come first."""
    order = made.order or (("id", True),)
    return order if any(by == "id" for by, _ in order) else (*order, ("id", False))
