"""What search needs to know of an issue."""

from datetime import datetime
from typing import Any, NamedTuple

from sandbox.generate import moments

Entity = dict[str, Any]


class Facts(NamedTuple):
    """An issue as numbers: ids, the number in its key, times in milliseconds since 1970.

    changes: how many items its histories have in all.
    """

    id: int
    project: int
    number: int
    created: int
    updated: int
    status: int
    type: int
    changes: int


def facts_of(issue: Entity) -> Facts:
    """Return the facts of an issue with its whole changelog."""
    fields = issue["fields"]
    histories = issue["changelog"]["histories"] if "changelog" in issue else []
    return Facts(
        id=int(issue["id"]),
        project=int(fields["project"]["id"]),
        number=int(issue["key"].rpartition("-")[2]),
        created=instant(fields["created"]),
        updated=instant(fields.get("updated") or fields["created"]),
        status=int(fields["status"]["id"]),
        type=int(fields["issuetype"]["id"]),
        changes=sum(len(history.get("items") or ()) for history in histories),
    )


def instant(text: str) -> int:
    """Return the milliseconds of a time as Jira writes it; raise ValueError."""
    return moments.of(datetime.fromisoformat(text))
