"""Pull requests and what is in them, as the REST API gives them."""

from typing import Any

from sandbox.github.ids import node_id
from sandbox.github.records import MERGED, OPEN, Entity, PullRecord
from sandbox.github.repository import Repository
from sandbox.github.rest.shapes import WEB, Shapes

_NO_REACTIONS = ("total_count", "+1", "-1", "laugh", "hooray", "confused", "heart", "rocket")


class _Names:
    """The addresses of a pull request."""

    def __init__(self, shapes: Shapes, repository: Repository, number: int) -> None:
        self.repository = shapes.url(repository.full_name)
        self.pull = f"{self.repository}/pulls/{number}"
        self.issue = f"{self.repository}/issues/{number}"
        self.page = f"{WEB}/{repository.full_name}/pull/{number}"


def pull_request(shapes: Shapes, repository: Repository, record: PullRecord) -> Entity:
    """Return a pull request as lists have it."""
    pull, names = record.pull, _Names(shapes, repository, record.number)
    head = pull.get("head") or {}
    links = {
        "self": names.pull,
        "html": names.page,
        "issue": names.issue,
        "comments": f"{names.issue}/comments",
        "review_comments": f"{names.pull}/comments",
        "review_comment": f"{names.repository}/pulls/comments{{/number}}",
        "commits": f"{names.pull}/commits",
        "statuses": f"{names.repository}/statuses/{head.get('sha')}",
    }
    entity = {
        **_UNSAID,
        **pull,
        "url": names.pull,
        "node_id": node_id("PR", repository.id, record.number),
        "html_url": names.page,
        "issue_url": names.issue,
        "diff_url": f"{names.page}.diff",
        "patch_url": f"{names.page}.patch",
        **{f"{name}_url": links[name] for name in _LINKED},
        "_links": {name: {"href": address} for name, address in links.items()},
        "user": shapes.account(pull.get("user")),
        "labels": [label(shapes, repository, each) for each in pull.get("labels") or ()],
        "head": _side(shapes, head, None),
        "base": _side(shapes, pull.get("base") or {}, repository),
    }
    for name in _DETAILS:
        entity.pop(name, None)
    if shapes.is_latest:
        del entity["merge_commit_sha"], entity["assignee"]
    return entity


_UNSAID: Entity = {
    "milestone": None,
    "assignee": None,
    "assignees": [],
    "requested_reviewers": [],
    "requested_teams": [],
    "author_association": "NONE",
    "auto_merge": None,
    "active_lock_reason": None,
    "locked": False,
    "draft": False,
    "merge_commit_sha": None,
}
_LINKED = ("commits", "comments", "review_comments", "review_comment", "statuses")
_DETAILS = (
    *("merged", "mergeable", "mergeable_state", "merged_by", "rebaseable", "comments"),
    *("review_comments", "maintainer_can_modify", "commits", "additions", "deletions"),
    "changed_files",
)


def pull_request_detail(shapes: Shapes, repository: Repository, record: PullRecord) -> Entity:
    """Return a pull request as asking for it alone gives it, with members that lists lack."""
    size = record.size
    is_open = record.state == OPEN
    merged_by = record.pull.get("merged_by") or record.pull.get("user")
    return {
        **pull_request(shapes, repository, record),
        "merged": record.state == MERGED,
        "mergeable": True if is_open else None,
        "rebaseable": True if is_open else None,
        "mergeable_state": "clean" if is_open else "unknown",
        "merged_by": shapes.account(merged_by) if record.state == MERGED else None,
        "comments": len(record.issue_comments),
        "review_comments": len(record.review_comments),
        "maintainer_can_modify": False,
        "commits": len(record.commits),
        "additions": size.additions if size else None,
        "deletions": size.deletions if size else None,
        "changed_files": size.changed_files if size else None,
    }


def _side(shapes: Shapes, side: Entity, repository: Repository | None) -> Entity:
    """Return head or base. repository: of a base, which is there even if the record lacks it."""
    owner = (repository.entity.get("owner") or None) if repository else None
    repo = shapes.repository(repository) if repository else None
    return {
        **side,
        "label": side.get("label"),
        "user": shapes.account(side.get("user") or owner),
        "repo": repo or shapes.embedded_repository(side.get("repo")),
    }


def label(shapes: Shapes, repository: Repository, entity: Entity) -> Entity:
    """Return a label."""
    return {
        "id": 0,
        "color": "ededed",
        "default": False,
        "description": None,
        "archived_by": None,
        **entity,
        "node_id": node_id("LA", repository.id, entity.get("id")),
        "url": f"{shapes.url(repository.full_name)}/labels/{entity['name']}",
    }


