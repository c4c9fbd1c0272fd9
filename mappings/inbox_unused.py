"""Types and statuses that a source has, that no work item uses yet, and that no rule awaits."""

from collections.abc import Iterable
from typing import Final

from integrations.models import Integration
from mappings.inbox import Kind, Unused
from mappings.models import (
    Status,
    StatusMapping,
    StatusResolution,
    Wit,
    WitMapping,
    WitResolution,
)
from mappings.resolve import status_facts, type_facts
from mappings.rules import StatusRules, TypeRules, fold

LOOKED_AT: Final = 20_000


def unused(tenant_id: int, integrations: Iterable[Integration]) -> list[Unused]:
    """Return them by integration, kind and name, each name once. In the tenant's scope."""
    by_id = {each.pk: each for each in integrations}
    types = TypeRules(WitMapping.objects.filter(tenant_id=tenant_id, is_active=True))
    statuses = StatusRules(StatusMapping.objects.filter(tenant_id=tenant_id, is_active=True))
    found: dict[tuple[int, Kind, str], Unused] = {}
    used = _used(WitResolution, "type_source_id", by_id)
    for wit in Wit.objects.filter(integration_id__in=by_id).order_by("pk")[:LOOKED_AT]:
        if (wit.integration_id, wit.source_id) in used:
            continue
        if types.winner(type_facts(wit.integration_id, None, wit)) is None:
            key = (wit.integration_id, Kind.TYPE, fold(wit.name))
            found.setdefault(key, Unused(Kind.TYPE, by_id[wit.integration_id], wit.name, ""))
    used = _used(StatusResolution, "status_source_id", by_id)
    for row in Status.objects.filter(integration_id__in=by_id).order_by("pk")[:LOOKED_AT]:
        if (row.integration_id, row.source_id) in used:
            continue
        if statuses.winner(status_facts(row.integration_id, None, None, row)) is None:
            key = (row.integration_id, Kind.STATUS, fold(row.name))
            found.setdefault(
                key,
                Unused(Kind.STATUS, by_id[row.integration_id], row.name, row.category or ""),
            )
    return sorted(
        found.values(), key=lambda each: (each.integration.name, each.kind, fold(each.name))
    )


def _used(
    model: type[WitResolution | StatusResolution], column: str, integrations: Iterable[int]
) -> set[tuple[int, str]]:
    rows = model.objects.filter(integration_id__in=list(integrations)).order_by()
    return set(rows.values_list("integration_id", column).distinct())
