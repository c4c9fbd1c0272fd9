"""Entities of the API as tests change them, and the short way from one to its drafts."""

import json
from typing import Any, TypeVar

import msgspec

from integrations.contract import Draft, Normalized, Record
from integrations.providers.github.connector import connector
from integrations.providers.github.settings import GitHubSettings

D = TypeVar("D", bound=Draft)

USER = {"login": "alice", "id": 11, "type": "User"}
BOT = {"login": "ci[bot]", "id": 12, "type": "Bot"}
API = "https://api.github.com/repos/acme/ants"
WEB = "https://github.com/acme/ants"

REPOSITORY: dict[str, Any] = {
    "id": 5,
    "full_name": "acme/ants",
    "default_branch": "main",
    "private": True,
    "archived": False,
    "fork": False,
    "created_at": "2020-01-01T00:00:00Z",
    "updated_at": "2024-01-01T00:00:00Z",
    "pushed_at": "2024-01-02T00:00:00Z",
}
PULL: dict[str, Any] = {
    "url": f"{API}/pulls/7",
    "id": 70,
    "number": 7,
    "state": "closed",
    "title": "Dig a tunnel",
    "body": "It is dark.",
    "draft": False,
    "user": USER,
    "created_at": "2024-05-01T10:00:00Z",
    "updated_at": "2024-05-03T10:00:00Z",
    "closed_at": "2024-05-02T10:00:00Z",
    "merged_at": "2024-05-02T10:00:00Z",
    "merge_commit_sha": "d" * 40,
    "head": {"ref": "dig", "sha": "a" * 40, "repo": {"id": 6, "full_name": "alice/ants"}},
    "base": {"ref": "main", "sha": "b" * 40, "repo": REPOSITORY},
    "labels": [{"id": 2, "name": "zeal"}, {"id": 1, "name": "art"}],
}
COMMIT: dict[str, Any] = {
    "sha": "a" * 40,
    "url": f"{API}/commits/{'a' * 40}",
    "commit": {
        "message": "Dig",
        "author": {"name": "Alice", "email": "a@example.com", "date": "2024-05-01T12:00:00+02:00"},
        "committer": {"name": "Hub", "email": "h@example.com", "date": "2024-05-01T10:30:00Z"},
    },
    "author": USER,
    "committer": BOT,
    "parents": [{"sha": "b" * 40}, {"sha": "c" * 40}],
}
REVIEW: dict[str, Any] = {
    "id": 700,
    "user": USER,
    "body": "",
    "state": "CHANGES_REQUESTED",
    "submitted_at": "2024-05-01T11:00:00Z",
    "commit_id": "a" * 40,
    "pull_request_url": f"{API}/pulls/7",
}
REVIEW_COMMENT: dict[str, Any] = {
    "id": 7000,
    "user": BOT,
    "body": "Too deep",
    "created_at": "2024-05-01T11:00:00Z",
    "updated_at": "2024-05-01T11:30:00Z",
    "path": "tunnel.go",
    "line": 3,
    "pull_request_review_id": 700,
    "pull_request_url": f"{API}/pulls/7",
    "html_url": f"{WEB}/pull/7#discussion_r7000",
}
ISSUE_COMMENT: dict[str, Any] = {
    "id": 7000,
    "user": USER,
    "body": "Nice",
    "created_at": "2024-05-01T11:00:00Z",
    "updated_at": "2024-05-01T11:00:00Z",
    "issue_url": f"{API}/issues/7",
    "html_url": f"{WEB}/pull/7#issuecomment-7000",
}
DEPLOYMENT: dict[str, Any] = {
    "id": 9,
    "sha": "a" * 40,
    "ref": "main",
    "task": "deploy",
    "environment": "production",
    "creator": BOT,
    "created_at": "2024-05-02T10:00:00Z",
    "updated_at": "2024-05-02T10:05:00Z",
    "repository_url": API,
}
WORKFLOW_RUN: dict[str, Any] = {
    "id": 30,
    "name": "CI",
    "event": "push",
    "status": "completed",
    "conclusion": "failure",
    "run_number": 4,
    "run_attempt": 2,
    "head_branch": "dig",
    "head_sha": "a" * 40,
    "actor": USER,
    "created_at": "2024-05-02T10:00:00Z",
    "updated_at": "2024-05-02T10:05:00Z",
    "run_started_at": "2024-05-02T10:04:00Z",
    "url": f"{API}/actions/runs/30",
}
ENTITIES: dict[str, dict[str, Any]] = {
    "repositories": REPOSITORY,
    "pulls": PULL,
    "pull_commits": {"pull_number": 7, "body": COMMIT},
    "reviews": {"pull_number": 7, "body": REVIEW},
    "review_comments": REVIEW_COMMENT,
    "issue_comments": ISSUE_COMMENT,
    "deployments": DEPLOYMENT,
    "workflow_runs": WORKFLOW_RUN,
}


def encoded(entity: Any) -> bytes:
    """Return an entity as the API sends it."""
    return json.dumps(entity).encode()


def normalized(stream: str, entity: Any) -> Normalized:
    """Return what an entity, or its bytes, becomes as record 3 of a page."""
    body = entity if isinstance(entity, bytes) else encoded(entity)
    return connector.normalize(stream, Record(3, body), GitHubSettings())


def drafts(kind: type[D], stream: str, entity: Any) -> list[D]:
    """Return the drafts of a kind that an entity becomes, none of which has a problem."""
    made = normalized(stream, entity)
    assert made.problems == []
    return [draft for draft in made.drafts if isinstance(draft, kind)]


def split(stream: str, body: Any, *, is_lines: bool = False) -> list[tuple[int, Any]]:
    """Return position and decoded value of a body's records; bytes are taken as they are."""
    raw = body if isinstance(body, bytes) else encoded(body)
    records = connector.split(stream, raw, is_lines=is_lines)
    return [(record.position, msgspec.json.decode(record.body)) for record in records]
