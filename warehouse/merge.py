"""Merges staging tables into their targets, set-based: the newest version of a row wins.

Everything here runs inside the load's transaction, under the tenant's counter lock, so that no
other load of the tenant writes between a check and the write it is for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from warehouse.tables import Table

_NO_TIME = "'1970-01-01 00:00:00'"


@dataclass
class Batch:
    """One load: whose rows, and the change numbers it may give."""

    tenant_id: int
    integration_id: int
    changed_seq: int

    @property
    def owner(self) -> str:
        """The values of tenant_id and integration_id (both our own integers) in SQL."""
        return f"{self.tenant_id}, {self.integration_id}"

    def owns(self, alias: str) -> str:
        """The condition that a row of `alias` is of this tenant and integration.

        The sum keeps indexes that begin with the tenant out: see `natural_key`.
        """
        return (
            f"{alias}.tenant_id + 0 = {self.tenant_id}"
            f" AND {alias}.integration_id = {self.integration_id}"
        )

    def take(self, count: int) -> int:
        """Reserve change numbers; return the last one given before them."""
        base = self.changed_seq
        self.changed_seq += count
        return base


def execute(sql: str) -> int:
    """Run a statement; return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(max(cursor.rowcount, 0))


def exists(sql: str) -> bool:
    """Tell whether a query has a row."""
    return bool(fetch(f"SELECT EXISTS ({sql})")[0][0])


def fetch(sql: str, parameters: Sequence[str] | None = None) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def columns(names: tuple[str, ...], alias: str = "") -> str:
    """Return column names, quoted and comma-separated, each of `alias` if given."""
    prefix = f"{alias}." if alias else ""
    return ", ".join(f'{prefix}"{name}"' for name in names)


def same_key(table: Table, left: str, right: str) -> str:
    """Return the condition that two rows have the same key at the source."""
    return " AND ".join(f'{left}."{name}" = {right}."{name}"' for name in table.key)


def row_id() -> str:
    """Return the name of the physical row address."""
    return "ctid" if connection.vendor == "postgresql" else "rowid"


def distinct(names: tuple[str, ...], left: str, right: str) -> str:
    """Return the condition that two rows differ in any of the columns; null equals null."""
    operator = "IS DISTINCT FROM" if connection.vendor == "postgresql" else "IS NOT"
    return f"({columns(names, left)}) {operator} ({columns(names, right)})"


def _version(table: Table, alias: str) -> list[str]:
    own = [
        f'COALESCE({alias}."{name}", {_NO_TIME})' if table.field(name).null else f'{alias}."{name}"'
        for name in table.version
    ]
    return [*own, f"{alias}.fetched_at"]


def drop_losers(table: Table) -> int:
    """Keep of each key in the staging table only the newest version; return how many went."""
    stage = table.staging_name
    order = (
        ["s.raw_page_id", "s.raw_position"]
        if table.is_child
        else [*_version(table, "s"), "s.digest"]
    )
    newest_first = ", ".join(f"{part} DESC" for part in order)
    return execute(
        f"DELETE FROM {stage} WHERE {row_id()} IN (SELECT place FROM (SELECT s.{row_id()} AS place,"
        f" ROW_NUMBER() OVER (PARTITION BY {columns(table.key, 's')} ORDER BY {newest_first})"
        f" AS nth FROM {stage} s) ranked WHERE nth > 1)"
    )


def found(query: str) -> str:
    """Return the condition that a correlated query has a row, looked up anew for each row.

    Without the offset PostgreSQL, which knows nothing of a staging table, would make a join of
    it that reads the whole target.
    """
    return f"EXISTS ({query} LIMIT 1 OFFSET 0)"


def join_each(table_name: str, alias: str, condition: str) -> str:
    """Return a join that looks the rows of a big table up anew for each row before it."""
    if connection.vendor == "postgresql":
        rows = f"SELECT {alias}.ctid, {alias}.* FROM {table_name} {alias} WHERE {condition}"
        return f"CROSS JOIN LATERAL ({rows} OFFSET 0) {alias}"
    return f"CROSS JOIN {table_name} {alias} ON {condition}"  # SQLite keeps the order of these


def is_any_loaded(table: Table, batch: Batch) -> bool:
    """Tell whether the target has any key of the staging table."""
    loaded = found(f"SELECT 1 {_known(table, batch)}")
    return exists(f"SELECT 1 FROM {table.staging_name} s WHERE {loaded}")


def _known(table: Table, batch: Batch) -> str:
    return (
        f"FROM {table.model._meta.db_table} t"
        f" WHERE {batch.owns('t')} AND {same_key(table, 't', 's')}"
    )


