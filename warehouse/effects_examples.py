"""A few work items of what occurs, many groups by one query."""

from collections.abc import Sequence
from typing import Final

from django.db import connection

from mappings.effects import ItemName

_OF_A_GROUP: Final = (
    "SELECT * FROM (SELECT {number} AS number, id, key, title FROM work_items"
    " WHERE tenant_id = %s AND status_resolution_id IN ({marks}) AND deleted_at IS NULL"
    " LIMIT {count}) AS group_{number}"
)
_IDS_A_GROUP: Final = 200


def examples_of(
    tenant_id: int, groups: Sequence[Sequence[int]], count: int
) -> list[list[ItemName]]:
    """Return up to `count` live work items for each group of status resolutions, any of them."""
    found: list[list[ItemName]] = [[] for _ in groups]
    parts: list[str] = []
    parameters: list[int] = []
    for number, group in enumerate(groups):
        ids = list(group)[:_IDS_A_GROUP]
        if ids:
            marks = ", ".join(["%s"] * len(ids))
            parts.append(_OF_A_GROUP.format(number=number, marks=marks, count=int(count)))
            parameters += [tenant_id, *ids]
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(parts), parameters)
            for number, pk, key, title in cursor.fetchall():
                found[number].append(ItemName(pk, key, title))
    return [sorted(group, key=lambda item: item.work_item_id) for group in found]
