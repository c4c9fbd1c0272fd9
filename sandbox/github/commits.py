"""Commits that are not listed with a pull request: merges, and the branches they are on."""

from collections.abc import Iterator

from sandbox.github.records import MERGED, Entity, PullRecord
from sandbox.github.repository import Repository


def merge_commit(record: PullRecord) -> Entity | None:
    """Return the commit of a merge, or that of a test of one; None where none is known."""
    pull = record.pull
    sha = pull.get("merge_commit_sha")
    if not sha:
        return None
    at = pull.get("merged_at") or pull["updated_at"]
    signature = {"name": "GitHub", "email": "noreply@github.example.com", "date": at}
    head = pull.get("head") or {}
    parents = [sha for sha in ((pull.get("base") or {}).get("sha"), head.get("sha")) if sha]
    return {
        "sha": sha,
        "commit": {
            "author": signature,
            "committer": signature,
            "message": f"Merge pull request #{record.number} from {head.get('label')}",
            "tree": {"sha": sha},
            "comment_count": 0,
        },
        "author": None,
        "committer": None,
        "parents": [{"sha": parent} for parent in parents],
    }


def on_branch(repository: Repository, name: str | None) -> Iterator[Entity] | None:
    """Return the commits that a branch or hash leads to, newest first; None if there is none.

    name: None for the default branch, which has all that was merged.
    """
    if name in (None, "", "HEAD", repository.entity.get("default_branch")):
        return _default_branch(repository)
    for record in repository.records():
        head = record.pull.get("head") or {}
        if name in (head.get("ref"), head.get("sha")) and record.commits:
            return reversed(record.commits)
    found = find(repository, name or "")
    return None if found is None else iter([found])


def _default_branch(repository: Repository) -> Iterator[Entity]:
    merged = repository.pulls.ordered("updated", frozenset((MERGED,)))
    for position in reversed(merged):
        record = repository.record(position)
        if (merge := merge_commit(record)) is not None:
            yield merge
        yield from reversed(record.commits)


def find(repository: Repository, sha: str) -> Entity | None:
    """Return the commit of a hash, looked for in all pull requests."""
    for record in repository.records():
        for commit in (*record.commits, merge_commit(record) or {}):
            if commit.get("sha") == sha:
                return commit
    return None