def commit(shapes: Shapes, repository: Repository, entity: Entity) -> Entity:
    """Return a commit as lists have it."""
    url, sha = shapes.url(repository.full_name), entity["sha"]
    git: dict[str, Any] = entity["commit"]
    tree = (git.get("tree") or {}).get("sha") or sha
    unsigned = {"verified": False, "reason": "unsigned", "signature": None, "payload": None}
    return {
        **entity,
        "node_id": node_id("C", repository.id, sha),
        "commit": {
            "comment_count": 0,
            "verification": {**unsigned, "verified_at": None},
            **git,
            "tree": {"sha": tree, "url": f"{url}/git/trees/{tree}"},
            "url": f"{url}/git/commits/{sha}",
        },
        "url": f"{url}/commits/{sha}",
        "html_url": f"{WEB}/{repository.full_name}/commit/{sha}",
        "comments_url": f"{url}/commits/{sha}/comments",
        "author": shapes.account(entity.get("author")),
        "committer": shapes.account(entity.get("committer")),
        "parents": [
            {
                "sha": each["sha"],
                "url": f"{url}/commits/{each['sha']}",
                "html_url": f"{WEB}/{repository.full_name}/commit/{each['sha']}",
            }
            for each in entity.get("parents") or ()
            if each
        ],
    }


def review(shapes: Shapes, repository: Repository, record: PullRecord, entity: Entity) -> Entity:
    """Return a review."""
    names = _Names(shapes, repository, record.number)
    page = f"{names.page}#pullrequestreview-{entity['id']}"
    return {
        "author_association": "NONE",
        "commit_id": None,
        **entity,
        "node_id": node_id("PRR", repository.id, record.number, entity["id"]),
        "user": shapes.account(entity.get("user")),
        "html_url": page,
        "pull_request_url": names.pull,
        "_links": {"html": {"href": page}, "pull_request": {"href": names.pull}},
    }


def review_comment(
    shapes: Shapes, repository: Repository, record: PullRecord, entity: Entity
) -> Entity:
    """Return a comment on a line."""
    names = _Names(shapes, repository, record.number)
    url = f"{names.repository}/pulls/comments/{entity['id']}"
    page = f"{names.page}#discussion_r{entity['id']}"
    links = {"self": url, "html": page, "pull_request": names.pull}
    line = entity.get("line")
    return {
        "pull_request_review_id": None,
        "diff_hunk": "",
        "path": "",
        "commit_id": "",
        "original_commit_id": entity.get("commit_id") or "",
        "position": None if line is None else 1,
        "original_position": 1,
        "start_line": None,
        "original_start_line": None,
        "start_side": None,
        "line": None,
        "original_line": 1 if line is None else line,
        "side": "RIGHT",
        "subject_type": "line",
        "author_association": "NONE",
        **entity,
        "url": url,
        "node_id": node_id("PRRC", repository.id, record.number, entity["id"]),
        "user": shapes.account(entity.get("user")),
        "html_url": page,
        "pull_request_url": names.pull,
        "_links": {name: {"href": address} for name, address in links.items()},
        "reactions": _reactions(url),
    }


def issue_comment(
    shapes: Shapes, repository: Repository, record: PullRecord, entity: Entity
) -> Entity:
    """Return a comment in the conversation."""
    names = _Names(shapes, repository, record.number)
    url = f"{names.repository}/issues/comments/{entity['id']}"
    return {
        "author_association": "NONE",
        "performed_via_github_app": None,
        **entity,
        "url": url,
        "html_url": f"{names.page}#issuecomment-{entity['id']}",
        "issue_url": names.issue,
        "node_id": node_id("IC", repository.id, record.number, entity["id"]),
        "user": shapes.account(entity.get("user")),
        "reactions": _reactions(url),
    }


def issue(shapes: Shapes, repository: Repository, record: PullRecord) -> Entity:
    """Return a pull request as the issue that it also is; its id here is another."""
    pull, names = record.pull, _Names(shapes, repository, record.number)
    entity = {
        "url": names.issue,
        "repository_url": names.repository,
        "labels_url": f"{names.issue}/labels{{/name}}",
        "comments_url": f"{names.issue}/comments",
        "events_url": f"{names.issue}/events",
        "timeline_url": f"{names.issue}/timeline",
        "html_url": names.page,
        "id": issue_id(record),
        "node_id": node_id("PR", repository.id, record.number),
        "number": record.number,
        "title": pull["title"],
        "user": shapes.account(pull.get("user")),
        "labels": [label(shapes, repository, each) for each in pull.get("labels") or ()],
        "state": pull["state"],
        "locked": False,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": len(record.issue_comments),
        "created_at": pull["created_at"],
        "updated_at": pull["updated_at"],
        "closed_at": pull.get("closed_at"),
        "author_association": pull.get("author_association") or "NONE",
        "active_lock_reason": None,
        "body": pull.get("body"),
        "reactions": _reactions(names.issue),
        "performed_via_github_app": None,
        "state_reason": None,
        "draft": bool(pull.get("draft")),
        "pull_request": _as_pull_request(names, pull.get("merged_at")),
    }
    if shapes.is_latest:
        del entity["assignee"]
    return entity


def _as_pull_request(names: _Names, merged_at: str | None) -> Entity:
    """Return the member by which an issue says that it is a pull request."""
    return {
        "url": names.pull,
        "html_url": names.page,
        "diff_url": f"{names.page}.diff",
        "patch_url": f"{names.page}.patch",
        "merged_at": merged_at,
    }


def issue_id(record: PullRecord) -> int:
    """Return the id that a pull request has among issues."""
    return record.id + 1_000_000_000


def _reactions(url: str) -> Entity:
    return {"url": f"{url}/reactions", **dict.fromkeys((*_NO_REACTIONS, "eyes"), 0)}
