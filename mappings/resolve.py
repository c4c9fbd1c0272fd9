"""From what occurs to the rule it falls under: fills `mapping` of the two resolution tables.

A mapped value depends only on the rules, on what the source says of types, statuses and projects,
and on nothing else: so resolving again after any of these changed gives the same rows whatever
came first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from mappings.models import (
    Status,
    StatusMapping,
    StatusResolution,
    Wit,
    WitMapping,
    WitResolution,
)
from mappings.rules import StatusFacts, StatusRules, TypeFacts, TypeRules

Pair: TypeAlias = tuple[str, str]
"""(project_source_id, type_source_id)"""


@dataclass(frozen=True, slots=True)
class Changed:
    """The pairs whose items now have another rule: for their type, or for one of the statuses
    that occur among them, now or in a history; the latter need their metrics again."""

    types: frozenset[Pair]
    statuses: frozenset[Pair]


def resolve(tenant_id: int, integration_id: int, project_keys: Mapping[str, str]) -> Changed:
    """Point all that occurs in an integration at the rule it falls under, write what differs.

    project_keys: the key of each project by its source id; rules that name a project match
    nothing in one that is absent here. To be called in the transaction that changed the types,
    statuses, projects or resolutions, with the tenant's counter locked.
    """
    types = {
        row.source_id: row
        for row in Wit.objects.filter(tenant_id=tenant_id, integration_id=integration_id)
    }
    return Changed(
        types=_resolve_types(tenant_id, integration_id, project_keys, types),
        statuses=_resolve_statuses(tenant_id, integration_id, project_keys, types),
    )


def _resolve_types(
    tenant_id: int, integration_id: int, project_keys: Mapping[str, str], types: Mapping[str, Wit]
) -> frozenset[Pair]:
    rules = TypeRules(WitMapping.objects.filter(tenant_id=tenant_id, is_active=True))
    changed: list[tuple[int | None, int]] = []
    pairs: set[Pair] = set()
    for row in WitResolution.objects.filter(tenant_id=tenant_id, integration_id=integration_id):
        source = types.get(row.type_source_id)
        facts = TypeFacts(
            integration_id=integration_id,
            project_key=project_keys.get(row.project_source_id),
            name=source.name if source else None,
            untranslated_name=source.untranslated_name if source else None,
            level=source.level if source else None,
            is_subtask=source.is_subtask if source else None,
        )
        winner = rules.winner(facts)
        target = winner.pk if winner else None
        if row.mapping_id != target:
            changed.append((target, row.pk))
            pairs.add((row.project_source_id, row.type_source_id))
    for target, keys in _by_target(changed):
        WitResolution.objects.filter(pk__in=keys).update(mapping_id=target)
    return frozenset(pairs)


def _resolve_statuses(
    tenant_id: int, integration_id: int, project_keys: Mapping[str, str], types: Mapping[str, Wit]
) -> frozenset[Pair]:
    rules = StatusRules(StatusMapping.objects.filter(tenant_id=tenant_id, is_active=True))
    statuses = {
        row.source_id: row
        for row in Status.objects.filter(tenant_id=tenant_id, integration_id=integration_id)
    }
    changed: list[tuple[int | None, int]] = []
    pairs: set[Pair] = set()
    for row in StatusResolution.objects.filter(tenant_id=tenant_id, integration_id=integration_id):
        source = statuses.get(row.status_source_id)
        facts = StatusFacts(
            integration_id=integration_id,
            project_key=project_keys.get(row.project_source_id),
            type_names=_names(types.get(row.type_source_id)),
            name=source.name if source else None,
            untranslated_name=source.untranslated_name if source else None,
            category=source.category if source else None,
        )
        winner = rules.winner(facts)
        target = winner.pk if winner else None
        if row.mapping_id != target:
            changed.append((target, row.pk))
            pairs.add((row.project_source_id, row.type_source_id))
    for target, keys in _by_target(changed):
        StatusResolution.objects.filter(pk__in=keys).update(mapping_id=target)
    return frozenset(pairs)


def _names(source: Wit | None) -> tuple[str, ...]:
    if source is None:
        return ()
    return tuple(name for name in (source.name, source.untranslated_name) if name)


_KEYS_A_STATEMENT = 500


def _by_target(
    changed: Iterable[tuple[int | None, int]],
) -> Iterable[tuple[int | None, list[int]]]:
    """Group (rule, row) by rule, a few hundred rows a statement."""
    ordered = sorted(changed, key=lambda pair: (pair[0] or 0, pair[1]))
    for target, group in groupby(ordered, key=itemgetter(0)):
        keys = [key for _, key in group]
        for start in range(0, len(keys), _KEYS_A_STATEMENT):
            yield target, keys[start : start + _KEYS_A_STATEMENT]
