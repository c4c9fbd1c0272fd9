"""Small records of each shape, to be varied by the tests."""

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from integrations.contract import Draft, Normalized, Record

from ..connector import connector
from ..settings import JiraSettings

D = TypeVar("D", bound=Draft)


def issue(**fields: Any) -> dict[str, Any]:
    """Return an issue as Cloud v3 gives it; a field given as None is null, `...` is absent."""
    every: dict[str, Any] = {
        "summary": "Pay by card",
        "project": {"id": "10", "key": "PAY", "name": "Payments", "projectTypeKey": "software"},
        "issuetype": {"id": "1", "name": "Story", "subtask": False, "hierarchyLevel": 0},
        "status": {"id": "3", "name": "In Progress", "statusCategory": {"key": "indeterminate"}},
        "created": "2024-01-01T10:00:00.000+0800",
        "updated": "2024-03-01T10:00:00.000+0800",
    } | fields
    kept = {name: value for name, value in every.items() if value is not ...}
    return {"id": "100", "key": "PAY-1", "fields": kept}


def history(number: int, *items: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a history of February 2024, its number being its id and its day."""
    return {
        "id": str(number),
        "author": {"accountId": "ann", "displayName": "Ann"},
        "created": f"2024-02-{number:02}T10:00:00.000+0000",
        "items": list(items),
    } | members


def status_item(from_id: str, to_id: str, **members: Any) -> dict[str, Any]:
    """Return the change of a status; names are the ids with an S before them."""
    return {
        "field": "status",
        "fieldtype": "jira",
        "fieldId": "status",
        "from": from_id,
        "fromString": f"S{from_id}",
        "to": to_id,
        "toString": f"S{to_id}",
    } | members


def with_changelog(entity: dict[str, Any], *histories: Any, **members: Any) -> dict[str, Any]:
    """Return the issue with its changelog, which is complete unless members say otherwise."""
    changelog = {"startAt": 0, "maxResults": 100, "total": len(histories)} | members
    kept = {name: value for name, value in changelog.items() if value is not ...}
    return entity | {"changelog": kept | {"histories": list(histories)}}


def read(
    entity: dict[str, Any] | bytes, stream: str = "issues", position: int = 0, **settings: Any
) -> Normalized:
    """Normalize one entity."""
    body = entity if isinstance(entity, bytes) else json.dumps(entity).encode()
    return connector.normalize(stream, Record(position, body), JiraSettings(**settings))


def drafts(result: Normalized | Iterable[Draft], kind: type[D]) -> list[D]:
    """Return the drafts of one kind."""
    found = result.drafts if isinstance(result, Normalized) else result
    return [draft for draft in found if isinstance(draft, kind)]


def one(result: Normalized, kind: type[D]) -> D:
    """Return the only draft of its kind."""
    (draft,) = drafts(result, kind)
    return draft
