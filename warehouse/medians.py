"""Exact medians, on both databases."""

from collections.abc import Sequence

from django.db import connection

from warehouse.merge import fetch


def medians(columns: Sequence[str], relation: str) -> list[tuple[float | None, int]]:
    """Return the median of each column of a relation, nulls left out, and of how many values.

    Of an even number of values it is the mean of the two in the middle.
    """
    if connection.vendor == "postgresql":
        wanted = ", ".join(
            f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {column}), COUNT({column})"
            for column in columns
        )
        row = fetch(f"SELECT {wanted} FROM {relation} AS measured")[0]
        return [(row[place], int(row[place + 1])) for place in range(0, len(row), 2)]
    return [_median(column, relation) for column in columns]


def _median(column: str, relation: str) -> tuple[float | None, int]:
    count = int(fetch(f"SELECT COUNT({column}) FROM {relation} AS measured")[0][0])
    if not count:
        return None, 0
    middle = fetch(
        f"SELECT {column} FROM {relation} AS measured WHERE {column} IS NOT NULL"
        f" ORDER BY {column} LIMIT {2 - count % 2} OFFSET {(count - 1) // 2}"
    )
    return sum(value for (value,) in middle) / len(middle), count