def drop_stale(table: Table, batch: Batch) -> int:
    """Drop staged rows that are older than what is loaded; return how many went.

    The same record read again is never stale: a re-transform must be able to mend its row.
    """
    staged, loaded = (", ".join(_version(table, alias)) for alias in ("s", "t"))
    newer = (
        f"{_known(table, batch)} AND NOT (({staged}) > ({loaded})"
        f" OR (({staged}) = ({loaded})"
        " AND (s.digest >= t.digest OR s.fingerprint <> t.fingerprint))"
        " OR (s.raw_page_id = t.raw_page_id AND s.raw_position = t.raw_position))"
    )
    return execute(f"DELETE FROM {table.staging_name} AS s WHERE {found(f'SELECT 1 {newer}')}")


def upsert(
    table: Table, batch: Batch, computed: dict[str, str] | None = None, joins: str = ""
) -> int:
    """Insert what is new and update what differs; return how many rows say something else now.

    computed: further columns and the SQL that gives them, over the staged row `s` and `joins`.
    A row whose values stay the same keeps its changed_seq and does not count, even when its digest
    or the time when it was seen moved on.
    """
    computed = computed or {}
    target = table.model._meta.db_table
    meaning = (*table.values, *computed)
    noted = () if table.is_child else ("digest", "fingerprint")
    count = _count(table.staging_name)
    base = batch.take(count)
    selected = ", ".join([columns(table.staged, "s"), *computed.values()])
    tombstone = ", deleted_at, deleted_reason" if table.has_tombstone else ""
    seen_later = _seen_later(table)
    sql = (
        f"INSERT INTO {target} AS t (tenant_id, integration_id,"
        f" {columns((*table.staged, *computed))}, changed_seq{tombstone})"
        f" SELECT {batch.owner}, {selected},"
        f" {base} + ROW_NUMBER() OVER (ORDER BY {columns(table.key, 's')})"
        f"{', g.deleted_at, g.deleted_reason' if tombstone else ''}"
        f" FROM {table.staging_name} s {joins}{_tombstones(table, batch)} WHERE true"
        f" ON CONFLICT (tenant_id, integration_id, {columns(table.key)}) DO UPDATE SET"
        f" {_assignments(table, meaning)}"
        f" WHERE {distinct((*meaning, *noted), 't', 'excluded')}"
        f"{_undeleted(table)}{seen_later}"
    )
    if not seen_later:
        return execute(sql)
    return sum(seq > base for (seq,) in fetch(f"{sql} RETURNING changed_seq"))


def _tombstones(table: Table, batch: Batch) -> str:
    """Return a join of what was found gone since a staged row was fetched, as `g`."""
    if not table.has_tombstone:
        return ""
    return (
        f" LEFT JOIN gone_rows g ON {batch.owns('g')} AND g.\"table\" = '{table.name}'"
        " AND g.source_id = s.source_id AND g.deleted_at >= s.fetched_at"
    )


def _count(table_name: str) -> int:
    return int(fetch(f"SELECT COUNT(*) FROM {table_name}")[0][0])


def _assignments(table: Table, meaning: tuple[str, ...]) -> str:
    written = [name for name in (*meaning, *table.lineage) if name not in table.key]
    changed = distinct(meaning, "t", "excluded")
    parts = [f'"{name}" = excluded."{name}"' for name in written]
    parts.append(
        f"changed_seq = CASE WHEN {changed}{_undeleted(table)}"
        " THEN excluded.changed_seq ELSE t.changed_seq END"
    )
    if table.has_tombstone:
        for column in ("deleted_at", "deleted_reason"):
            parts.append(
                f"{column} = CASE WHEN excluded.fetched_at > t.deleted_at THEN NULL"
                f" ELSE t.{column} END"
            )
    return ", ".join(parts)


def _undeleted(table: Table) -> str:
    """Return ` OR …`: the row was a tombstone and is seen again since."""
    return " OR excluded.fetched_at > t.deleted_at" if table.has_tombstone else ""


def _seen_later(table: Table) -> str:
    """Return ` OR …`: the row was seen again, where that tells what is newer or still there."""
    if table.is_child or (table.is_timed and not table.is_counted):
        return ""
    return " OR excluded.fetched_at > t.fetched_at"


def merge(table: Table, batch: Batch, computed: dict[str, str] | None = None) -> int:
    """Merge a table whose rows have a version of their own; return how many were written.

    computed: as of `upsert`.
    """
    drop_losers(table)
    if is_any_loaded(table, batch):
        drop_stale(table, batch)
    return upsert(table, batch, computed)
