"""What the tenant in scope and a provider know that suggestions go by. Nothing of another tenant:
rules, levels and steps are read in the scope, starter rules belong to the program."""

from collections.abc import Iterable, Mapping
from typing import Final

from integrations.contract import Presets
from integrations.models import Integration
from integrations.registry import connector_for
from mappings.inbox import Entry, Kind
from mappings.models import StatusMapping, WitHierarchy, WitMapping, WorkflowStep
from mappings.rules import fold
from mappings.suggestions import (
    Knowledge,
    KnownRule,
    Meaning,
    OwnName,
    Starter,
    Suggestion,
    suggest,
)

_RULES: Final = 20_000


class Clues:
    """Reads what is known once, and suggests for many entries. In the tenant's scope."""

    def __init__(self, tenant_id: int) -> None:
        self._tenant_id = tenant_id
        self._levels = {
            row.level: row
            for row in WitHierarchy.objects.filter(tenant_id=tenant_id, is_active=True)
        }
        self._steps = list(
            WorkflowStep.objects.filter(tenant_id=tenant_id, workflow__is_active=True)
            .select_related("workflow")
            .order_by("workflow_id", "id")
        )
        self._known: dict[tuple[Kind, str], Knowledge] = {}
        self._rules: dict[Kind, list[KnownRule]] = {}

    def suggestion(self, entry: Entry) -> Suggestion | None:
        """Return what the entry probably is; None where nothing says anything."""
        if not entry.can_be_mapped:
            return None
        return suggest(entry.unknown, self._knowledge(entry.kind, entry.integration.provider))

    def _knowledge(self, kind: Kind, provider: str) -> Knowledge:
        key = (kind, provider)
        if key not in self._known:
            connector = connector_for(provider)
            rules = self._rules_of(kind)
            if kind == Kind.TYPE:
                starters = _type_starters(connector.presets, self._levels)
                names = _type_names(rules)
            else:
                starters = _status_starters(connector.presets, self._steps)
                names = _status_names(self._steps)
            self._known[key] = Knowledge(rules, names, starters, connector.label)
        return self._known[key]

    def _rules_of(self, kind: Kind) -> list[KnownRule]:
        if kind not in self._rules:
            read = _type_rules if kind == Kind.TYPE else _status_rules
            self._rules[kind] = read(self._tenant_id)
        return self._rules[kind]


def _type_rules(tenant_id: int) -> list[KnownRule]:
    rows = (
        WitMapping.objects.filter(tenant_id=tenant_id, hierarchy__is_active=True)
        .exclude(from_name="")
        .select_related("integration")
        .order_by("pk")
    )
    return [
        KnownRule(
            row.from_name,
            Meaning(row.target, row.hierarchy_id),
            where(row.integration, row.project_key),
            row.is_active,
        )
        for row in rows[:_RULES]
    ]


def _status_rules(tenant_id: int) -> list[KnownRule]:
    rows = (
        StatusMapping.objects.filter(tenant_id=tenant_id)
        .exclude(from_name="")
        .exclude(step__workflow__is_active=False)
        .select_related("integration", "step")
        .order_by("pk")
    )
    return [
        KnownRule(
            row.from_name,
            Meaning(row.target, row.step_id, row.step.category if row.step else row.category),
            where(row.integration, row.project_key, row.type_name),
            row.is_active,
        )
        for row in rows[:_RULES]
    ]


def where(integration: Integration | None, project_key: str, type_name: str = "") -> str:
    """Return where a rule holds, in words: "for jira-b, project OPS"."""
    parts = [integration.name if integration else "every integration"]
    if project_key:
        parts.append(f"project {project_key}")
    if type_name:
        parts.append(f"type {type_name}")
    return "for " + ", ".join(parts)


def _type_names(rules: Iterable[KnownRule]) -> list[OwnName]:
    """What the tenant's active rules map types to; a target with several levels says nothing."""
    meanings: dict[str, set[Meaning]] = {}
    for rule in rules:
        if rule.is_active:
            meanings.setdefault(rule.meaning.target, set()).add(rule.meaning)
    return [
        OwnName(target, next(iter(found)), f"your type {target}")
        for target, found in meanings.items()
        if len(found) == 1
    ]


def _status_names(steps: Iterable[WorkflowStep]) -> list[OwnName]:
    return [
        OwnName(
            step.name,
            Meaning(step.name, step.pk, step.category),
            f"your step {step.name} of {step.workflow.name}",
        )
        for step in steps
    ]


def _type_starters(presets: Presets, levels: Mapping[int, WitHierarchy]) -> list[Starter]:
    """The starter rules whose level the tenant has."""
    return [
        Starter(
            Meaning(preset.target, levels[preset.level].pk),
            name=fold(preset.from_name or ""),
            level=preset.from_level,
        )
        for preset in presets.types
        if preset.level in levels
    ]


def _status_starters(presets: Presets, steps: Iterable[WorkflowStep]) -> list[Starter]:
    """The starter rules whose step the tenant has; the oldest workflow that has it gives it."""
    by_name: dict[str, WorkflowStep] = {}
    for each in steps:
        by_name.setdefault(fold(each.name), each)
    return [
        Starter(
            Meaning(preset.target, step.pk, step.category),
            name=fold(preset.from_name or ""),
            category=fold(preset.from_category or ""),
        )
        for preset in presets.statuses
        if (step := by_name.get(fold(preset.step))) is not None
    ]
