"""Where in a record the values of a loaded row stand: of the REST API, or a GraphQL node."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from integrations.contract.origins import Origins, Places

_PULL: Final = {
    "source_id": ("id", "fullDatabaseId", "databaseId"),
    "repository": ("base.repo.full_name", "baseRepository.nameWithOwner"),
    "number": ("number", "number"),
    "title": ("title", "title"),
    "body": ("body", "body"),
    "state": ("state", "state"),
    "is_draft": ("draft", "isDraft"),
    "author_login": ("user.login", "author.login", "author"),
    "created_at": ("created_at", "createdAt"),
    "updated_at": ("updated_at", "updatedAt"),
    "closed_at": ("closed_at", "closedAt"),
    "merged_at": ("merged_at", "mergedAt"),
    "head_repository": ("head.repo.full_name", "headRepository.nameWithOwner", "headRepository"),
    "head_ref": ("head.ref", "headRefName"),
    "head_sha": ("head.sha", "headRefOid"),
    "base_ref": ("base.ref", "baseRefName"),
    "base_sha": ("base.sha", "baseRefOid"),
    "merge_commit_sha": ("merge_commit_sha", "mergeCommit.oid", "potentialMergeCommit.oid"),
    "labels": ("labels", "labels.nodes"),
}
"""The member of the REST API, then those of a node."""

_SIZE: Final = {
    "additions": ("additions", "additions"),
    "deletions": ("deletions", "deletions"),
    "changed_files": ("changed_files", "changedFiles"),
}


def origins(table: str, row: Mapping[str, Any], settings: Any) -> Origins:
    """See `DeclaresOrigins.origins`."""
    declared = _TABLES.get(table)
    return declared(row) if declared else {}


def _either(columns: Mapping[str, Places]) -> Callable[[Mapping[str, Any]], Origins]:
    places = {
        column: (*(f"node.{path}" for path in nodes), rest)
        for column, (rest, *nodes) in columns.items()
    }
    return lambda row: places


def _review(row: Mapping[str, Any]) -> Origins:
    """A review comes in an envelope, by itself, or among those of its pull request."""
    nested = [
        f"node.reviews.nodes[{name}={row['source_id']}]"
        for name in ("fullDatabaseId", "databaseId")
    ]
    columns = {
        "state": ("state", "state"),
        "submitted_at": ("submitted_at", "submittedAt"),
        "author_login": ("user.login", "author.login"),
    }
    return {
        column: (*(f"{review}.{node}" for review in nested), f"body.{rest}", f"node.{node}", rest)
        for column, (rest, node) in columns.items()
    }


_TABLES: Final[dict[str, Callable[[Mapping[str, Any]], Origins]]] = {
    "pull_requests": _either(_PULL),
    "pull_request_sizes": _either(_SIZE),
    "reviews": _review,
}
