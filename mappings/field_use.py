"""What work items have in custom fields. The warehouse knows, `etl_project` registers it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

LOOKED_AT: Final = 1000
"""How many work items of an integration are looked at, those that changed last."""

FieldKey: TypeAlias = tuple[int, str]
"""(integration id, the field's id at the source)"""


@dataclass(frozen=True)
class FieldUse:
    """How much a field is used. filled: of `looked_at` work items; examples: values in words."""

    looked_at: int = 0
    filled: int = 0
    examples: Sequence[str] = ()


@dataclass(frozen=True)
class FieldValue:
    """The value of a field in a work item. source: as JSON, shortened; made: what a rule makes of
    it in words, empty if nothing."""

    work_item_id: int
    key: str
    source: str
    made: str


@dataclass(frozen=True)
class FieldSample:
    """Values of a field in the work items that changed last. unfit: of how many of the `filled`
    the rule makes nothing. values: some, each another one, the unfit first."""

    looked_at: int
    filled: int
    unfit: int
    values: Sequence[FieldValue]


class FieldUses(Protocol):
    """The warehouse, as the pages of custom fields need it."""

    def uses(self, tenant_id: int, integration_ids: Iterable[int]) -> Mapping[FieldKey, FieldUse]:
        """Return how much each field is used; one that no work item looked at has is absent.

        Two queries for all integrations.
        """

    def sample(self, tenant_id: int, field: FieldKey, target: str, column_name: str) -> FieldSample:
        """Return values of a field, and what a rule with this target makes of them."""


_registered: list[FieldUses] = []


def register(uses: FieldUses) -> None:
    """Set who knows; called once, when the site starts."""
    _registered[:] = [uses]


def field_uses() -> FieldUses:
    """Return who knows."""
    return _registered[0]
