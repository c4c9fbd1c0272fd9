"""From what occurs to the rule it falls under: fills `mapping` of the two resolution tables.

A mapped value depends only on the rules, on what the source says of types, statuses and projects,
and on nothing else: so resolving again after any of these changed gives the same rows whatever
came first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeAlias

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


class Resolved(NamedTuple):
    """A row of a resolution table. mapping_id: the rule that it points at, if any.

    status_source_id: empty for a type.
    """

    pk: int
    mapping_id: int | None
    pair: Pair
    status_source_id: str = ""


@dataclass(frozen=True, slots=True)
class Occurring:
    """All that occurs in an integration, with what is known of it."""

    types: list[tuple[Resolved, TypeFacts]]
    statuses: list[tuple[Resolved, StatusFacts]]


def resolve(tenant_id: int, integration_id: int, project_keys: Mapping[str, str]) -> Changed:
    """Point all that occurs in an integration at the rule it falls under, write what differs.

    project_keys: the key of each project by its source id; rules that name a project match
    nothing in one that is absent here. To be called in the transaction that changed the types,
    statuses, projects or resolutions, with the tenant's counter locked.
    """
    rows = occurring(tenant_id, integration_id, project_keys)
    types = TypeRules(WitMapping.objects.filter(tenant_id=tenant_id, is_active=True))
    statuses = StatusRules(StatusMapping.objects.filter(tenant_id=tenant_id, is_active=True))
    return Changed(
        types=_point(WitResolution, ((row, types.winner(facts)) for row, facts in rows.types)),
        statuses=_point(
            StatusResolution, ((row, statuses.winner(facts)) for row, facts in rows.statuses)
        ),
    )


def _point(
    model: type[WitResolution | StatusResolution],
    winners: Iterable[tuple[Resolved, WitMapping | StatusMapping | None]],
) -> frozenset[Pair]:
    changed: list[tuple[int | None, int]] = []
    pairs: set[Pair] = set()
    for row, winner in winners:
        target = winner.pk if winner else None
        if row.mapping_id != target:
            changed.append((target, row.pk))
            pairs.add(row.pair)
    point_at(model, changed)
    return frozenset(pairs)


def point_at(
    model: type[WitResolution | StatusResolution], changed: Iterable[tuple[int | None, int]]
) -> None:
    """Write which rule resolutions fall under: (rule, resolution) by their ids."""
    for target, keys in _by_target(changed):
        model.objects.filter(pk__in=keys).update(mapping_id=target)


def occurring(tenant_id: int, integration_id: int, project_keys: Mapping[str, str]) -> Occurring:
    """Return all that occurs in an integration. Four queries. project_keys: as of `resolve`."""
    owned = {"tenant_id": tenant_id, "integration_id": integration_id}
    types = {row.source_id: row for row in Wit.objects.filter(**owned)}
    statuses = {row.source_id: row for row in Status.objects.filter(**owned)}
    columns = ("pk", "mapping_id", "project_source_id", "type_source_id")
    return Occurring(
        types=[
            (
                Resolved(pk, mapping_id, (project, type_)),
                type_facts(integration_id, project_keys.get(project), types.get(type_)),
            )
            for pk, mapping_id, project, type_ in WitResolution.objects.filter(**owned).values_list(
                *columns
            )
        ],
        statuses=[
            (
                Resolved(pk, mapping_id, (project, type_), status),
                status_facts(
                    integration_id,
                    project_keys.get(project),
                    types.get(type_),
                    statuses.get(status),
                ),
            )
            for pk, mapping_id, project, type_, status in StatusResolution.objects.filter(
                **owned
            ).values_list(*columns, "status_source_id")
        ],
    )


def type_facts(integration_id: int, project_key: str | None, source: Wit | None) -> TypeFacts:
    """Return what rules match of a type. source: None where the source never described it."""
    return TypeFacts(
        integration_id=integration_id,
        project_key=project_key,
        name=source.name if source else None,
        untranslated_name=source.untranslated_name if source else None,
        level=source.level if source else None,
        is_subtask=source.is_subtask if source else None,
    )


def status_facts(
    integration_id: int, project_key: str | None, type_: Wit | None, source: Status | None
) -> StatusFacts:
    """Return what rules match of a status on items of a type. None: never described."""
    return StatusFacts(
        integration_id=integration_id,
        project_key=project_key,
        type_names=_names(type_),
        name=source.name if source else None,
        untranslated_name=source.untranslated_name if source else None,
        category=source.category if source else None,
    )


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
