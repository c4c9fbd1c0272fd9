"""What an edit of the rules does to work items. The warehouse computes it, `etl_project` registers
it: this room knows rules, and no work item."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mappings.models import ChangeSet
    from mappings.shifts import Shifts


@dataclass(frozen=True)
class Values:
    """The mapped values and metrics of a work item. Empty where no rule says anything.

    fields: what custom fields give, in words, by kind: `story_points`, `team`, `column x`.
    """

    type: str
    level: str
    status: str
    category: str
    step: str
    lead_time_seconds: float | None
    cycle_time_seconds: float | None
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Example:
    """A work item that an edit changes."""

    work_item_id: int
    key: str
    title: str
    before: Values
    after: Values


@dataclass(frozen=True)
class ItemName:
    """A work item by its id, as it is called."""

    work_item_id: int
    key: str
    title: str


@dataclass(frozen=True)
class Move:
    """How many work items go from one value to another; empty: no rule gives one."""

    before: str
    after: str
    count: int


@dataclass(frozen=True)
class Median:
    """A median over work items that are done, in seconds, and of how many."""

    before: float | None
    after: float | None
    before_count: int
    after_count: int


@dataclass(frozen=True)
class Impact:
    """What an edit changes.

    touched_count: work items of which some mapped or computed value changes. moves: by kind
    (type, level, status, category, step, and those of custom fields), the largest first;
    counts: items a kind.
    metrics_count: items whose lead or cycle time, or a time of theirs, changes.
    lead, cycle: medians of all work items of the tenant that are done.
    is_large: saving becomes a run that prepares beside and switches at once.
    notes: what else there is to know, such as fields that were never fetched.
    """

    touched_count: int
    counts: Mapping[str, int]
    moves: Mapping[str, Sequence[Move]]
    metrics_count: int
    lead: Median
    cycle: Median
    examples: Sequence[Example]
    is_large: bool
    notes: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class Prepared:
    """Metrics that a run has computed. seen_seq: the tenant's counter when it began."""

    change_set_id: int
    seen_seq: int


class Effects(Protocol):
    """The warehouse and the conductor, as edits of rules need them."""

    def lock(self, tenant_id: int) -> None:
        """Keep loads of the tenant out until the transaction ends."""

    def project_keys(self, tenant_id: int, integration_id: int) -> Mapping[str, str]:
        """Return the key of each project of an integration by its source id."""

    def impact(self, tenant_id: int, shifts: "Shifts", example_count: int) -> Impact:
        """Return what the shifts change; the edited rules are in their tables meanwhile."""

    def apply(
        self,
        tenant_id: int,
        shifts: "Shifts",
        *,
        at_most: int | None = None,
        prepared: "Prepared | None" = None,
    ) -> int | None:
        """Bring work items in line, in the transaction of the edit; return how many changed.

        None if there are more than `at_most` to look at; nothing is written then.
        """

    def prepare(self, change_set: "ChangeSet") -> int:
        """Start a run that prepares a stored change-set and puts it in effect; return its id."""

    def cancel(self, change_set: "ChangeSet") -> None:
        """Cancel the run that prepares a change-set; it gives the change-set up when it ends."""

    def count_items(
        self, tenant_id: int, status_resolution_ids: Iterable[int]
    ) -> Mapping[int, int]:
        """Return the number of live work items by the status resolution they are in now."""

    def examples(
        self, tenant_id: int, groups: Sequence[Sequence[int]], count: int
    ) -> Sequence[Sequence[ItemName]]:
        """Return up to `count` live work items for each group of status resolutions."""


_registered: list[Effects] = []


def register(effects: Effects) -> None:
    """Set who computes effects; called once, when the site starts."""
    _registered[:] = [effects]


def effects() -> Effects:
    """Return who computes effects."""
    return _registered[0]
