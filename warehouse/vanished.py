"""Removes what a pull request no longer has: commits of before a force-push, deleted comments.

The policy, `seen_no_more`: a pull request says how many commits, reviews and comments it has
(`pull_request_sizes`). When so many were seen with it or later, the others are gone. So it holds
for children that come with it, on pages of their own, in any order and again from raw.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from warehouse.merge import Batch, execute, join_each, row_id
from warehouse.removed import remove
from warehouse.tables import BY_NAME, Table

_PULLS: Final = BY_NAME["pull_requests"]


@dataclass(frozen=True)
class _Child:
    """What is counted. count: the column that says how many there are; kind: of comments."""

    table: Table
    count: str
    kind: str = ""


_COMMITS: Final = BY_NAME["pull_request_commits"]
_COMMENTS: Final = BY_NAME["comments"]
_CHILDREN: Final = (
    _Child(_COMMITS, "commit_count"),
    _Child(BY_NAME["reviews"], "review_count"),
    _Child(_COMMENTS, "comment_count", "issue"),
    _Child(_COMMENTS, "review_comment_count", "review"),
)


def remove_vanished(batch: Batch, tables: Iterable[Table]) -> int:
    """Remove what the pull requests of a merged batch no longer have; return how many rows."""
    staged = [
        table
        for table in tables
        if table is _PULLS or any(table is child.table for child in _CHILDREN)
    ]
    if not staged:
        return 0
    execute(f"CREATE TEMPORARY TABLE stage_counted AS {_counted(batch, staged)}")
    removed = sum(_remove(batch, child) for child in _CHILDREN)
    if removed:
        removed += _remove_mentions(batch)
    execute("DROP TABLE stage_counted")
    return removed


def _counted(batch: Batch, staged: list[Table]) -> str:
    """Return the pull requests that rows of the batch belong to, with what they say they have."""
    touched = " UNION ".join(
        f"SELECT repository, {'number' if table is _PULLS else 'pull_request_number'} AS number"
        f" FROM {table.staging_name}"
        for table in staged
    )
    counts = ", ".join(f"z.{child.count}" for child in _CHILDREN)
    pull = f"{_owned(batch, 'p')} AND p.repository = s.repository AND p.number = s.number"
    size = f"{batch.owns('z')} AND z.source_id = p.source_id"
    return (
        f"SELECT p.repository, p.number, z.fetched_at, {counts} FROM ({touched}) s"
        f" {join_each('pull_requests', 'p', pull)} {join_each('pull_request_sizes', 'z', size)}"
    )


def _owned(batch: Batch, alias: str) -> str:
    """The condition of ownership for lookups by an index that begins with the tenant."""
    return f"{alias}.tenant_id = {batch.tenant_id} AND {alias}.integration_id = " + str(
        batch.integration_id
    )


def _remove(batch: Batch, child: _Child) -> int:
    target = child.table.model._meta.db_table
    stale = f"{_of(batch, child, 'c')} AND c.fetched_at < p.fetched_at"
    fresh = f"{_of(batch, child, 'f')} AND f.fetched_at >= p.fetched_at"
    return remove(
        batch,
        child.table,
        f"{row_id()} IN (SELECT c.{row_id()}"
        f" FROM stage_counted p {join_each(target, 'c', stale)}"
        f" WHERE p.{child.count} <= (SELECT COUNT(*) FROM {target} f WHERE {fresh}))",
    )


def _of(batch: Batch, child: _Child, alias: str) -> str:
    """The condition that a row belongs to the pull request `p`, by the index that finds it."""
    # The key of commits begins with the repository, the index of the others with the tenant.
    owned = batch.owns(alias) if child.table is _COMMITS else _owned(batch, alias)
    kind = f" AND {alias}.kind = '{child.kind}'" if child.kind else ""
    return (
        f"{owned} AND {alias}.repository = p.repository"
        f" AND {alias}.pull_request_number = p.number{kind}"
    )


def _remove_mentions(batch: Batch) -> int:
    """Remove what commits mention that are no longer there."""
    of_pull = f"{batch.owns('m')} AND m.repository = p.repository"
    mentions = f"{of_pull} AND m.pull_request_number = p.number AND m.place = 'commit'"
    commit = (
        f"SELECT 1 FROM pull_request_commits c WHERE {batch.owns('c')} AND c.sha = m.reference"
        " AND c.repository = m.repository AND c.pull_request_number = m.pull_request_number"
    )
    return execute(
        f"DELETE FROM pull_request_mentions WHERE {row_id()} IN (SELECT m.{row_id()}"
        f" FROM stage_counted p {join_each('pull_request_mentions', 'm', mentions)}"
        f" WHERE NOT EXISTS ({commit}))"
    )
