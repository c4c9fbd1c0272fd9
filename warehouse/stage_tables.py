"""Temporary tables that a load copies staged pages into; gone with its transaction."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from common.tracing import sql_comment
from warehouse.staging import parse_rows, staged_columns
from warehouse.tables import Table

_INSERT_AT_ONCE = 2000


@contextmanager
def staging_tables(tables: Iterable[Table]) -> Iterator[None]:
    """Have an empty staging table for each of the tables, inside a transaction."""
    tables = list(tables)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Nothing is known of a staging table, so a statement over it looks as if it were worth
            # compiling, which takes longer than to run it.
            cursor.execute("SET LOCAL jit = off")
        for table in tables:
            columns = ", ".join(f'"{c}" {_column_type(table, c)}' for c in table.staged)
            cursor.execute(f"CREATE TEMPORARY TABLE {table.staging_name} ({columns})")
        yield
        for table in tables:
            cursor.execute(f"DROP TABLE {table.staging_name}")


def _column_type(table: Table, column: str) -> str:
    """Return the target's type; on SQLite, too, it turns the copied text into the right value."""
    kind = table.field(column).db_type(connection)
    assert kind is not None
    return kind


def fill(table: Table, blocks: list[bytes]) -> None:
    """Copy blocks of COPY text into the table's staging table."""
    if connection.vendor == "postgresql":
        _copy(table, blocks)
    else:
        _insert(table, blocks)


def _copy(table: Table, blocks: list[bytes]) -> None:
    with connection.cursor() as cursor:
        # It passes by what else puts the trace before a statement.
        cursor.copy_expert(
            f"{sql_comment()}COPY {table.staging_name} ({staged_columns(table)}) FROM STDIN",
            io.BytesIO(b"".join(blocks)),
        )


def _insert(table: Table, blocks: list[bytes]) -> None:
    marks = ", ".join(["%s"] * len(table.staged))
    sql = f"INSERT INTO {table.staging_name} ({staged_columns(table)}) VALUES ({marks})"
    with connection.cursor() as cursor:
        for rows in _chunks(row for block in blocks for row in parse_rows(block)):
            cursor.executemany(sql, rows)


def _chunks(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    chunk: list[tuple[Any, ...]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _INSERT_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
