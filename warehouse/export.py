"""Streams loaded rows out as JSON lines, CSV or Parquet, and sums tables up as one hash."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, BinaryIO, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from django.db import connection
from django.db.models import CharField, F, TextField
from django.db.models.functions import Collate

from common.digest import content_digest
from common.errors import UsageError
from tenants.scope import ScopeMissingError, current_tenant_id
from warehouse.export_tables import EXPORTS, LINK_COLUMNS, Column, ExportTable, select
from warehouse.links import links

Row = Sequence[Any]
TABLES: Final = (*EXPORTS, "links")
ROWS_AT_ONCE: Final = 2000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")

_ARROW_TYPES = {
    "text": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "time": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
    "texts": pa.list_(pa.string()),
    "json": pa.string(),
}


def columns_of(table: str) -> tuple[Column, ...]:
    """Return the columns of an exported table; raise UsageError naming those there are."""
    if table == "links":
        return LINK_COLUMNS
    if table not in EXPORTS:
        raise UsageError(f"there is no table {table!r} to export; there are: {', '.join(TABLES)}")
    return EXPORTS[table].columns


def rows_of(table: str) -> Iterator[Row]:
    """Yield the rows of a table in the scope's tenant, in the order of the natural key."""
    if table == "links":
        tenant_id = current_tenant_id()
        if tenant_id is None:
            raise ScopeMissingError("links are those of one tenant")
        return links(tenant_id)
    return _select_in_order(EXPORTS[table])


def _select_in_order(table: ExportTable) -> Iterator[Row]:
    names = [f"out_{column.name}" for column in table.columns]
    order = [_by_bytes(table, name) for name in table.order]
    rows: Iterator[Row] = (
        select(table).order_by(*order).values_list(*names).iterator(chunk_size=ROWS_AT_ONCE)
    )
    places = {number for number, column in enumerate(table.columns) if column.kind == "json"}
    if not places:
        return rows
    return (
        [_canonical(value) if n in places else value for n, value in enumerate(row)] for row in rows
    )


def _canonical(value: Any) -> Any:
    """Return JSON as every database gives it: members in order, numbers as doubles."""
    match value:
        case dict():
            return {name: _canonical(value[name]) for name in sorted(value)}
        case list():
            return [_canonical(each) for each in value]
        case int() if not isinstance(value, bool):
            return float(value)
        case _:
            return value


def _by_bytes(table: ExportTable, name: str) -> Any:
    """Order text by its bytes, whatever the database's locale, so that all say the same."""
    is_text = "__" in name or isinstance(table.model._meta.get_field(name), TextField | CharField)
    return Collate(F(name), "C") if is_text and connection.vendor == "postgresql" else F(name)


def write_jsonl(columns: Sequence[Column], rows: Iterable[Row], out: BinaryIO) -> int:
    """Write an object a line; times are UTC in ISO 8601. Returns the count of rows."""
    names = [column.name for column in columns]
    encode = msgspec.json.Encoder().encode
    count = 0
    for row in rows:
        out.write(encode(dict(zip(names, row, strict=True))) + b"\n")
        count += 1
    return count


def write_csv(columns: Sequence[Column], rows: Iterable[Row], out: BinaryIO) -> int:
    """Write CSV with a header. Null is empty; lists and objects are JSON; text that a spreadsheet
    would run as a formula gets an apostrophe in front. Returns the count of rows."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([column.name for column in columns])
    count = 0
    for row in rows:
        writer.writerow([csv_value(value) for value in row])
        count += 1
    text.detach()
    return count


def csv_value(value: Any) -> str | int | float:
    """Return a value as a cell."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case str():
            return f"'{value}" if value.startswith(_FORMULA_STARTS) else value
        case datetime():
            return _iso(value)
        case list() | dict():
            return msgspec.json.encode(value).decode()
        case int() | float():
            return value
        case _:
            return str(value)


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def write_parquet(columns: Sequence[Column], rows: Iterable[Row], out: BinaryIO) -> int:
    """Write Parquet, a row group for every few thousand rows. Returns the count of rows."""
    schema = pa.schema([(column.name, _ARROW_TYPES[column.kind]) for column in columns])
    count = 0
    with pq.ParquetWriter(out, schema) as writer:
        for chunk in _chunks(rows):
            arrays = [
                pa.array(_arrow_values(column, values), type=_ARROW_TYPES[column.kind])
                for column, values in zip(columns, zip(*chunk, strict=True), strict=True)
            ]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(chunk)
    return count


def _arrow_values(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a column; those of JSON as text."""
    if column.kind != "json":
        return values
    return [None if each is None else msgspec.json.encode(each).decode() for each in values]


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == ROWS_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


Writer = Callable[[Sequence[Column], Iterable[Row], BinaryIO], int]
WRITERS: Final[dict[str, Writer]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}


def table_hash(table: str) -> str:
    """Return a hash of the table's rows that depends neither on their order nor on the database."""
    encode = msgspec.json.Encoder().encode
    total = sum(int(content_digest(encode(list(row))), 16) for row in rows_of(table))
    return f"{total % 2**128:032x}"


def tenant_hashes() -> dict[str, str]:
    """Return the hash of every exported table of the scope's tenant, and of them all as `all`."""
    hashes = {table: table_hash(table) for table in TABLES}
    hashes["all"] = content_digest(msgspec.json.encode(hashes, order="sorted"))
    return hashes
