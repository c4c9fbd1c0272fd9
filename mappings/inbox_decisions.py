"""Decisions about what has no rule, and the edit of the rules that they make."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from common.errors import UsageError
from integrations.models import Integration
from mappings.inbox import Entry, Kind, read_inbox
from mappings.inbox_clues import Clues, where
from mappings.models import StatusMapping, StepCategory, WitHierarchy, WitMapping, WorkflowStep
from mappings.rules import LONGEST_NAME, fold
from mappings.services import save_status_rule, save_type_rule
from mappings.suggestions import Suggestion

LONGEST_TARGET: Final = 100
LONGEST_KEY: Final = 2_000
"""Bytes of what a rule matches by: an index of PostgreSQL holds no more than 2,704."""


@dataclass(frozen=True, slots=True)
class Decision:
    """That a name becomes a target. name: folded. integration_id: None for every integration.

    place_id: of a level (types, needed) or of a step (statuses). category: of statuses without a
    step.
    """

    kind: Kind
    name: str
    integration_id: int | None
    project_key: str
    target: str
    place_id: int | None
    category: str = ""

    @property
    def label(self) -> str:
        """The decision in words."""
        return f"{self.kind} “{self.name}” → {self.target}"


def accepted(entry: Entry, suggestion: Suggestion) -> Decision:
    """Return the decision that takes a suggestion, for the entry's integration."""
    meaning = suggestion.meaning
    return Decision(
        entry.kind,
        fold(entry.name),
        entry.integration.pk,
        "",
        meaning.target,
        meaning.place_id,
        meaning.category,
    )


def sure_enough(
    tenant_id: int,
    integrations: Iterable[Integration],
    kinds: Iterable[Kind],
    at_least: int,
    at_most: int,
) -> list[Decision]:
    """Return the decisions that take all suggestions of at least this confidence in percent.

    at_most: so many entries are looked at, those with the most work items first.
    """
    clues = Clues(tenant_id)
    decisions = []
    for entry in read_inbox(tenant_id, integrations, kinds).entries[:at_most]:
        suggestion = clues.suggestion(entry)
        if suggestion is not None and suggestion.confidence >= at_least:
            decisions.append(accepted(entry, suggestion))
    return decisions


def summary_of(decisions: Sequence[Decision]) -> str:
    """Return what a change-set of these decisions is called."""
    if len(decisions) == 1:
        return f"Accepted in the inbox: {decisions[0].label}"
    return f"Accepted {len(decisions)} suggestions in the inbox"


def edit_of(tenant_id: int, decisions: Sequence[Decision]) -> Callable[[], None]:
    """Return the edit that makes a rule of each decision; it raises UsageError if one cannot be.

    A rule for the very same name and place that there is, inactive, is given the target and made
    active again.
    """

    def edit() -> None:
        for decision in decisions:
            _check(decision)
            if decision.kind == Kind.TYPE:
                _decide_type(tenant_id, decision)
            else:
                _decide_status(tenant_id, decision)

    return edit


def _check(decision: Decision) -> None:
    what = f"{decision.kind} “{decision.name[:60]}”"
    if not decision.name:
        raise UsageError("the source never described it, so no rule can match it by its name")
    if "\0" in decision.name + decision.project_key + decision.target:
        raise UsageError("a NUL character can be in no name")
    is_long = len(decision.name) > LONGEST_NAME
    if is_long or len((decision.name + decision.project_key).encode()) > LONGEST_KEY:
        raise UsageError(
            f"{what}: the name is too long to be matched; give what it stands for a rule by its "
            "source level or category"
        )
    if not decision.target.strip():
        raise UsageError(f"{what}: say what it becomes")
    if len(decision.target) > LONGEST_TARGET:
        raise UsageError(
            f"{what}: what it becomes has {len(decision.target)} characters; {LONGEST_TARGET} are "
            "possible"
        )


def _decide_type(tenant_id: int, decision: Decision) -> None:
    level = WitHierarchy.objects.filter(tenant_id=tenant_id, pk=decision.place_id or 0).first()
    if level is None or not level.is_active:
        raise UsageError(f"type “{decision.name}”: choose one of the levels there are")
    rule = _present(WitMapping, tenant_id, decision)
    rule.target, rule.hierarchy, rule.is_active = decision.target.strip(), level, True
    save_type_rule(rule)


def _decide_status(tenant_id: int, decision: Decision) -> None:
    step = None
    if decision.place_id is not None:
        steps = WorkflowStep.objects.filter(tenant_id=tenant_id, workflow__is_active=True)
        step = steps.filter(pk=decision.place_id).first()
    if step is None and (decision.place_id or decision.category not in StepCategory.values):
        raise UsageError(f"status “{decision.name}”: choose a step or a category")
    rule = _present(StatusMapping, tenant_id, decision)
    rule.target, rule.step, rule.is_active = decision.target.strip(), step, True
    rule.category = step.category if step else decision.category
    save_status_rule(rule)


def _present(model: type[WitMapping | StatusMapping], tenant_id: int, decision: Decision) -> Any:
    """Return the rule for this very name and place, a new one if there is none."""
    integration = None
    if decision.integration_id is not None:
        owned = Integration.objects.filter(tenant_id=tenant_id, pk=decision.integration_id)
        integration = owned.first()
        if integration is None:
            raise UsageError("there is no such integration")
    key: dict[str, Any] = {
        "tenant_id": tenant_id,
        "integration": integration,
        "project_key": decision.project_key,
        "from_name": fold(decision.name),
    }
    if model is StatusMapping:
        key["type_name"] = ""
    found = model.objects.filter(**key).first()
    if found is not None and found.is_active:
        raise UsageError(
            f"{decision.kind} “{decision.name}”: there is a rule "
            f"{where(integration, decision.project_key)} already, {found.target}; change that one"
        )
    return found or model(**key)
