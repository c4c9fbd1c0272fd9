"""What a warehouse holds of this Jira that loaded everything the account `full` sees."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from sandbox.accounts import FULL
from sandbox.generate.site import EPIC_LINK_FIELD
from sandbox.jira.facts import Entity, instant
from sandbox.jira.setup import embedded_sprints
from sandbox.jira.store import JiraStore

Row = dict[str, Any]


def tables(store: JiraStore) -> dict[str, Iterable[Row]]:
    """Return the rows of each table, named like the columns of an export where there is one."""
    return {
        "projects": _projects(store),
        "wits": _types(store),
        "statuses": _statuses(store),
        "sprints": _sprints(store),
        "work_items": (_work_item(store, row) for row in store.live_rows(FULL)),
        "work_item_changelogs": _changes(store),
    }


def counts(store: JiraStore) -> dict[str, int]:
    """Return how many rows each table has, without computing those of the large ones."""
    rows = tables(store)
    small = {name: sum(1 for _ in rows[name]) for name in list(rows)[:4]}
    items = changes = 0
    for row in store.live_rows(FULL):
        items += 1
        changes += store.facts(row).changes
    return small | {"work_items": items, "work_item_changelogs": changes}


def gone(store: JiraStore) -> dict[str, list[Row]]:
    """Return the issues and projects that are no longer to be seen, and why; and former keys."""
    visible = store.visible_projects(FULL)
    archived = store.setup.archived
    items = [
        {
            "source_id": str(each.facts.id),
            "key": each.key,
            "reason": "deleted",
            "at": moment(each.at),
        }
        for each in store.deleted.values()
    ]
    unseen = [p for p in store.setup.projects if int(p["id"]) not in visible]
    why = {int(p["id"]): "archived" if p["id"] in archived else "hidden" for p in unseen}
    if why:
        for row in range(store.row_count):
            facts = store.facts(row)
            if facts.project in why and row not in store.deleted:
                lost = {"source_id": str(facts.id), "key": store.key(row)}
                items.append(lost | {"reason": "not_visible", "why": why[facts.project]})
    projects = [
        {"source_id": p["id"], "key": p["key"], "reason": "not_visible", "why": why[int(p["id"])]}
        for p in unseen
    ]
    moved = [
        {"source_id": source_id, "from_key": former, "to_key": key, "at": moment(at)}
        for source_id, former, key, at in store.moved
    ]
    return {"work_items": items, "projects": projects, "moved": moved}


def moment(at: int) -> str:
    """Return an instant in UTC with a Z; fractions of a second only if there are any."""
    text = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z").replace(".000Z", "Z")


def _when(text: str | None) -> str | None:
    return moment(instant(text)) if text else None


def _clean(text: str | None) -> str | None:
    """Return a text without NUL, which no warehouse keeps."""
    return None if text is None else text.replace("\x00", "")


def _account(entity: Entity | None) -> str | None:
    if not entity:
        return None
    return entity.get("accountId") or entity.get("key") or entity.get("name") or None


def _projects(store: JiraStore) -> Iterator[Row]:
    visible = store.visible_projects(FULL)
    for project in store.setup.projects:
        if int(project["id"]) in visible:
            yield {
                "source_id": project["id"],
                "key": project["key"],
                "name": project.get("name"),
                "kind": project.get("projectTypeKey"),
            }


def _is_visible(store: JiraStore, entity: Entity) -> bool:
    owner = entity.get("scope", {}).get("project", {}).get("id")
    return store.sees_project(owner, FULL)


def _types(store: JiraStore) -> Iterator[Row]:
    """Yield the listed types, and of a recording also those that only issues name."""
    kinds = {each["id"]: each for each in store.setup.types if _is_visible(store, each)}
    for each in store.setup.embedded_types:
        kinds.setdefault(each["id"], each)
    for kind in kinds.values():
        yield {
            "source_id": kind["id"],
            "name": kind["name"],
            "untranslated_name": kind.get("untranslatedName"),
            "level": kind.get("hierarchyLevel"),
            "is_subtask": kind.get("subtask"),
        }


def _statuses(store: JiraStore) -> Iterator[Row]:
    for status in store.setup.statuses:
        if _is_visible(store, status):
            yield {
                "source_id": status["id"],
                "name": status["name"],
                "category": status["statusCategory"]["key"],
                "project_source_id": status.get("scope", {}).get("project", {}).get("id"),
            }


def _sprints(store: JiraStore) -> Iterator[Row]:
    """Yield the sprints of the boards that are seen, and those that only recorded issues name."""
    visible = store.visible_projects(FULL)
    sprints: dict[str, Entity] = {}
    for board in store.setup.boards:
        if "location" not in board or board["location"]["projectId"] in visible:
            for sprint in store.setup.sprints.get(board["id"], ()):
                sprints[str(sprint["id"])] = sprint
    for sprint in store.setup.embedded_sprints:
        sprints.setdefault(str(sprint["id"]), sprint)
    for source_id, sprint in sprints.items():
        board_id = sprint.get("originBoardId", sprint.get("boardId"))
        yield {
            "source_id": source_id,
            "name": sprint.get("name"),
            "state": sprint.get("state"),
            "goal": sprint.get("goal") or None,
            "board_source_id": None if board_id is None else str(board_id),
            "started_at": _when(sprint.get("startDate")),
            "ends_at": _when(sprint.get("endDate")),
            "completed_at": _when(sprint.get("completeDate")),
        }


def _work_item(store: JiraStore, row: int) -> Row:
    issue = store.issue(row)
    fields = issue["fields"]
    parent = fields.get("parent") or fields.get("epic") or {}
    estimate = store.source.estimate_field
    return {
        "source_id": issue["id"],
        "key": issue["key"],
        "project_source_id": fields["project"]["id"],
        "project_key": fields["project"]["key"],
        "title": _clean(fields.get("summary") or ""),
        "type_source_id": fields["issuetype"]["id"],
        "source_type": fields["issuetype"]["name"],
        "status_source_id": fields["status"]["id"],
        "source_status": fields["status"]["name"],
        "created_at": _when(fields["created"]),
        "updated_at": _when(fields.get("updated")),
        "resolved_at": _when(fields.get("resolutiondate")),
        "story_points": fields.get(estimate) if estimate else None,
        "assignee_source_id": _account(fields.get("assignee")),
        "reporter_source_id": _account(fields.get("reporter")),
        "parent_key": parent.get("key") or fields.get(EPIC_LINK_FIELD),
        "labels": fields.get("labels") or [],
        "sprint_source_ids": sorted(_sprint_ids(fields), key=int),
        "due_on": fields.get("duedate"),
        "priority": (fields.get("priority") or {}).get("name"),
        "resolution": (fields.get("resolution") or {}).get("name"),
        "histories": len(issue.get("changelog", {}).get("histories", ())),
    }


def _sprint_ids(fields: Entity) -> set[str]:
    return {str(sprint["id"]) for sprint in embedded_sprints(fields)}


def _changes(store: JiraStore) -> Iterator[Row]:
    for row in store.live_rows(FULL):
        issue = store.issue(row)
        for history in reversed(issue.get("changelog", {}).get("histories", [])):
            yield from _items(issue, history)


def _items(issue: Entity, history: Entity) -> Iterator[Row]:
    for position, item in enumerate(history.get("items") or ()):
        yield {
            "work_item_source_id": issue["id"],
            "work_item_key": issue["key"],
            "source_id": history["id"],
            "position": position,
            "field": item.get("field"),
            "field_id": item.get("fieldId"),
            "from_value": _clean(item.get("from")),
            "to_value": _clean(item.get("to")),
            "from_text": _clean(item.get("fromString")),
            "to_text": _clean(item.get("toString")),
            "author_source_id": _account(history.get("author")),
            "changed_at": _when(history["created"]),
        }
