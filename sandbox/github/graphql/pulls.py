"""Resolvers of pull requests and of what is in them."""

from typing import Any

from sandbox.github.commits import merge_commit
from sandbox.github.graphql.connections import Connection, connect
from sandbox.github.graphql.execute import Args, Resolver
from sandbox.github.graphql.nodes import (
    WEB,
    Context,
    Place,
    actor,
    database_id,
    embedded_repository,
    full_id,
    identity,
    member,
    of_pull,
    of_repository,
    page_of,
    typed_account,
    upper,
)
from sandbox.github.ids import node_id
from sandbox.github.records import MERGED, OPEN, Entity

_STATES = ("OPEN", "CLOSED", "MERGED")


def _by_place(
    rows: list[Entity], args: Args, place: Place, *, descending: bool = False
) -> Connection[int]:
    """Return a stretch of a list in its own order."""
    return connect(
        range(len(rows)),
        args,
        key=lambda at: (at,),
        node=lambda at: Place(place.repository, place.record, rows[at]),
        descending=descending,
    )


def _by_id(rows: list[Entity], args: Args, place: Place) -> Connection[Entity]:
    """Return a stretch of a list that is ordered by id."""
    return connect(
        rows,
        args,
        key=lambda entity: (entity["id"],),
        node=lambda entity: Place(place.repository, place.record, entity),
    )


def _state(place: Place, args: Args, context: Context) -> str:
    assert place.record is not None
    return _STATES[place.record.state]


def _side(side: str, name: str) -> Resolver:
    return lambda place, args, context: (place.entity.get(side) or {}).get(name)


def _side_repository(side: str) -> Resolver:
    return lambda place, args, context: embedded_repository(
        (place.entity.get(side) or {}).get("repo"), context
    )


def _head_owner(place: Place, args: Args, context: Context) -> Any:
    repo = (place.entity.get("head") or {}).get("repo") or {}
    return typed_account(repo.get("owner"))


def _is_cross(place: Place, args: Args, context: Context) -> bool:
    head = (place.entity.get("head") or {}).get("repo") or {}
    base = (place.entity.get("base") or {}).get("repo") or {}
    return bool(head.get("id") != base.get("id"))


def _merge(*, merged: bool) -> Resolver:
    def resolve(place: Place, args: Args, context: Context) -> Place | None:
        assert place.record is not None
        if (place.record.state == MERGED) != merged:
            return None
        commit = merge_commit(place.record)
        return None if commit is None else Place(place.repository, place.record, commit)

    return resolve


def _size(part: int) -> Resolver:
    def resolve(place: Place, args: Args, context: Context) -> int | None:
        assert place.record is not None
        return None if place.record.size is None else place.record.size[part]

    return resolve


def _labels(place: Place, args: Args, context: Context) -> Connection[int]:
    return _by_place(place.entity.get("labels") or [], args, place)


def _commits(place: Place, args: Args, context: Context) -> Connection[int]:
    assert place.record is not None
    return _by_place(place.record.commits, args, place)


def _reviews(place: Place, args: Args, context: Context) -> Connection[Entity]:
    assert place.record is not None
    rows, states, author = place.record.reviews, args.get("states"), args.get("author")
    if states is not None:
        rows = [each for each in rows if each["state"].upper() in states]
    if author is not None:
        rows = [each for each in rows if (each.get("user") or {}).get("login") == author]
    return _by_id(rows, args, place)


def _comments(place: Place, args: Args, context: Context) -> Connection[Any]:
    assert place.record is not None
    rows = place.record.issue_comments
    if (order := args.get("orderBy")) is None:
        return _by_id(rows, args, place)
    rows = sorted(rows, key=lambda each: (each["updated_at"], each["id"]))
    return _by_place(rows, args, place, descending=order["direction"] == "DESC")


def _threads(place: Place, args: Args, context: Context) -> Connection[int]:
    """Resolve threads: each is a comment with the answers to it."""
    assert place.record is not None
    threads: dict[int, Entity] = {}
    for comment in place.record.review_comments:
        root = comment.get("in_reply_to_id") or comment["id"]
        threads.setdefault(root, {"id": root, "comments": []})["comments"].append(comment)
    return _by_place([threads[root] for root in sorted(threads)], args, place)


def thread_of(place: Place, root: int) -> Place:
    """Return the thread that begins with the comment of an id; empty if there is none."""
    assert place.record is not None
    comments = [
        each
        for each in place.record.review_comments
        if (each.get("in_reply_to_id") or each["id"]) == root
    ]
    return Place(place.repository, place.record, {"id": root, "comments": comments})


def _review_comments(place: Place, args: Args, context: Context) -> Connection[Entity]:
    assert place.record is not None
    review = place.entity["id"]
    comments = place.record.review_comments
    mine = [each for each in comments if each.get("pull_request_review_id") == review]
    return _by_id(mine, args, place)


def _review_of(place: Place, args: Args, context: Context) -> Place | None:
    """Resolve the review of a comment, which a recording may name without having it."""
    assert place.record is not None
    review_id = place.entity.get("pull_request_review_id")
    if review_id is None:
        return None
    known = (each for each in place.record.reviews if each["id"] == review_id)
    return Place(place.repository, place.record, next(known, {"id": review_id}))


