"""Brings rows that name their repository under the name that it has now, in any order of loading.

A row keeps beside `repository` the name that its record gave, if that is another (`former_name`),
so what it is called follows at any time from that name, from when the record was fetched, and
from `repository_names`. It is worked out anew for the staged rows of every load, and for the
loaded ones whenever a name has come to mean something else.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection

from warehouse.commit_order import order_commits
from warehouse.merge import Batch, columns, execute, fetch, row_id
from warehouse.removed import remove
from warehouse.repository_names import Alias, Sighting, keep_names, known_names
from warehouse.staging import format_time
from warehouse.tables import BY_NAME, TABLES, Table

_NAMES: Final = "stage_names"
_RENAMED: Final = "stage_renamed"
_REPOSITORIES: Final = BY_NAME["repositories"]
_PULLS: Final = BY_NAME["pull_requests"]
_COMMITS: Final = BY_NAME["pull_request_commits"]
_MENTIONS: Final = BY_NAME["pull_request_mentions"]
_IN_REPOSITORY: Final = tuple(table for table in TABLES if table.is_in_repository)
_GIVEN: Final = "COALESCE({0}.former_name, {0}.repository)"
_BETWEEN: Final = " "
"""Begins no name: keeps the names apart that two rows exchange."""


class Renames:
    """The renames that a load has to heed. To be made when its staging tables are filled."""

    def __init__(self, batch: Batch, tables: Collection[Table]) -> None:
        self._batch = batch
        names = known_names(batch.tenant_id, batch.integration_id)
        known, before = names.sightings(), names.aliases()
        for seen in _sightings(tables):
            names.add(seen)
        keep_names(batch.tenant_id, batch.integration_id, names, known)
        self._aliases = names.aliases()
        self._changed = {alias.full_name for alias in self._aliases ^ before}

    def apply(self, tables: Collection[Table]) -> dict[str, str]:
        """Rename loaded and staged rows; return the computed columns of the staged ones."""
        if not self._aliases and not self._changed:
            return {}
        execute(
            f"CREATE TEMPORARY TABLE {_NAMES}"
            f' (full_name text, since {_time_type()}, until {_time_type()}, "current" text)'
        )
        _fill(self._aliases)
        if self._changed:
            self._rename_loaded()
        for table in tables:
            if table.is_in_repository:
                _rename_staged(table)
        execute(f"DROP TABLE {_NAMES}")
        return {"former_name": "s.former_name"}

    def _rename_loaded(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE stage_changed_names (full_name text)")
            marks = [(name,) for name in sorted(self._changed)]
            cursor.executemany("INSERT INTO stage_changed_names VALUES (%s)", marks)
        # Mentions come last: they go by what has become of their pull request.
        for table in sorted(_IN_REPOSITORY, key=lambda table: table is _MENTIONS):
            self._rename(table)
        execute("DROP TABLE stage_changed_names")
        execute("DROP TABLE stage_renamed_pulls")

    def _rename(self, table: Table) -> None:
        """Rename the loaded rows of a table; of two that fall together the newer one stays."""
        batch, name = self._batch, table.model._meta.db_table
        given = _GIVEN.format("t")
        changed = "(SELECT full_name FROM stage_changed_names)"
        rows = (
            f"SELECT t.id, {given} AS given, {_current(given, _fetched_at(table, 't'))}"
            f" AS renamed FROM {name} t WHERE {batch.owns('t')}"
        )
        execute(
            f"CREATE TEMPORARY TABLE {_RENAMED} AS SELECT r.* FROM ("
            f"{rows} AND t.repository IN {changed} AND t.former_name IS NULL"
            f" UNION ALL {rows} AND t.former_name IN {changed}"
            f") r JOIN {name} t ON t.id = r.id WHERE t.repository <> r.renamed"
        )
        if table is _MENTIONS:
            _drop_outdated_mentions()
        if "repository" in table.key:
            self._drop_older(table)
        pulls = _pulls_of_commits() if table is _COMMITS else set()
        base = batch.take(int(fetch(f"SELECT COUNT(*) FROM {_RENAMED}")[0][0]))
        execute(
            f"UPDATE {name} AS t SET repository = '{_BETWEEN}' || n.renamed,"
            " former_name = CASE WHEN n.renamed <> n.given THEN n.given END,"
            f" changed_seq = {base} + n.nth FROM (SELECT r.*, ROW_NUMBER() OVER (ORDER BY r.id)"
            f" AS nth FROM {_RENAMED} r) n WHERE t.id = n.id"
        )
        execute(
            f"UPDATE {name} SET repository = SUBSTR(repository, 2)"
            f" WHERE id IN (SELECT id FROM {_RENAMED})"
        )
        owner = (batch.tenant_id, batch.integration_id)
        batch.take(order_commits(*owner, pulls, batch.changed_seq))
        if table is _PULLS:
            execute(f"CREATE TEMPORARY TABLE stage_renamed_pulls AS SELECT id FROM {_RENAMED}")
        execute(f"DROP TABLE {_RENAMED}")

    def _drop_older(self, table: Table) -> None:
        """Remove all but the newest of the rows that have one key once they are renamed."""
        name = table.model._meta.db_table
        rest = columns(tuple(part for part in table.key if part != "repository"), "t")
        newest = "raw_page_id DESC, raw_position DESC"
        if not table.is_child:
            newest = f"fetched_at DESC, digest DESC, {newest}"
        remove(
            self._batch,
            table,
            "id IN (SELECT id FROM (SELECT t.id, ROW_NUMBER() OVER"
            f" (PARTITION BY t.named, {rest} ORDER BY {newest}) AS nth FROM ("
            f"SELECT t.*, r.renamed AS named FROM {_RENAMED} r JOIN {name} t ON t.id = r.id"
            f" UNION ALL SELECT t.*, t.repository AS named FROM {name} t"
            f" WHERE {self._batch.owns('t')}"
            f" AND t.repository IN (SELECT renamed FROM {_RENAMED})"
            f" AND t.id NOT IN (SELECT id FROM {_RENAMED})) t) ranked WHERE nth > 1)",
        )
        execute(f"DELETE FROM {_RENAMED} WHERE id NOT IN (SELECT id FROM {name})")


def _pulls_of_commits() -> set[tuple[str, int]]:
    """Return which pull requests the commits that are to be renamed leave and come to."""
    commits = f"FROM {_RENAMED} r JOIN pull_request_commits t ON t.id = r.id"
    pulls = fetch(
        f"SELECT t.repository, t.pull_request_number {commits}"
        f" UNION SELECT r.renamed, t.pull_request_number {commits}"
    )
    return {(str(repository), int(number)) for repository, number in pulls}


def _drop_outdated_mentions() -> None:
    """Remove mentions that an older record of their pull request made, under another name.

    A mention came with the record that its pull request is from: both were given one name.
    """
    owner = "p.tenant_id = m.tenant_id AND p.integration_id = m.integration_id"
    given = f"{_GIVEN.format('p')} = {_GIVEN.format('m')}"
    execute(
        "DELETE FROM pull_request_mentions WHERE id IN ("
        f"SELECT m.id FROM {_RENAMED} r JOIN pull_request_mentions m ON m.id = r.id"
        " WHERE m.place <> 'commit' AND NOT EXISTS (SELECT 1 FROM pull_requests p"
        f" WHERE {owner} AND p.repository = r.renamed AND p.number = m.pull_request_number"
        f" AND {given})"
        " UNION ALL SELECT m.id FROM stage_renamed_pulls r JOIN pull_requests p ON p.id = r.id"
        f" JOIN pull_request_mentions m ON {owner} AND m.repository = p.repository"
        f" AND m.pull_request_number = p.number AND m.place <> 'commit' AND NOT ({given})"
        f" WHERE m.id NOT IN (SELECT id FROM {_RENAMED}))"
    )
    execute(f"DELETE FROM {_RENAMED} WHERE id NOT IN (SELECT id FROM pull_request_mentions)")


def _sightings(tables: Iterable[Table]) -> Iterable[Sighting]:
    """Yield which names the staged repositories and pull requests give to repositories."""
    selects = {
        _REPOSITORIES: "full_name, source_id AS id_",
        _PULLS: "repository AS full_name, repository_source_id AS id_",
    }
    for table in tables:
        if table in selects:
            rows = fetch(
                "SELECT full_name, id_, MIN(fetched_at), MAX(fetched_at) FROM"
                f" (SELECT {selects[table]}, fetched_at FROM {table.staging_name}) s"
                " WHERE id_ IS NOT NULL GROUP BY full_name, id_"
            )
            for full_name, source_id, first, last in rows:
                for seen_at in (first, last):
                    yield Sighting(full_name, _moment(seen_at), source_id)


def _moment(value: Any) -> datetime:
    """Return an instant of a raw query: text in SQLite."""
    return (
        value if isinstance(value, datetime) else datetime.fromisoformat(value).replace(tzinfo=UTC)
    )


def _time_type() -> str:
    return str(_COMMITS.field("fetched_at").db_type(connection))


def _fill(aliases: Iterable[Alias]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {_NAMES} VALUES (%s, %s, %s, %s)",
            [
                (name, since and format_time(since), until and format_time(until), current)
                for name, since, until, current in aliases
            ],
        )


def _current(name: str, fetched_at: str) -> str:
    """Return what a repository of this name is called now."""
    return (
        f'COALESCE((SELECT n."current" FROM {_NAMES} n WHERE n.full_name = {name}'
        f" AND (n.since IS NULL OR {fetched_at} >= n.since)"
        f" AND (n.until IS NULL OR {fetched_at} < n.until)), {name})"
    )


def _fetched_at(table: Table, alias: str) -> str:
    """Return when the record of a loaded row was fetched; a child row's page knows, if kept."""
    if not table.is_child:
        return f"{alias}.fetched_at"
    page = f"SELECT p.fetched_at FROM raw_extraction_data p WHERE p.id = {alias}.raw_page_id"
    return f"COALESCE(({page}), '9999-12-31 00:00:00')"


def _rename_staged(table: Table) -> None:
    stage, fetched_at, pages = table.staging_name, "t.fetched_at", ""
    if table.is_child:
        parents = " UNION ALL ".join(
            f"SELECT raw_page_id, fetched_at FROM {parent.staging_name}"
            for parent in (_PULLS, _COMMITS)
        )
        fetched_at = "p.fetched_at"
        pages = (
            "JOIN (SELECT raw_page_id, MAX(fetched_at) AS fetched_at"
            f" FROM ({parents}) r GROUP BY raw_page_id) p ON p.raw_page_id = t.raw_page_id"
        )
    execute(f"ALTER TABLE {stage} ADD COLUMN former_name text")
    execute(
        f"UPDATE {stage} AS s SET former_name = s.repository, repository = n.renamed FROM ("
        f"SELECT t.{row_id()} AS place, {_current('t.repository', fetched_at)} AS renamed"
        f" FROM {stage} t {pages} WHERE t.repository IN (SELECT full_name FROM {_NAMES})) n"
        f" WHERE n.place = s.{row_id()} AND n.renamed <> s.repository"
    )
