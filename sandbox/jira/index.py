"""The index that search looks into: facts of issues in arrays, and orders of them by project."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator
from heapq import merge
from typing import Literal

from sandbox.jira.facts import Facts

Order = Literal["id", "number", "created", "updated"]
ORDERS: tuple[Order, ...] = ("id", "number", "created", "updated")
_ROW_BITS = 21
_ROW_MASK = (1 << _ROW_BITS) - 1
MOST_ROWS = 1 << _ROW_BITS
_LARGEST = (1 << (63 - _ROW_BITS)) - 1


class Index:
    """Facts by row, and for each project the rows that are in it, ordered by each of ORDERS.

    An order packs value and row into one number of 64 bits. A row that is not indexed has facts
    nonetheless (of old), but is in no order.
    """

    def __init__(self) -> None:
        self._columns = [array("q") for _ in Facts._fields]
        self._is_in = bytearray()
        self._orders: dict[tuple[Order, int], array[int]] = {}

    def __len__(self) -> int:
        return len(self._is_in)

    def fill(self, facts: Iterable[Facts]) -> None:
        """Add many rows to an empty index."""
        for row, each in enumerate(facts):
            for column, value in zip(self._columns, each, strict=True):
                column.append(value)
            for order in ORDERS:
                self._order(order, each.project).append(getattr(each, order) << _ROW_BITS | row)
        self._is_in = bytearray(b"\x01") * len(self._columns[0])
        for key, packed in self._orders.items():
            if any(packed[n] > packed[n + 1] for n in range(len(packed) - 1)):
                self._orders[key] = array("q", sorted(packed))

    def facts(self, row: int) -> Facts:
        """Return what is known of a row."""
        return Facts(*(column[row] for column in self._columns))

    def has(self, row: int) -> bool:
        """Tell whether a row can be found."""
        return row < len(self._is_in) and bool(self._is_in[row])

    def put(self, row: int, facts: Facts) -> None:
        """Index a row, or index it anew. A new row is the next one."""
        if row == len(self._is_in):
            for column, value in zip(self._columns, facts, strict=True):
                column.append(value)
            self._is_in.append(0)
        elif self._is_in[row]:
            self.drop(row)
        for column, value in zip(self._columns, facts, strict=True):
            column[row] = value
        for order in ORDERS:
            packed = self._order(order, facts.project)
            value = getattr(facts, order) << _ROW_BITS | row
            packed.insert(bisect_left(packed, value), value)
        self._is_in[row] = 1

    def drop(self, row: int) -> None:
        """Take a row out of all orders."""
        if not self._is_in[row]:
            return
        facts = self.facts(row)
        for order in ORDERS:
            packed = self._order(order, facts.project)
            value = getattr(facts, order) << _ROW_BITS | row
            del packed[bisect_left(packed, value)]
        self._is_in[row] = 0

    def reserve(self) -> int:
        """Make room for a row that is not indexed yet; return it."""
        for column in self._columns:
            column.append(0)
        self._is_in.append(0)
        return len(self._is_in) - 1

    def _order(self, order: Order, project: int) -> "array[int]":
        return self._orders.setdefault((order, project), array("q"))

    def rows(
        self, order: Order, projects: Collection[int], low: int, high: int, *, descending: bool
    ) -> Iterator[tuple[int, int]]:
        """Yield (value, row) of what is in the projects, low ≤ value ≤ high, in order."""
        parts = [self._part(order, project, low, high, descending) for project in projects]
        together = parts[0] if len(parts) == 1 else merge(*parts, reverse=descending)
        return ((packed >> _ROW_BITS, packed & _ROW_MASK) for packed in together)

    def _part(
        self, order: Order, project: int, low: int, high: int, descending: bool
    ) -> Iterator[int]:
        packed = self._order(order, project)
        first, last = _span(packed, low, high)
        places = range(last - 1, first - 1, -1) if descending else range(first, last)
        return (packed[place] for place in places)

    def count(self, order: Order, projects: Collection[int], low: int, high: int) -> int:
        """Return how many rows are in the projects with low ≤ value ≤ high."""
        spans = (_span(self._order(order, project), low, high) for project in projects)
        return sum(last - first for first, last in spans)

    def row_numbered(self, project: int, number: int) -> int | None:
        """Return the row of this number in a project, by its key as it is indexed."""
        packed = self._order("number", project)
        first, last = _span(packed, number, number)
        return packed[first] & _ROW_MASK if first < last else None

    def last_number(self, project: int) -> int:
        """Return the highest number in a project, 0 if it is empty."""
        packed = self._order("number", project)
        return packed[-1] >> _ROW_BITS if packed else 0


def _span(packed: "array[int]", low: int, high: int) -> tuple[int, int]:
    if high < low or high < 0:
        return 0, 0
    low, high = max(low, 0), min(high, _LARGEST)
    first = bisect_left(packed, low << _ROW_BITS)
    return first, max(first, bisect_right(packed, high << _ROW_BITS | _ROW_MASK))
