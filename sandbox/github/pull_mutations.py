"""Changes of pull requests.

Arguments that all know: `repository`, and `number`, or `count` for so many of them, those updated
longest ago first; they change a second after each other, or with `same_second` all at once.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sandbox.github.changes import (
    Arguments,
    Done,
    Mutation,
    made_up_sha,
    person_of,
    repository_of,
)
from sandbox.github.records import Entity, PullRecord
from sandbox.github.repository import Repository
from sandbox.github.runs import runs_of
from sandbox.github.sources import drawn_size
from sandbox.github.store import GitHubStore
from sandbox.mutations import MutationError

if TYPE_CHECKING:
    from sandbox.organisation import Organisation


def _pulls(
    organisation: "Organisation", arguments: Arguments
) -> Iterator[tuple[Repository, int, PullRecord]]:
    """Yield the pull requests that are meant, to be changed; each a second after the other."""
    repository = repository_of(organisation.github, arguments)
    number = arguments.get("number")
    if number is not None:
        position = repository.pulls.position(int(number))
        if position is None:
            raise MutationError(f"there is no pull request {number} in {repository.full_name}")
        positions = [position]
    else:
        positions = list(repository.pulls.ordered("updated"))[: int(arguments.get("count", 1))]
    if not positions:
        raise MutationError(f"there is no pull request in {repository.full_name}")
    for turn, position in enumerate(positions):
        if turn == 0 or not arguments.get("same_second"):
            organisation.clock.tick()
        yield repository, position, repository.change(position)


def _touched(
    organisation: "Organisation", repository: Repository, position: int, record: PullRecord
) -> int:
    """Note a change of a pull request; return its number."""
    record.pull["updated_at"] = organisation.github.now
    repository.changed(position)
    return record.number


def _each_pull(change: Callable[["Organisation", Arguments, PullRecord], None]) -> Mutation:
    """Return a mutation of pull requests that changes each of those that are meant."""

    def mutate(organisation: "Organisation", arguments: Arguments) -> Done:
        numbers, name = [], ""
        for repository, position, record in _pulls(organisation, arguments):
            change(organisation, arguments, record)
            numbers.append(_touched(organisation, repository, position, record))
            name = repository.full_name
        return {"repository": name, "numbers": numbers}

    return mutate


def _edit(organisation: "Organisation", arguments: Arguments, record: PullRecord) -> None:
    """Edit title, body or labels; without any, the title."""
    if not any(name in arguments for name in ("title", "body", "labels")):
        record.pull["title"] = f"{record.pull['title']} (edited)"
    for name in ("title", "body"):
        if name in arguments:
            record.pull[name] = arguments[name]
    if "labels" in arguments:
        record.pull["labels"] = [
            {"id": sum(map(ord, label)), "name": label} for label in arguments["labels"]
        ]


def _touch(organisation: "Organisation", arguments: Arguments, record: PullRecord) -> None:
    """Change nothing but when it was updated."""


def _new_commit(store: GitHubStore, record: PullRecord, parent: str, message: str) -> Entity:
    user = record.pull.get("user")
    signature = {
        "name": (user or {}).get("login") or "ghost",
        "email": "pusher@example.com",
        "date": store.now,
    }
    sha = made_up_sha(record.repository_id, "commit", store.new_id())
    return {
        "sha": sha,
        "commit": {
            "author": signature,
            "committer": signature,
            "message": message,
            "tree": {"sha": made_up_sha("tree", sha)},
            "comment_count": 0,
        },
        "author": user,
        "committer": user,
        "parents": [{"sha": parent}],
    }


def _append_commits(store: GitHubStore, record: PullRecord, arguments: Arguments) -> None:
    for number in range(int(arguments.get("commits", 1))):
        parent = record.commits[-1]["sha"] if record.commits else record.pull["base"]["sha"]
        message = arguments.get("message", f"Another step {number + 1}")
        record.commits.append(_new_commit(store, record, parent, message))
    head = record.commits[-1]["sha"]
    record.pull["head"] = {**record.pull["head"], "sha": head}
    record.size = drawn_size(store.organisation.seed, head)
    (run,) = runs_of(store.organisation.seed, record)
    run |= {
        "id": store.new_id(),
        "run_attempt": 1,
        "created_at": store.now,
        "updated_at": store.now,
    }
    record.runs.append({**run, "run_started_at": store.now})
    store.repositories[record.repository_id].entity["pushed_at"] = store.now


def _push(organisation: "Organisation", arguments: Arguments, record: PullRecord) -> None:
    """Add commits: `commits` of them."""
    _append_commits(organisation.github, record, arguments)


def _force_push(organisation: "Organisation", arguments: Arguments, record: PullRecord) -> None:
    """Replace all commits by `commits` others."""
    record.commits.clear()
    _append_commits(organisation.github, record, arguments)


def _review(organisation: "Organisation", arguments: Arguments, record: PullRecord) -> None:
    """Review it, with a comment on a line if `line` is given."""
    store = organisation.github
    review = {
        "id": store.new_id(),
        "user": person_of(arguments),
        "body": arguments.get("body", ""),
        "state": arguments.get("state", "APPROVED").upper(),
        "author_association": "MEMBER",
        "commit_id": record.pull["head"]["sha"],
        "submitted_at": store.now,
    }
    record.reviews.append(review)
    if "line" in arguments:
        record.review_comments.append(
            {
                "id": store.new_id(),
                "pull_request_review_id": review["id"],
                "user": review["user"],
                "body": arguments.get("comment", "See here."),
                "path": arguments.get("path", "src/part_1.py"),
                "line": int(arguments["line"]),
                "diff_hunk": "@@ -1 +1 @@",
                "commit_id": review["commit_id"],
                "created_at": store.now,
                "updated_at": store.now,
                "author_association": "MEMBER",
            }
        )


def _comment(organisation: "Organisation", arguments: Arguments, record: PullRecord) -> None:
    """Comment on it in its conversation."""
    store = organisation.github
    record.issue_comments.append(
        {
            "id": store.new_id(),
            "user": person_of(arguments),
            "body": arguments.get("body", "Any news?"),
            "created_at": store.now,
            "updated_at": store.now,
            "author_association": "NONE",
        }
    )


def _delete_comment(organisation: "Organisation", arguments: Arguments, record: PullRecord) -> None:
    """Delete its newest comment of the kind `kind`: issue or review."""
    kind = arguments.get("kind", "issue")
    comments = record.review_comments if kind == "review" else record.issue_comments
    if not comments:
        raise MutationError(f"pull request {record.number} has no {kind} comment")
    comments.pop()


def _close(organisation: "Organisation", arguments: Arguments, record: PullRecord) -> None:
    """Close it without merging."""
    record.pull |= {"state": "closed", "closed_at": organisation.github.now}


def _reopen(organisation: "Organisation", arguments: Arguments, record: PullRecord) -> None:
    """Open it again."""
    if record.pull.get("merged_at"):
        raise MutationError(f"pull request {record.number} is merged")
    record.pull |= {"state": "open", "closed_at": None}


def _merge(organisation: "Organisation", arguments: Arguments, record: PullRecord) -> None:
    """Merge it."""
    now = organisation.github.now
    record.pull |= {
        "state": "closed",
        "draft": False,
        "closed_at": now,
        "merged_at": now,
        "merge_commit_sha": made_up_sha(record.repository_id, record.number, "merge", now),
    }
    organisation.github.repositories[record.repository_id].entity["pushed_at"] = now


def _open(organisation: "Organisation", arguments: Arguments) -> Done:
    """Open `count` new pull requests, each with a commit."""
    store = organisation.github
    repository = repository_of(store, arguments)
    numbers = []
    for _ in range(int(arguments.get("count", 1))):
        organisation.clock.tick()
        number = repository.pulls.last_number + 1
        record = PullRecord(repository.id, _new_pull(store, repository, number, arguments))
        _append_commits(store, record, arguments)
        repository.add(record)
        numbers.append(number)
    return {"repository": repository.full_name, "numbers": numbers}


def _new_pull(
    store: GitHubStore, repository: Repository, number: int, arguments: Arguments
) -> Entity:
    branch = arguments.get("branch", f"work/new-{number}")
    repo = repository.entity
    base = made_up_sha(repository.id, "base", number)
    return {
        "id": store.new_id(),
        "number": number,
        "state": "open",
        "locked": False,
        "title": arguments.get("title", f"New work {number}"),
        "user": person_of(arguments),
        "body": arguments.get("body"),
        "created_at": store.now,
        "updated_at": store.now,
        "closed_at": None,
        "merged_at": None,
        "merge_commit_sha": None,
        "labels": [],
        "draft": bool(arguments.get("draft")),
        "head": {
            "label": f"{repository.owner}:{branch}",
            "ref": branch,
            "sha": base,
            "user": None,
            "repo": repo,
        },
        "base": {"label": f"{repository.owner}:main", "ref": "main", "sha": base, "repo": repo},
        "author_association": "CONTRIBUTOR",
    }


PULL_MUTATIONS: dict[str, Mutation] = {
    "edit": _each_pull(_edit),
    "touch": _each_pull(_touch),
    "push": _each_pull(_push),
    "force_push": _each_pull(_force_push),
    "review": _each_pull(_review),
    "comment": _each_pull(_comment),
    "delete_comment": _each_pull(_delete_comment),
    "close": _each_pull(_close),
    "reopen": _each_pull(_reopen),
    "merge": _each_pull(_merge),
    "open": _open,
}
