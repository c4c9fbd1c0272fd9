"""Brings loaded work items in line when what their rules say has changed."""

from collections.abc import Iterable

from django.db import connection

from mappings.resolve import Changed, Pair
from warehouse.flow import recompute
from warehouse.merge import Batch

_PAIRS_AT_ONCE = 200


def remap(batch: Batch, changed: Changed) -> None:
    """Recompute the metrics of the items that the changed rules touch, and announce them.

    Mapped values are read through the resolutions: for them an item only gets a new changed_seq.
    """
    for pairs in _chunks(changed.statuses):
        condition, parameters = _among(pairs)
        owner = (batch.tenant_id, batch.integration_id)
        batch.take(recompute(*owner, condition, parameters, batch.changed_seq))
    for pairs in _chunks(changed.types | changed.statuses):
        _announce(batch, pairs)


def _announce(batch: Batch, pairs: list[Pair]) -> None:
    condition, parameters = _among(pairs)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE work_items AS t SET changed_seq = {batch.changed_seq} + n.nth FROM"
            " (SELECT id, ROW_NUMBER() OVER (ORDER BY source_id) AS nth FROM work_items t"
            f" WHERE {batch.owns('t')} AND {condition}) n WHERE n.id = t.id",
            parameters,
        )
        batch.take(max(cursor.rowcount, 0))


def _among(pairs: list[Pair]) -> tuple[str, list[str]]:
    marks = ", ".join(["(%s, %s)"] * len(pairs))
    condition = f"(project_source_id, type_source_id) IN (VALUES {marks})"
    return condition, [value for pair in pairs for value in pair]


def _chunks(pairs: Iterable[Pair]) -> list[list[Pair]]:
    ordered = sorted(pairs)
    return [ordered[i : i + _PAIRS_AT_ONCE] for i in range(0, len(ordered), _PAIRS_AT_ONCE)]
