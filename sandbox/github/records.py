"""A pull request with all that belongs to it, and the pull requests of a repository in order."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

Entity = dict[str, Any]
OrderField = Literal["created", "updated"]
OPEN, CLOSED, MERGED = 0, 1, 2
ANY_STATE = frozenset((OPEN, CLOSED, MERGED))


def seconds(moment: str | None) -> int:
    """Return the seconds since 1970 of an instant as GitHub writes it; 0 for none."""
    if not moment:
        return 0
    parsed = datetime.fromisoformat(moment)
    return int(parsed.replace(tzinfo=parsed.tzinfo or UTC).timestamp())


class Size(NamedTuple):
    """How much a pull request changes."""

    additions: int
    deletions: int
    changed_files: int


@dataclass
class PullRecord:
    """A pull request with what belongs to it: REST entities as recorded, lists oldest first.

    size: None where a recording does not say it.
    """

    repository_id: int
    pull: Entity
    commits: list[Entity] = field(default_factory=list)
    reviews: list[Entity] = field(default_factory=list)
    review_comments: list[Entity] = field(default_factory=list)
    issue_comments: list[Entity] = field(default_factory=list)
    deployments: list[Entity] = field(default_factory=list)
    runs: list[Entity] = field(default_factory=list)
    size: Size | None = None

    @property
    def number(self) -> int:
        """Its number in its repository."""
        return int(self.pull["number"])

    @property
    def id(self) -> int:
        """Its id."""
        return int(self.pull["id"])

    @property
    def state(self) -> int:
        """OPEN, CLOSED or MERGED."""
        if self.pull.get("merged_at"):
            return MERGED
        return OPEN if self.pull.get("state") == "open" else CLOSED


class Head(NamedTuple):
    """What a list of pull requests is ordered and chosen by; times in seconds since 1970.

    key: by which the source finds the record.
    """

    number: int
    id: int
    created: int
    updated: int
    state: int
    key: int


class PullIndex:
    """The pull requests of a repository by number, and in the orders that lists ask for."""

    def __init__(self, heads: Iterable[Head]) -> None:
        self._columns = tuple(array("q") for _ in Head._fields)
        self._orders: dict[tuple[OrderField, frozenset[int]], list[int]] = {}
        for head in sorted(heads):
            self._append(head)

    def __len__(self) -> int:
        return len(self._columns[0])

    def _append(self, head: Head) -> None:
        for column, value in zip(self._columns, head, strict=True):
            column.append(value)

    def head(self, position: int) -> Head:
        """Return what is known of the pull request at a position without computing it."""
        return Head(*(column[position] for column in self._columns))

    def position(self, number: int) -> int | None:
        """Return the position of a number, None if there is no such pull request."""
        numbers = self._columns[0]
        position = bisect_left(numbers, number)
        found = position < len(numbers) and numbers[position] == number
        return position if found else None

    @property
    def last_number(self) -> int:
        """The highest number that was given."""
        return self._columns[0][-1] if len(self) else 0

    def add(self, head: Head) -> int:
        """Add one with a higher number than all others; return its position."""
        self._append(head)
        self._orders.clear()
        return len(self) - 1

    def change(self, position: int, record: PullRecord) -> None:
        """Note when a pull request was updated last, and its state."""
        self._columns[3][position] = seconds(record.pull["updated_at"])
        self._columns[4][position] = record.state
        self._orders.clear()

    def sort_key(self, position: int, order: OrderField) -> tuple[int, int]:
        """Return (seconds, id), by which a list in this order stands."""
        return self._columns[2 if order == "created" else 3][position], self._columns[1][position]

    def ordered(self, order: OrderField, states: frozenset[int] = ANY_STATE) -> list[int]:
        """Return the positions of those in some states, oldest first. Not to be changed."""
        name = order, states
        if name not in self._orders:
            among = self._columns[4]
            chosen = [p for p in range(len(self)) if among[p] in states]
            chosen.sort(key=lambda position: self.sort_key(position, order))
            self._orders[name] = chosen
        return self._orders[name]


class Part(NamedTuple):
    """Where something below a pull request is found: ordered by time, then id.

    pull: position of the pull request, -1 for what belongs to the repository itself.
    place: its place in the record's list.
    """

    updated: int
    created: int
    id: int
    pull: int
    place: int


class Tally:
    """How much is in each pull request, and in all of them; position -1 is the repository."""

    NAMES = ("commits", "reviews", "review_comments", "issue_comments", "deployments", "runs")

    def __init__(self) -> None:
        self._counts = [array("L") for _ in self.NAMES]

    def put(self, position: int, record: PullRecord) -> None:
        """Set how much is in the pull request at a position, not beyond the next new one."""
        for name, counts in zip(self.NAMES, self._counts, strict=True):
            if position + 1 == len(counts):
                counts.append(0)
            counts[position + 1] = len(getattr(record, name))

    def totals(self) -> dict[str, int]:
        """Return how much of each there is."""
        return {name: sum(each) for name, each in zip(self.NAMES, self._counts, strict=True)}


class PartIndex:
    """All parts of one kind of a repository, such as its review comments."""

    def __init__(self) -> None:
        self._parts: dict[int, list[Part]] = {}
        self._orders: dict[OrderField, list[Part]] = {}

    def put(self, pull: int, entities: Iterable[Entity]) -> None:
        """Set what belongs to the pull request at a position."""
        self._orders.clear()
        self._parts[pull] = [
            Part(
                seconds(each.get("updated_at") or each.get("created_at")),
                seconds(each.get("created_at")),
                int(each["id"]),
                pull,
                place,
            )
            for place, each in enumerate(entities)
        ]

    def ordered(self, order: OrderField) -> list[Part]:
        """Return all parts, oldest first. Not to be changed."""
        if order not in self._orders:
            at = 0 if order == "updated" else 1
            parts = (part for each in self._parts.values() for part in each)
            self._orders[order] = sorted(parts, key=lambda part: (part[at], part.id))
        return self._orders[order]

    def find(self, part_id: int) -> Part | None:
        """Return the part with an id."""
        return next((part for part in self.ordered("created") if part.id == part_id), None)
