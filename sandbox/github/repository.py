"""A repository with its pull requests: what the source gives, under what was changed since."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Literal

from sandbox.github.records import (
    Entity,
    Head,
    Part,
    PartIndex,
    PullIndex,
    PullRecord,
    Tally,
    seconds,
)
from sandbox.github.sources import Source

Kind = Literal["review_comments", "issue_comments", "deployments", "runs"]
KINDS: tuple[Kind, ...] = ("review_comments", "issue_comments", "deployments", "runs")
OF_REPOSITORY = -1
_REMEMBERED = 256


@dataclass
class Repository:
    """A repository as it stands now.

    entity: as its own listing has it; its name is `full_name`, whatever addresses in it say.
    is_empty: it has no commits; is_blocked: by law; statuses: of deployments that were changed.
    """

    entity: Entity
    source: Source
    former_names: list[str] = field(default_factory=list)
    is_gone: bool = False
    is_empty: bool = False
    is_blocked: bool = False
    issues_disabled: bool = False
    statuses: dict[int, list[Entity]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._changed: dict[int, PullRecord] = {}
        self._computed: OrderedDict[int, PullRecord] = OrderedDict()
        self._indexes: dict[Kind, PartIndex] = {}
        self._tally: Tally | None = None

    @property
    def id(self) -> int:
        """Its id, which a new name does not change."""
        return int(self.entity["id"])

    @property
    def full_name(self) -> str:
        """Owner and name."""
        return str(self.entity["full_name"])

    @property
    def owner(self) -> str:
        """Who it belongs to, as addresses name them."""
        return self.full_name.partition("/")[0]

    @cached_property
    def pulls(self) -> PullIndex:
        """Its pull requests."""
        return PullIndex(self.source.heads(self.id))

    @cached_property
    def own(self) -> PullRecord:
        """What belongs to none of its pull requests."""
        return PullRecord(
            self.id,
            {},
            deployments=list(self.source.deployments(self.id)),
            runs=list(self.source.runs(self.id)),
        )

    def record(self, position: int) -> PullRecord:
        """Return the pull request at a position; not to be changed."""
        if position == OF_REPOSITORY:
            return self.own
        if (changed := self._changed.get(position)) is not None:
            return changed
        if (computed := self._computed.get(position)) is not None:
            self._computed.move_to_end(position)
            return computed
        record = self.source.record(self.id, self.pulls.head(position).key)
        self._computed[position] = record
        if len(self._computed) > _REMEMBERED:
            self._computed.popitem(last=False)
        return record

    def numbered(self, number: int) -> PullRecord | None:
        """Return the pull request of a number, None if there is none."""
        position = self.pulls.position(number)
        return None if position is None else self.record(position)

    def records(self) -> Iterator[PullRecord]:
        """Yield all pull requests by number, without remembering them."""
        for position in range(len(self.pulls)):
            changed = self._changed.get(position) or self._computed.get(position)
            yield changed or self.source.record(self.id, self.pulls.head(position).key)

    def change(self, position: int) -> PullRecord:
        """Return the pull request at a position to be changed; `changed` must follow."""
        record = self.record(position)
        if position != OF_REPOSITORY:
            self._changed[position] = record
            self._computed.pop(position, None)
        return record

    def changed(self, position: int) -> None:
        """Note that the pull request at a position was changed."""
        record = self.record(position)
        if position != OF_REPOSITORY:
            self.pulls.change(position, record)
        self._put_parts(position, record)

    def _put_parts(self, position: int, record: PullRecord) -> None:
        if self._tally is not None:
            self._tally.put(position, record)
        for kind, index in self._indexes.items():
            index.put(position, getattr(record, kind))

    def add(self, record: PullRecord) -> int:
        """Add a new pull request; return its position."""
        pull = record.pull
        times = seconds(pull["created_at"]), seconds(pull["updated_at"])
        head = Head(record.number, record.id, *times, record.state, 0)
        position = self.pulls.add(head)
        self._changed[position] = record
        self.changed(position)
        return position

    def parts(self, kind: Kind) -> PartIndex:
        """Return all parts of a kind, wherever they are below this repository."""
        if not self._indexes:
            self._indexes.update({kind: PartIndex() for kind in KINDS})
            self._look_through()
        return self._indexes[kind]

    def part(self, kind: Kind, part: Part) -> tuple[PullRecord, Entity]:
        """Return a part and the record that it belongs to."""
        record = self.record(part.pull)
        entity: Entity = getattr(record, kind)[part.place]
        return record, entity

    def totals(self) -> dict[str, int]:
        """Return how much of everything there is in it."""
        if self._tally is None:
            self._tally = Tally()
            self._look_through()
        return {"pulls": len(self.pulls), **self._tally.totals()}

    def _look_through(self) -> None:
        """Go through all pull requests and note what is where."""
        for position, record in chain(((OF_REPOSITORY, self.own),), enumerate(self.records())):
            self._put_parts(position, record)
