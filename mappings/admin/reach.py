"""What a rule reaches: where it matches, whether it wins there, and why."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse

from integrations.models import Integration
from mappings.dependants import count_items
from mappings.effects import effects
from mappings.models import StatusMapping, WitMapping
from mappings.resolve import Occurring, Resolved, occurring
from mappings.rules import Ranked, StatusFacts, StatusRules, TypeFacts, TypeRules

SHOWN: Final = 20


@dataclass(frozen=True)
class Place:
    """An occurrence that a rule matches. winner: the rule that wins there instead, if one does."""

    integration: str
    project: str
    type_name: str
    status: str
    items: int
    reason: str
    winner: "Winner | None"


@dataclass(frozen=True)
class Winner:
    """A rule with the address of its page."""

    label: str
    link: str


@dataclass(frozen=True)
class Reach:
    """Where a rule matches, the most work items first. lost: in so many another rule wins."""

    places: list[Place]
    count: int
    lost: int

    @property
    def more(self) -> int:
        """How many places are not shown."""
        return self.count - len(self.places)


def link_to(rule: WitMapping | StatusMapping) -> Winner:
    """Return a rule as something to link to."""
    meta = rule._meta
    page = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=(rule.pk,))
    return Winner(str(rule), page)


def reach_of_type_rule(rule: WitMapping) -> Reach | None:
    """Return where a type rule matches; None while it is inactive."""
    rules = TypeRules(WitMapping.objects.filter(tenant_id=rule.tenant_id, is_active=True))

    def look(rows: Occurring) -> Iterable[tuple[Resolved, Any, list[Ranked[Any]], list[int]]]:
        inside = defaultdict(list)
        for row, _ in rows.statuses:
            inside[row.pair].append(row.pk)
        for row, facts in rows.types:
            yield row, facts, list(rules.ranked(facts)), inside[row.pair]

    return _reach(rule, look, _type_place)


def reach_of_status_rule(rule: StatusMapping) -> Reach | None:
    """Return where a status rule matches; None while it is inactive."""
    rules = StatusRules(StatusMapping.objects.filter(tenant_id=rule.tenant_id, is_active=True))

    def look(rows: Occurring) -> Iterable[tuple[Resolved, Any, list[Ranked[Any]], list[int]]]:
        for row, facts in rows.statuses:
            yield row, facts, list(rules.ranked(facts)), [row.pk]

    return _reach(rule, look, _status_place)


def _type_place(facts: TypeFacts) -> tuple[str, str]:
    return facts.name or "", ""


def _status_place(facts: StatusFacts) -> tuple[str, str]:
    return (facts.type_names[0] if facts.type_names else ""), facts.name or ""


def _reach(
    rule: WitMapping | StatusMapping,
    look: Callable[[Occurring], Iterable[tuple[Resolved, Any, list[Ranked[Any]], list[int]]]],
    place: Callable[[Any], tuple[str, str]],
) -> Reach | None:
    if not rule.is_active:
        return None
    found = []
    for integration in _integrations_of(rule):
        keys = effects().project_keys(rule.tenant_id, integration.pk)
        for _, facts, ranked, resolution_ids in look(
            occurring(rule.tenant_id, integration.pk, keys)
        ):
            own = next((each for each in ranked if each.rule.pk == rule.pk), None)
            if own is not None:
                found.append((integration, facts, own, ranked[0], resolution_ids))
    counts = count_items(
        rule.tenant_id, [pk for *_, resolution_ids in found for pk in resolution_ids]
    )
    places = [
        Place(
            str(integration),
            facts.project_key or "",
            *place(facts),
            sum(counts.get(pk, 0) for pk in resolution_ids),
            own.reason,
            None if first.rule.pk == rule.pk else link_to(first.rule),
        )
        for integration, facts, own, first, resolution_ids in found
    ]
    places.sort(key=lambda each: (each.winner is not None, -each.items))
    lost = sum(each.winner is not None for each in places)
    return Reach(places[:SHOWN], len(places), lost)


def _integrations_of(rule: WitMapping | StatusMapping) -> list[Integration]:
    if rule.integration is not None:
        return [rule.integration]
    return list(Integration.objects.filter(tenant_id=rule.tenant_id).order_by("name", "pk"))
