"""What a warehouse holds that loaded all of the organisation's GitHub rightly.

Rows are named like the columns of the exports; what the account `full` does not see is left out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sandbox.accounts import FULL
from sandbox.github.deployments import state_of
from sandbox.github.records import MERGED, OPEN, Entity, PullRecord
from sandbox.github.repository import OF_REPOSITORY, Repository
from sandbox.github.store import GitHubStore

Row = dict[str, Any]
_RUN_COLUMNS = (
    *("name", "event", "status", "conclusion", "run_number", "run_attempt"),
    *("head_branch", "head_sha"),
)


def tables(store: GitHubStore) -> dict[str, Iterable[Row]]:
    """Return the rows of each table; each is computed when it is gone through."""
    return {
        "repositories": _repositories(store),
        "pull_requests": _of_pulls(store, _pull_request),
        "pull_request_commits": _of_pulls(store, _commits),
        "reviews": _of_pulls(store, _reviews),
        "comments": _of_pulls(store, _comments),
        "deployments": _parts(store, _deployments),
        "workflow_runs": _parts(store, _runs),
    }


def counts(store: GitHubStore) -> dict[str, int]:
    """Return how many rows each table has."""
    totals: Counter[str] = Counter(dict.fromkeys(tables(store), 0))
    for repository in _seen(store):
        has = repository.totals()
        totals["repositories"] += 1
        totals["pull_requests"] += has["pulls"]
        totals["pull_request_commits"] += has["commits"]
        totals["comments"] += has["issue_comments"] + has["review_comments"]
        totals["workflow_runs"] += has["runs"]
        for name in ("reviews", "deployments"):
            totals[name] += has[name]
    return dict(totals)


def gone(store: GitHubStore) -> dict[str, Any]:
    """Return what is no longer there or visible, with the reason."""
    hidden = store.organisation.accounts.hidden(FULL, "repository")
    not_visible = [
        {"source_id": str(each.id), "full_name": each.full_name, "reason": "not_visible"}
        for each in store.repositories.values()
        if str(each.id) in hidden and not each.is_gone
    ]
    return {"repositories": [*store.gone, *not_visible]}


def _seen(store: GitHubStore) -> Iterator[Repository]:
    hidden = store.organisation.accounts.hidden(FULL, "repository")
    for repository in sorted(store.repositories.values(), key=lambda each: each.id):
        if not repository.is_gone and str(repository.id) not in hidden:
            yield repository


def _of_pulls(
    store: GitHubStore, rows: Callable[[Repository, PullRecord], Iterable[Row]]
) -> Iterator[Row]:
    for repository in _seen(store):
        for record in repository.records():
            yield from rows(repository, record)


def _parts(
    store: GitHubStore, rows: Callable[[Repository, PullRecord], Iterable[Row]]
) -> Iterator[Row]:
    """Yield also what belongs to no pull request."""
    for repository in _seen(store):
        yield from rows(repository, repository.record(OF_REPOSITORY))
        for record in repository.records():
            yield from rows(repository, record)


def _repositories(store: GitHubStore) -> Iterator[Row]:
    for repository in _seen(store):
        entity = repository.entity
        yield {
            "source_id": str(repository.id),
            "full_name": repository.full_name,
            "default_branch": entity.get("default_branch"),
            "is_private": entity.get("private"),
            "is_archived": entity.get("archived"),
            "is_fork": entity.get("fork"),
            "created_at": entity.get("created_at"),
            "updated_at": entity.get("updated_at"),
            "pushed_at": entity.get("pushed_at"),
        }


def _login(entity: Entity, name: str) -> str | None:
    return (entity.get(name) or {}).get("login")


def _state(record: PullRecord) -> str:
    return "merged" if record.state == MERGED else "open" if record.state == OPEN else "closed"


def _pull_request(repository: Repository, record: PullRecord) -> Iterator[Row]:
    pull, size = record.pull, record.size
    head, base = pull.get("head") or {}, pull.get("base") or {}
    yield {
        "repository": repository.full_name,
        "number": record.number,
        "source_id": str(record.id),
        "title": _clean(pull["title"]),
        "body": _clean(pull.get("body")),
        "state": _state(record),
        "is_draft": bool(pull.get("draft")),
        "author_login": _login(pull, "user"),
        "created_at": pull["created_at"],
        "updated_at": pull["updated_at"],
        "closed_at": pull.get("closed_at"),
        "merged_at": pull.get("merged_at"),
        "head_ref": head.get("ref"),
        "head_sha": head.get("sha"),
        "base_ref": base.get("ref"),
        "base_sha": base.get("sha"),
        "merge_commit_sha": pull.get("merge_commit_sha"),
        "additions": size.additions if size else None,
        "deletions": size.deletions if size else None,
        "changed_files": size.changed_files if size else None,
        "labels": [each["name"] for each in pull.get("labels") or ()],
    }


def _clean(text: str | None) -> str | None:
    """Return a text without NUL, which no table keeps."""
    return None if text is None else text.replace("\x00", "")


def _commits(repository: Repository, record: PullRecord) -> Iterator[Row]:
    for each in record.commits:
        git = each["commit"]
        author, committer = git.get("author") or {}, git.get("committer") or {}
        yield {
            "repository": repository.full_name,
            "pull_request_number": record.number,
            "sha": each["sha"],
            "message": _clean(git.get("message")),
            "author_name": author.get("name"),
            "author_email": author.get("email"),
            "authored_at": author.get("date"),
            "committer_name": committer.get("name"),
            "committer_email": committer.get("email"),
            "committed_at": committer.get("date"),
        }


def _reviews(repository: Repository, record: PullRecord) -> Iterator[Row]:
    for each in record.reviews:
        yield {
            "repository": repository.full_name,
            "pull_request_number": record.number,
            "source_id": str(each["id"]),
            "author_login": _login(each, "user"),
            "state": each["state"].upper(),
            "body": _clean(each.get("body")),
            "submitted_at": each.get("submitted_at"),
            "commit_sha": each.get("commit_id"),
        }


def _comments(repository: Repository, record: PullRecord) -> Iterator[Row]:
    for kind, comments in (("issue", record.issue_comments), ("review", record.review_comments)):
        for each in comments:
            yield {
                "repository": repository.full_name,
                "pull_request_number": record.number,
                "source_id": str(each["id"]),
                "kind": kind,
                "author_login": _login(each, "user"),
                "body": _clean(each.get("body")),
                "created_at": each["created_at"],
                "path": each.get("path") if kind == "review" else None,
                "line": each.get("line") if kind == "review" else None,
            }


def _deployments(repository: Repository, record: PullRecord) -> Iterator[Row]:
    for each in record.deployments:
        yield {
            "repository": repository.full_name,
            "source_id": str(each["id"]),
            "environment": each.get("environment"),
            "ref": each.get("ref"),
            "sha": each.get("sha"),
            "task": each.get("task"),
            "state": state_of(repository, each),
            "creator_login": _login(each, "creator"),
            "created_at": each["created_at"],
            "updated_at": each["updated_at"],
        }


def _runs(repository: Repository, record: PullRecord) -> Iterator[Row]:
    for each in record.runs:
        yield {
            "repository": repository.full_name,
            "source_id": str(each["id"]),
            **{name: each.get(name) for name in _RUN_COLUMNS},
            "actor_login": _login(each, "actor"),
            "created_at": each["created_at"],
            "updated_at": each["updated_at"],
            "run_started_at": each.get("run_started_at"),
        }
