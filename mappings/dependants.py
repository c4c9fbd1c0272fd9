"""What depends on rules: the occurrences and work items behind them, and the rules that use a
level or a step."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mappings.effects import effects
from mappings.models import StatusMapping, StatusResolution, WitMapping, WitResolution


class Use(NamedTuple):
    """How much falls under a rule. occurrences: resolutions; items: live work items in them now."""

    occurrences: int = 0
    items: int = 0


@dataclass(frozen=True)
class Dependants:
    """Rules that use something. labels: the first of them, in words; items: behind all of them."""

    count: int
    items: int
    labels: Sequence[str] = field(default_factory=tuple)

    @property
    def more(self) -> int:
        """How many are not among the labels."""
        return self.count - len(self.labels)


SHOWN_RULES = 8
_IDS_AT_ONCE = 20_000


def count_items(tenant_id: int, resolution_ids: Sequence[int]) -> dict[int, int]:
    """Return the live work items by the status resolution they are in now, however many are
    asked about."""
    found: dict[int, int] = {}
    for start in range(0, len(resolution_ids), _IDS_AT_ONCE):
        some = resolution_ids[start : start + _IDS_AT_ONCE]
        found.update(effects().count_items(tenant_id, some))
    return found


def use_of_status_rules(tenant_id: int, rule_ids: Iterable[int]) -> dict[int, Use]:
    """Return what falls under each of these status rules. Two queries."""
    rows = StatusResolution.objects.filter(tenant_id=tenant_id, mapping_id__in=list(rule_ids))
    pairs = list(rows.values_list("pk", "mapping_id"))
    counts = count_items(tenant_id, [pk for pk, _ in pairs])
    return _summed((rule, counts.get(pk, 0)) for pk, rule in pairs)


def use_of_type_rules(tenant_id: int, rule_ids: Iterable[int]) -> dict[int, Use]:
    """Return what falls under each of these type rules. Three queries."""
    columns = ("integration_id", "project_source_id", "type_source_id")
    types = WitResolution.objects.filter(tenant_id=tenant_id, mapping_id__in=list(rule_ids))
    rule_of = {row[1:]: row[0] for row in types.values_list("mapping_id", *columns)}
    statuses = StatusResolution.objects.filter(
        tenant_id=tenant_id, integration_id__in={key[0] for key in rule_of}
    )
    found = [
        (pk, key)
        for pk, *rest in statuses.values_list("pk", *columns)
        if (key := tuple(rest)) in rule_of
    ]
    counts = count_items(tenant_id, [pk for pk, _ in found])
    items: dict[tuple[object, ...], int] = defaultdict(int)
    for pk, key in found:
        items[key] += counts.get(pk, 0)
    return _summed((rule, items.get(key, 0)) for key, rule in rule_of.items())


def _summed(rows: Iterable[tuple[int, int]]) -> dict[int, Use]:
    found: dict[int, Use] = {}
    for rule, items in rows:
        use = found.get(rule, Use())
        found[rule] = Use(use.occurrences + 1, use.items + items)
    return found


def rules_on_levels(tenant_id: int, level_ids: Iterable[int]) -> dict[int, Dependants]:
    """Return the type rules that give each of these levels."""
    rules = WitMapping.objects.filter(tenant_id=tenant_id, hierarchy_id__in=list(level_ids))
    rows = list(rules.order_by("from_name", "id"))
    uses = use_of_type_rules(tenant_id, [row.pk for row in rows])
    return _grouped([(row.hierarchy_id, row) for row in rows], uses)


def rules_on_steps(tenant_id: int, step_ids: Iterable[int]) -> dict[int, Dependants]:
    """Return the status rules that give each of these steps."""
    rules = StatusMapping.objects.filter(tenant_id=tenant_id, step_id__in=list(step_ids))
    rows = list(rules.order_by("from_name", "id"))
    uses = use_of_status_rules(tenant_id, [row.pk for row in rows])
    return _grouped([(row.step_id, row) for row in rows if row.step_id is not None], uses)


def _grouped(
    rows: Iterable[tuple[int, WitMapping | StatusMapping]], uses: Mapping[int, Use]
) -> dict[int, Dependants]:
    by_key: dict[int, list[WitMapping | StatusMapping]] = defaultdict(list)
    for key, row in rows:
        by_key[key].append(row)
    return {
        key: Dependants(
            len(rules),
            sum(uses.get(rule.pk, Use()).items for rule in rules),
            [str(rule) for rule in rules[:SHOWN_RULES]],
        )
        for key, rules in by_key.items()
    }
