"""Every recorded entity is read once, with the values that plain `json` sees in it."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from integrations.contract import (
    CommentDraft,
    CommitDraft,
    MentionDraft,
    PullRequestDraft,
    RepositoryDraft,
    ReviewDraft,
)
from integrations.providers.github.connector import connector
from integrations.providers.github.settings import GitHubSettings
from integrations.providers.github.tests.samples import D

RECORDED = Path(__file__).parents[5] / "shared" / "recorded" / "github"

pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recordings beside the repository")


def recorded(stream: str) -> list[Any]:
    return [json.loads(line) for line in (RECORDED / f"{stream}.jsonl").read_text().splitlines()]


def read(kind: type[D], stream: str) -> list[D]:
    found = []
    for record in connector.split(
        stream, (RECORDED / f"{stream}.jsonl").read_bytes(), is_lines=True
    ):
        made = connector.normalize(stream, record, GitHubSettings())
        assert made.problems == []
        found += [draft for draft in made.drafts if isinstance(draft, kind)]
    return found


def at(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def login(user: Any) -> Any:
    return (user or {}).get("login")


def source_id(user: Any) -> Any:
    return str(user["id"]) if user and "id" in user else None


def test_every_repository_is_read() -> None:
    for draft, entity in zip(
        read(RepositoryDraft, "repositories"), recorded("repositories"), strict=True
    ):
        assert (draft.source_id, draft.full_name, draft.default_branch, draft.pushed_at) == (
            str(entity["id"]),
            entity["full_name"],
            entity["default_branch"],
            at(entity["pushed_at"]),
        )


def test_every_pull_request_is_read() -> None:
    for draft, entity in zip(read(PullRequestDraft, "pulls"), recorded("pulls"), strict=True):
        head, base = entity["head"], entity["base"]
        state: Any = "merged" if entity["merged_at"] else entity["state"]
        assert draft == PullRequestDraft(
            source_id=str(entity["id"]),
            repository=base["repo"]["full_name"],
            repository_source_id=str(base["repo"]["id"]),
            number=entity["number"],
            title=entity["title"],
            body=entity["body"],
            state=state,
            is_draft=entity["draft"],
            author_source_id=source_id(entity["user"]),
            author_login=login(entity["user"]),
            created_at=datetime.fromisoformat(entity["created_at"]),
            updated_at=datetime.fromisoformat(entity["updated_at"]),
            closed_at=at(entity["closed_at"]),
            merged_at=at(entity["merged_at"]),
            head_repository=head["repo"]["full_name"] if head["repo"] else None,
            head_ref=head["ref"],
            head_sha=head["sha"],
            base_ref=base["ref"],
            base_sha=base["sha"],
            merge_commit_sha=entity.get("merge_commit_sha"),
            labels=[label["name"] for label in entity["labels"]],
        )


def test_every_commit_is_read() -> None:
    for draft, line in zip(
        read(CommitDraft, "pull_commits"), recorded("pull_commits"), strict=True
    ):
        entity, git = line["body"], line["body"]["commit"]
        named = re.search(r"/repos/([^/]+/[^/]+)/commits/", entity["url"])
        assert named
        assert draft == CommitDraft(
            repository=named[1],
            pull_request_number=line["pull_number"],
            sha=entity["sha"],
            message=git["message"],
            author_login=login(entity["author"]),
            author_name=git["author"]["name"],
            author_email=git["author"]["email"],
            authored_at=at(git["author"]["date"]),
            committer_name=git["committer"]["name"],
            committer_email=git["committer"]["email"],
            committed_at=at(git["committer"]["date"]),
            parent_shas=[parent["sha"] for parent in entity["parents"]],
        )


def test_every_review_is_read() -> None:
    for draft, line in zip(read(ReviewDraft, "reviews"), recorded("reviews"), strict=True):
        entity = line["body"]
        assert entity["pull_request_url"].endswith(
            f"/{draft.repository}/pulls/{line['pull_number']}"
        )
        assert draft == ReviewDraft(
            source_id=str(entity["id"]),
            repository=draft.repository,
            pull_request_number=line["pull_number"],
            author_source_id=source_id(entity["user"]),
            author_login=login(entity["user"]),
            state=entity["state"],
            body=entity["body"],
            submitted_at=at(entity["submitted_at"]),
            commit_sha=entity["commit_id"],
        )


@pytest.mark.parametrize(
    ("stream", "kind", "address"),
    [
        ("review_comments", "review", "{url}/pulls/{number}"),
        ("issue_comments", "issue", "{url}/issues/{number}"),
    ],
)
def test_every_comment_on_a_pull_request_is_read(stream: str, kind: str, address: str) -> None:
    entities = [e for e in recorded(stream) if "/pull/" in e["html_url"]]
    for draft, entity in zip(read(CommentDraft, stream), entities, strict=True):
        review = entity.get("pull_request_review_id")
        named = entity.get("pull_request_url") or entity["issue_url"]
        place = address.format(url=f"/repos/{draft.repository}", number=draft.pull_request_number)
        assert named.endswith(place)
        assert (draft.kind, draft.source_id, draft.author_source_id, draft.author_login) == (
            kind,
            str(entity["id"]),
            source_id(entity["user"]),
            login(entity["user"]),
        )
        assert (draft.body, draft.created_at, draft.updated_at) == (
            entity["body"],
            at(entity["created_at"]),
            at(entity["updated_at"]),
        )
        assert (draft.path, draft.line) == (entity.get("path"), entity.get("line"))
        assert draft.review_source_id == (str(review) if review else None)


def test_every_word_like_a_key_in_a_title_or_message_is_a_mention() -> None:
    key = re.compile(r"(?<![A-Za-z0-9])[A-Z][A-Z0-9_]*-[1-9][0-9]*(?![A-Za-z0-9])")
    titles = {(p["number"], k) for p in recorded("pulls") for k in key.findall(p["title"])}
    messages = {
        (line["pull_number"], k)
        for line in recorded("pull_commits")
        for k in key.findall(line["body"]["commit"]["message"])
    }
    found = read(MentionDraft, "pulls") + read(MentionDraft, "pull_commits")
    for place, expected in (("title", titles), ("commit", messages)):
        assert {(m.pull_request_number, m.key) for m in found if m.place == place} == expected
