"""What an edit of the rules changes of what occurs: before and after, a row a resolution."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from integrations.models import Integration
from mappings.book import Book
from mappings.models import (
    CustomFieldMapping,
    StatusMapping,
    StepCategory,
    WitHierarchy,
    WitMapping,
    Workflow,
    WorkflowStep,
)
from mappings.resolve import Occurring, Pair, Resolved, occurring
from mappings.rules import StatusRules, TypeRules

TYPE_KINDS: Final = ("type", "level")
STATUS_KINDS: Final = ("status", "category", "step")


@dataclass(frozen=True, slots=True)
class TypeValue:
    """What a rule makes of a type."""

    target: str = ""
    level: str = ""

    @property
    def shown(self) -> tuple[str, str]:
        """What people see of it, in the order of TYPE_KINDS."""
        return self.target, self.level

    @property
    def facts(self) -> tuple[object, ...]:
        """Metrics do not depend on types."""
        return ()


@dataclass(frozen=True, slots=True)
class StatusValue:
    """What a rule makes of a status. facts: all that metrics can depend on."""

    target: str = ""
    category: str = ""
    step: str = ""
    facts: tuple[object, ...] = ()

    @property
    def shown(self) -> tuple[str, str, str]:
        """What people see of it, in the order of STATUS_KINDS."""
        return self.target, self.category, self.step


@dataclass(frozen=True, slots=True)
class Shift:
    """A resolution row whose value changes, from one TypeValue or StatusValue to another.

    rule_id: of the rule that it falls under afterwards. is_moved: that is another one.
    """

    integration_id: int
    resolution_id: int
    pair: Pair
    status_source_id: str
    before: Any
    after: Any
    rule_id: int | None
    is_moved: bool

    @property
    def is_shown(self) -> bool:
        """Whether a value that people see changes."""
        return bool(self.before.shown != self.after.shown)

    @property
    def changes_metrics(self) -> bool:
        """Whether metrics of items that were ever in it can change."""
        return bool(self.before.facts != self.after.facts)


@dataclass(frozen=True)
class Shifts:
    """All that an edit changes. fields: integrations whose custom fields mean something else.

    meanings: what the rules mean afterwards.
    """

    meanings: "Meanings"
    types: tuple[Shift, ...] = ()
    statuses: tuple[Shift, ...] = ()
    fields: frozenset[int] = frozenset()

    @property
    def integration_ids(self) -> list[int]:
        """The integrations of which something changes."""
        rows = (*self.types, *self.statuses)
        return sorted({shift.integration_id for shift in rows} | self.fields)

    def of(self, integration_id: int) -> "Shifts":
        """Return what changes in one integration."""
        return Shifts(
            self.meanings,
            tuple(shift for shift in self.types if shift.integration_id == integration_id),
            tuple(shift for shift in self.statuses if shift.integration_id == integration_id),
            self.fields & {integration_id},
        )


class Meanings:
    """What the rules of a book mean, by the id of the rule; None is no rule."""

    def __init__(self, book: Book) -> None:
        self._types = book.instances(WitMapping)
        self._levels = book.instances(WitHierarchy)
        self._statuses = book.instances(StatusMapping)
        self._steps = book.instances(WorkflowStep)
        self._workflows = book.instances(Workflow)
        self._commitments = {
            step.workflow_id: step.position
            for step in self._steps.values()
            if step.is_commitment_point
        }
        self.type_rules = TypeRules(self._types.values())
        self.status_rules = StatusRules(self._statuses.values())
        self._type_values: dict[int, TypeValue] = {}
        self._status_values: dict[int, StatusValue] = {}

    def of_type(self, rule_id: int | None) -> TypeValue:
        """Return what a type rule gives."""
        if rule_id is None or rule_id not in self._types:
            return TypeValue()
        if rule_id not in self._type_values:
            rule = self._types[rule_id]
            level = self._levels.get(rule.hierarchy_id)
            self._type_values[rule_id] = TypeValue(rule.target, str(level) if level else "")
        return self._type_values[rule_id]

    def of_status(self, rule_id: int | None) -> StatusValue:
        """Return what a status rule gives."""
        if rule_id is None or rule_id not in self._statuses:
            return StatusValue()
        if rule_id not in self._status_values:
            self._status_values[rule_id] = self._status_value(self._statuses[rule_id])
        return self._status_values[rule_id]

    def _status_value(self, rule: StatusMapping) -> StatusValue:
        step = self._steps.get(rule.step_id) if rule.step_id else None
        if step is None:
            return StatusValue(rule.target, _label(rule.category), "", (rule.category,))
        workflow = self._workflows.get(step.workflow_id)
        facts = (
            step.category,
            step.position,
            step.is_commitment_point,
            self._commitments.get(step.workflow_id),
            step.workflow_id in self._commitments,
        )
        name = f"{workflow.name}: {step.name}" if workflow else step.name
        return StatusValue(rule.target, _label(step.category), name, facts)


def _label(category: str) -> str:
    return str(StepCategory(category).label)


def shifts_between(
    tenant_id: int, before: Book, after: Book, project_keys: Mapping[int, Mapping[str, str]]
) -> Shifts:
    """Return what changes from one book to another. project_keys: by integration.

    What holds before is what the resolutions say, for that is what readers see.
    """
    old, new = Meanings(before), Meanings(after)
    types: list[Shift] = []
    statuses: list[Shift] = []
    for integration_id, keys in project_keys.items():
        rows = occurring(tenant_id, integration_id, keys)
        types.extend(_type_shifts(rows, integration_id, old, new))
        statuses.extend(_status_shifts(rows, integration_id, old, new))
    return Shifts(new, tuple(types), tuple(statuses), _changed_fields(before, after))


def integration_ids(tenant_id: int) -> list[int]:
    """Return all integrations of a tenant."""
    rows = Integration.objects.filter(tenant_id=tenant_id).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def _type_shifts(
    rows: Occurring, integration_id: int, old: Meanings, new: Meanings
) -> Iterable[Shift]:
    for row, facts in rows.types:
        winner = new.type_rules.winner(facts)
        rule_id = winner.pk if winner else None
        value, following = old.of_type(row.mapping_id), new.of_type(rule_id)
        if rule_id != row.mapping_id or value != following:
            yield _shift(integration_id, row, value, following, rule_id)


def _status_shifts(
    rows: Occurring, integration_id: int, old: Meanings, new: Meanings
) -> Iterable[Shift]:
    for row, facts in rows.statuses:
        winner = new.status_rules.winner(facts)
        rule_id = winner.pk if winner else None
        value, following = old.of_status(row.mapping_id), new.of_status(rule_id)
        if rule_id != row.mapping_id or value != following:
            yield _shift(integration_id, row, value, following, rule_id)


def _shift(
    integration_id: int,
    row: Resolved,
    before: TypeValue | StatusValue,
    after: TypeValue | StatusValue,
    rule_id: int | None,
) -> Shift:
    return Shift(
        integration_id=integration_id,
        resolution_id=row.pk,
        pair=row.pair,
        status_source_id=row.status_source_id,
        before=before,
        after=after,
        rule_id=rule_id,
        is_moved=rule_id != row.mapping_id,
    )


def _changed_fields(before: Book, after: Book) -> frozenset[int]:
    table = CustomFieldMapping._meta.db_table
    old, new = before.rows[table], after.rows[table]
    return frozenset(
        row["integration_id"]
        for row_id in old.keys() | new.keys()
        if old.get(row_id) != new.get(row_id)
        for row in (old.get(row_id), new.get(row_id))
        if row is not None
    )
