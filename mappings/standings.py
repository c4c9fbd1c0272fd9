"""How types and statuses of sources stand: the work items behind them, and the rules that they
fall under."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from mappings.dependants import count_items
from mappings.models import Status, StatusResolution, Wit, WitResolution

SourceKey: TypeAlias = tuple[int, str]
"""(integration id, the source's own id)"""


class Standing(NamedTuple):
    """How a value of a source stands. places: in which it occurs; rules: labels by id;
    unmapped: places without a rule."""

    items: int
    places: int
    rules: dict[int, str]
    unmapped: int


NOWHERE: Final = Standing(0, 0, {}, 0)


def standings_of_types(tenant_id: int, rows: Sequence[Wit]) -> Mapping[SourceKey, Standing]:
    """Return how types stand that occur at all. Three queries."""
    owned = {
        "integration_id__in": {row.integration_id for row in rows},
        "type_source_id__in": {row.source_id for row in rows},
    }
    columns = ("integration_id", "project_source_id", "type_source_id")
    statuses = list(StatusResolution.objects.filter(**owned).values_list("pk", *columns))
    counts = count_items(tenant_id, [row[0] for row in statuses])
    items: dict[tuple[Any, ...], int] = defaultdict(int)
    for pk, *place in statuses:
        items[tuple(place)] += counts.get(pk, 0)
    types = WitResolution.objects.filter(**owned).select_related("mapping")
    return _stand(
        (
            (row.integration_id, row.type_source_id),
            row.mapping_id,
            str(row.mapping),
            items[row.integration_id, row.project_source_id, row.type_source_id],
        )
        for row in types
    )


def standings_of_statuses(tenant_id: int, rows: Sequence[Status]) -> Mapping[SourceKey, Standing]:
    """Return how statuses stand that occur at all, now or in a history. Two queries."""
    found = list(
        StatusResolution.objects.filter(
            integration_id__in={row.integration_id for row in rows},
            status_source_id__in={row.source_id for row in rows},
        ).select_related("mapping")
    )
    counts = count_items(tenant_id, [row.pk for row in found])
    return _stand(
        (
            (row.integration_id, row.status_source_id),
            row.mapping_id,
            str(row.mapping),
            counts.get(row.pk, 0),
        )
        for row in found
    )


def _stand(
    places: Iterable[tuple[SourceKey, int | None, str, int]],
) -> dict[SourceKey, Standing]:
    """Sum up (key, id of the rule, its label, items) by key."""
    items: dict[SourceKey, int] = defaultdict(int)
    count: dict[SourceKey, int] = defaultdict(int)
    unmapped: dict[SourceKey, int] = defaultdict(int)
    rules: dict[SourceKey, dict[int, str]] = defaultdict(dict)
    for key, rule_id, label, number in places:
        items[key] += number
        count[key] += 1
        if rule_id is None:
            unmapped[key] += 1
        else:
            rules[key][rule_id] = label
    return {key: Standing(items[key], count[key], rules[key], unmapped[key]) for key in count}
