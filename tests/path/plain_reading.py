"""A second reading of recordings with nothing but `json`: what a load of them must give.

It knows the API and the export's names, and shares no code with the product.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Row = dict[str, Any]


def entities(directory: Path, name: str) -> Iterator[Any]:
    """Yield the entities of a file, each id once: the one with the newest `updated`."""
    path = directory / f"{name}.jsonl"
    for line in path.read_text().splitlines() if path.exists() else ():
        yield json.loads(line)


def when(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value).astimezone(UTC) if value else None


def clean(value: str | None) -> str | None:
    return value.replace("\0", "") if value is not None else None


def account(user: Row | None) -> str | None:
    return (user or {}).get("accountId") or None


def newest(rows: list[Row], key: Callable[[Row], Any]) -> list[Row]:
    """Keep of each key the row with the newest `updated_at`."""
    best: dict[Any, Row] = {}
    for row in rows:
        known = best.get(key(row))
        if known is None or known["updated_at"] < row["updated_at"]:
            best[key(row)] = row
    return list(best.values())


def work_items(directory: Path, points: str) -> list[Row]:
    rows = [_work_item(issue, points) for issue in entities(directory / "jira", "issues")]
    return newest(rows, lambda row: row["source_id"])


def _work_item(issue: Row, points: str) -> Row:
    fields = issue["fields"]
    sprints = [*(fields.get("closedSprints") or []), *(fields.get("customfield_10020") or [])]
    sprints += [fields["sprint"]] if fields.get("sprint") else []
    value = fields.get(points)
    parent = fields.get("parent") or fields.get("epic") or {}
    return {
        "integration": "jira",
        "key": issue["key"],
        "source_id": issue["id"],
        "project_key": fields["project"]["key"],
        "title": clean(fields["summary"]),
        "source_type": fields["issuetype"]["name"],
        "source_status": fields["status"]["name"],
        "created_at": when(fields["created"]),
        "updated_at": when(fields["updated"]),
        "resolved_at": when(fields.get("resolutiondate")),
        "story_points": None if value is None else float(value),
        "assignee_source_id": account(fields.get("assignee")),
        "reporter_source_id": account(fields.get("reporter")),
        "parent_key": parent.get("key"),
        "labels": fields.get("labels") or [],
        "sprint_source_ids": [str(i) for i in sorted({int(s["id"]) for s in sprints})],
        "due_on": date.fromisoformat(fields["duedate"]) if fields.get("duedate") else None,
        "priority": (fields.get("priority") or {}).get("name"),
        "resolution": (fields.get("resolution") or {}).get("name"),
    }


def changelogs(directory: Path) -> list[Row]:
    newest_version: dict[str, Row] = {}
    for issue in entities(directory / "jira", "issues"):
        known = newest_version.get(issue["id"])
        if known is None or when(known["fields"]["updated"]) < when(issue["fields"]["updated"]):  # type: ignore[operator]
            newest_version[issue["id"]] = issue
    return [
        {
            "integration": "jira",
            "work_item_source_id": issue["id"],
            "work_item_key": issue["key"],
            "source_id": history["id"],
            "position": position,
            "field": item.get("field"),
            "field_id": item.get("fieldId"),
            "from_value": clean(item.get("from")),
            "to_value": clean(item.get("to")),
            "from_text": clean(item.get("fromString")),
            "to_text": clean(item.get("toString")),
            "author_source_id": account(history.get("author")),
            "changed_at": when(history["created"]),
        }
        for issue in newest_version.values()
        for history in issue["changelog"]["histories"]
        for position, item in enumerate(history["items"])
    ]


def repository_of(url: str) -> str:
    parts = urlsplit(url).path.split("/")
    at = parts.index("repos")
    return "/".join(parts[at + 1 : at + 3])


def login(user: Row | None) -> str | None:
    return (user or {}).get("login")


def pull_requests(directory: Path) -> list[Row]:
    rows = [_pull_request(pull) for pull in entities(directory / "github", "pulls")]
    return newest(rows, lambda row: row["source_id"])


def _pull_request(pull: Row) -> Row:
    return {
        "integration": "github",
        "repository": repository_of(pull["url"]),
        "number": pull["number"],
        "source_id": str(pull["id"]),
        "title": clean(pull["title"]),
        "body": clean(pull.get("body")),
        "state": "merged" if pull.get("merged_at") else pull["state"],
        "is_draft": bool(pull.get("draft")),
        "author_login": login(pull.get("user")),
        "created_at": when(pull["created_at"]),
        "updated_at": when(pull["updated_at"]),
        "closed_at": when(pull.get("closed_at")),
        "merged_at": when(pull.get("merged_at")),
        "head_ref": pull["head"]["ref"],
        "head_sha": pull["head"]["sha"],
        "base_ref": pull["base"]["ref"],
        "base_sha": pull["base"]["sha"],
        "merge_commit_sha": pull.get("merge_commit_sha"),
        "labels": [label["name"] for label in pull["labels"]],
    }


def commits(directory: Path) -> list[Row]:
    found = {}
    for line in entities(directory / "github", "pull_commits"):
        body, commit = line["body"], line["body"]["commit"]
        author, committer = commit.get("author") or {}, commit.get("committer") or {}
        row = {
            "integration": "github",
            "repository": repository_of(body["url"]),
            "pull_request_number": line["pull_number"],
            "sha": body["sha"],
            "message": clean(commit["message"]),
            "author_name": author.get("name"),
            "author_email": author.get("email"),
            "authored_at": when(author.get("date")),
            "committer_name": committer.get("name"),
            "committer_email": committer.get("email"),
            "committed_at": when(committer.get("date")),
        }
        found[row["repository"], row["pull_request_number"], row["sha"]] = row
    return list(found.values())


def reviews(directory: Path) -> list[Row]:
    found = {}
    for line in entities(directory / "github", "reviews"):
        body = line["body"]
        found[body["id"]] = {
            "integration": "github",
            "repository": repository_of(body["pull_request_url"]),
            "pull_request_number": line["pull_number"],
            "source_id": str(body["id"]),
            "author_login": login(body.get("user")),
            "state": body["state"],
            "body": clean(body.get("body")),
            "submitted_at": when(body.get("submitted_at")),
            "commit_sha": body.get("commit_id"),
        }
    return list(found.values())


def comments(directory: Path) -> list[Row]:
    found = {}
    pulls = {(row["repository"], row["number"]) for row in pull_requests(directory)}
    for kind, name, parent in (
        ("issue", "issue_comments", "issue_url"),
        ("review", "review_comments", "pull_request_url"),
    ):
        for body in entities(directory / "github", name):
            place = repository_of(body[parent]), int(body[parent].rsplit("/", 1)[1])
            is_certain = kind == "review" or "/pull/" in body["html_url"]
            if not is_certain and place not in pulls:
                continue
            found[kind, body["id"]] = {
                "integration": "github",
                "repository": place[0],
                "pull_request_number": place[1],
                "source_id": str(body["id"]),
                "kind": kind,
                "author_login": login(body.get("user")),
                "body": clean(body.get("body")),
                "created_at": when(body.get("created_at")),
                "path": body.get("path"),
            }
    return list(found.values())