def _commit_of(name: str) -> Resolver:
    def resolve(place: Place, args: Args, context: Context) -> Place | None:
        sha = place.entity.get(name)
        return None if not sha else Place(place.repository, place.record, bare_commit(sha))

    return resolve


def bare_commit(sha: str) -> Entity:
    """Return a commit of which no more is known than its hash."""
    return {"sha": sha, "commit": {}, "parents": []}


def _anchored(anchor: str) -> Resolver:
    return lambda place, args, context: f"{page_of(place)}#{anchor}{place.entity['id']}"


def _pull_comment_count(place: Place, args: Args, context: Context) -> int:
    assert place.record is not None
    return len(place.record.issue_comments) + len(place.record.review_comments)


PULL_REQUEST: dict[str, Resolver] = {
    "id": lambda p, args, context: node_id("PR", p.repository.id, p.record.number),
    "databaseId": database_id,
    "fullDatabaseId": full_id,
    "number": member("number"),
    "title": member("title"),
    "body": member("body"),
    "bodyText": member("body"),
    "state": _state,
    "isDraft": lambda place, args, context: bool(place.entity.get("draft")),
    "locked": lambda place, args, context: bool(place.entity.get("locked")),
    "url": lambda place, args, context: page_of(place),
    "resourcePath": lambda place, args, context: page_of(place)[len(WEB) :],
    "createdAt": member("created_at"),
    "updatedAt": member("updated_at"),
    "lastEditedAt": lambda place, args, context: None,
    "publishedAt": member("created_at"),
    "closed": lambda place, args, context: place.record.state != OPEN,
    "closedAt": member("closed_at"),
    "merged": lambda place, args, context: place.record.state == MERGED,
    "mergedAt": member("merged_at"),
    "mergedBy": actor("merged_by"),
    "author": actor("user"),
    "authorAssociation": upper("author_association"),
    "headRefName": _side("head", "ref"),
    "headRefOid": _side("head", "sha"),
    "headRepository": _side_repository("head"),
    "headRepositoryOwner": _head_owner,
    "isCrossRepository": _is_cross,
    "baseRefName": _side("base", "ref"),
    "baseRefOid": _side("base", "sha"),
    "baseRepository": _side_repository("base"),
    "repository": of_repository,
    "mergeCommit": _merge(merged=True),
    "potentialMergeCommit": _merge(merged=False),
    "reviewDecision": lambda place, args, context: None,
    "labels": _labels,
    "additions": _size(0),
    "deletions": _size(1),
    "changedFiles": _size(2),
    "totalCommentsCount": _pull_comment_count,
    "commits": _commits,
    "reviews": _reviews,
    "comments": _comments,
    "reviewThreads": _threads,
}

PULL_REQUEST_COMMIT: dict[str, Resolver] = {
    "id": identity("PRC", "sha"),
    "commit": lambda place, args, context: place,
    "pullRequest": of_pull,
    "url": lambda p, args, context: f"{page_of(p)}/commits/{p.entity['sha']}",
    "resourcePath": lambda p, args, c: f"{page_of(p)}/commits/{p.entity['sha']}"[len(WEB) :],
}

REVIEW: dict[str, Resolver] = {
    "id": identity("PRR"),
    "databaseId": database_id,
    "fullDatabaseId": full_id,
    "author": actor("user"),
    "authorAssociation": upper("author_association"),
    "body": member("body"),
    "state": upper("state"),
    "createdAt": member("submitted_at"),
    "updatedAt": member("submitted_at"),
    "submittedAt": member("submitted_at"),
    "commit": _commit_of("commit_id"),
    "url": _anchored("pullrequestreview-"),
    "pullRequest": of_pull,
    "repository": of_repository,
    "comments": _review_comments,
}

_COMMENT: dict[str, Resolver] = {
    "databaseId": database_id,
    "fullDatabaseId": full_id,
    "author": actor("user"),
    "authorAssociation": upper("author_association"),
    "body": member("body"),
    "createdAt": member("created_at"),
    "updatedAt": member("updated_at"),
    "pullRequest": of_pull,
    "repository": of_repository,
}

REVIEW_COMMENT: dict[str, Resolver] = {
    **_COMMENT,
    "id": identity("PRRC"),
    "diffHunk": member("diff_hunk"),
    "path": member("path"),
    "line": member("line"),
    "originalLine": member("original_line"),
    "startLine": member("start_line"),
    "commit": _commit_of("commit_id"),
    "originalCommit": _commit_of("original_commit_id"),
    "outdated": lambda place, args, context: place.entity.get("line") is None,
    "url": _anchored("discussion_r"),
    "pullRequestReview": _review_of,
}

THREAD: dict[str, Resolver] = {
    "id": identity("PRRT"),
    "isResolved": lambda place, args, context: False,
    "isOutdated": lambda p, args, context: p.entity["comments"][0].get("line") is None,
    "path": lambda place, args, context: place.entity["comments"][0].get("path"),
    "line": lambda place, args, context: place.entity["comments"][0].get("line"),
    "pullRequest": of_pull,
    "repository": of_repository,
    "comments": lambda place, args, context: _by_id(place.entity["comments"], args, place),
}

ISSUE_COMMENT: dict[str, Resolver] = {
    **_COMMENT,
    "id": identity("IC"),
    "url": _anchored("issuecomment-"),
}
