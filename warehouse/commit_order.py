"""Numbers the commits of pull requests, whatever order they were loaded in.

The API gives the commits of a pull request with parents first, but pages may be loaded in any
order, and a force-push adds commits to old ones; so a commit's place follows from its parents.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import msgspec
from django.db import connection

from tenants.scope import check_writable
from warehouse.merge import Batch, join_each

T = TypeVar("T")
PullRequestKey: TypeAlias = tuple[str, int]
"""Repository (owner/name) and number."""

_PULLS_A_CHUNK: Final = 1_000
_ROWS_A_WRITE: Final = 5_000
_SHAS: Final = msgspec.json.Decoder(list[str])
_Age: TypeAlias = tuple[bool, Any, bool, Any, str]


class _Loaded(NamedTuple):
    """A commit as the database gives it: instants compare among themselves, in either database."""

    id: int
    repository: str
    pull_request_number: int
    sha: str
    parent_shas: str
    committed_at: Any
    authored_at: Any
    position: int | None

    @property
    def age(self) -> _Age:
        committed, authored = self.committed_at, self.authored_at
        return committed is None, committed or 0, authored is None, authored or 0, self.sha


def order_commits(
    tenant_id: int, integration_id: int, pulls: Collection[PullRequestKey], changed_seq: int
) -> int:
    """Set `position` (from 0) of all commits of these pull requests; return the rows changed.

    Parents come before children, else the older first, else by sha. Only rows whose position
    differs are written; they take the change numbers after `changed_seq`, one each.
    """
    check_writable(tenant_id)
    changed = 0
    for chunk in _chunks(sorted(pulls), _PULLS_A_CHUNK):
        moved = list(_moved(_commits(tenant_id, integration_id, chunk)))
        rows = [(id_, place, changed_seq + changed + n) for n, (id_, place) in enumerate(moved, 1)]
        for batch in _chunks(rows, _ROWS_A_WRITE):
            _write(tenant_id, batch)
        changed += len(rows)
    return changed


def _chunks(rows: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _commits(
    tenant_id: int, integration_id: int, pulls: Sequence[PullRequestKey]
) -> Iterator[_Loaded]:
    """Yield the commits of these pull requests, those of one together."""
    columns = ", ".join(f"c.{name}" for name in _Loaded._fields)
    pairs = ", ".join(["(%s, %s)"] * len(pulls))
    of_pull = (
        f"{Batch(tenant_id, integration_id, 0).owns('c')} AND c.repository = p.repository"
        " AND c.pull_request_number = p.number"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH pulls AS (SELECT column1 AS repository, column2 AS number FROM (VALUES {pairs})"
            f" v) SELECT {columns} FROM pulls p {join_each('pull_request_commits', 'c', of_pull)}"
            " ORDER BY c.repository, c.pull_request_number",
            [value for pull in pulls for value in pull],
        )
        yield from map(_Loaded._make, cursor)


def _moved(commits: Iterable[_Loaded]) -> Iterator[tuple[int, int]]:
    """Yield id and new position of the commits that do not stand where they belong."""
    for _, group in groupby(commits, attrgetter("repository", "pull_request_number")):
        for position, commit in enumerate(_in_order(list(group))):
            if commit.position != position:
                yield commit.id, position


def _in_order(commits: Sequence[_Loaded]) -> Iterator[_Loaded]:
    """Yield commits with parents first; ties, and hostile circles, go by age."""
    if len(commits) == 1:
        yield commits[0]
        return
    by_sha = {commit.sha: commit for commit in commits}
    children: dict[str, list[str]] = {sha: [] for sha in by_sha}
    waits_for: dict[str, int] = {}
    for commit in commits:
        parents = {
            sha for sha in _SHAS.decode(commit.parent_shas) if sha in by_sha and sha != commit.sha
        }
        waits_for[commit.sha] = len(parents)
        for parent in parents:
            children[parent].append(commit.sha)
    ready = [commit.age for commit in commits if not waits_for[commit.sha]]
    heapify(ready)
    waiting = sorted((commit.age for commit in commits if waits_for[commit.sha]), reverse=True)
    done: set[str] = set()
    while ready or waiting:
        sha = (heappop(ready) if ready else waiting.pop())[-1]
        if sha in done:
            continue
        done.add(sha)
        yield by_sha[sha]
        for child in children[sha]:
            waits_for[child] -= 1
            if not waits_for[child]:
                heappush(ready, by_sha[child].age)


def _write(tenant_id: int, rows: Sequence[tuple[int, int, int]]) -> None:
    """Write (id, position, changed_seq)."""
    values = ", ".join(["(%s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE pull_request_commits SET position = v.column2, changed_seq = v.column3"
            f" FROM (VALUES {values}) AS v"
            f" WHERE pull_request_commits.id = v.column1 AND tenant_id = %s",
            [*(value for row in rows for value in row), tenant_id],
        )
