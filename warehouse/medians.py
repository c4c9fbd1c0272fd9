"""Exact medians, on both databases."""

from django.db import connection

from warehouse.merge import fetch


def median(column: str, relation: str) -> tuple[float | None, int]:
    """Return the median of a column of a relation, nulls left out, and of how many values.

    Of an even number of values it is the mean of the two in the middle.
    """
    if connection.vendor == "postgresql":
        row = fetch(
            f"SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY {column}), COUNT({column})"
            f" FROM {relation} AS measured"
        )[0]
        return row[0], int(row[1])
    count = int(fetch(f"SELECT COUNT({column}) FROM {relation} AS measured")[0][0])
    if not count:
        return None, 0
    middle = fetch(
        f"SELECT {column} FROM {relation} AS measured WHERE {column} IS NOT NULL"
        f" ORDER BY {column} LIMIT {2 - count % 2} OFFSET {(count - 1) // 2}"
    )
    return sum(value for (value,) in middle) / len(middle), count
