"""Boards and sprints."""

from typing import Any

from sandbox.generate.site import POINTS_FIELD
from sandbox.jira.calls import ApiError, Call, names, page_of
from sandbox.jira.facts import Entity


def boards(call: Call) -> Any:
    """Answer GET board."""
    kinds = names(call.text("type") or None, "type")
    key = call.text("projectKeyOrId").upper()
    found = [
        board
        for board in _visible_boards(call)
        if (not kinds or board["type"] in kinds) and (not key or _is_of(board, key))
    ]
    return page_of(found, call, 50, 50)


def _is_of(board: Entity, id_or_key: str) -> bool:
    location = board.get("location", {})
    return id_or_key in (str(location.get("projectId")), location.get("projectKey"))


def _visible_boards(call: Call) -> list[Entity]:
    visible = call.store.visible_projects(call.account)
    return [
        board
        for board in call.store.setup.boards
        if "location" not in board or board["location"]["projectId"] in visible
    ]


def _board(call: Call) -> Entity:
    wanted = call.part["id"]
    board = next((each for each in _visible_boards(call) if str(each["id"]) == wanted), None)
    if board is None:
        text = "Board does not exist or you do not have permission to see it."
        raise ApiError(404, text)
    return board


def board(call: Call) -> Any:
    """Answer GET board/{id}."""
    return _board(call)


def configuration(call: Call) -> Any:
    """Answer GET board/{id}/configuration: a column for each status of the project's workflow."""
    found, setup = _board(call), call.store.setup
    project_id = str(found.get("location", {}).get("projectId", ""))
    statuses = [setup.status(each) for each in setup.statuses_of.get(project_id, ())]
    columns = [
        {"name": each["name"], "statuses": [{"id": each["id"], "self": each["self"]}]}
        for each in statuses
        if each
    ]
    estimate = call.store.source.estimate_field or POINTS_FIELD
    return {
        "id": found["id"],
        "self": f"{found['self']}/configuration",
        "name": found["name"],
        "type": found["type"],
        "location": _place(found, call),
        "filter": {"id": str(found["id"]), "self": f"{call.base}/rest/api/2/filter/{found['id']}"},
        "columnConfig": {"columns": columns, "constraintType": "none"},
        "estimation": {
            "type": "field",
            "field": {"fieldId": estimate, "displayName": "Story Points"},
        },
        "ranking": {"rankCustomFieldId": 10_019},
    }


def _place(found: Entity, call: Call) -> Entity:
    """Return where a board is, as its configuration says it."""
    location = found.get("location")
    if location is None:
        return {}
    source_id = str(location["projectId"])
    return {
        "type": "project",
        "key": location["projectKey"],
        "id": source_id,
        "self": f"{call.base}/rest/api/2/project/{source_id}",
        "name": location["projectName"],
    }


def sprints(call: Call) -> Any:
    """Answer GET board/{id}/sprint; a board without sprints refuses."""
    found = _board(call)
    if found["type"] != "scrum":
        raise ApiError(400, "The board does not support sprints")
    states = names(call.text("state") or None, "state")
    listed = call.store.setup.sprints.get(found["id"], [])
    page = page_of([s for s in listed if not states or s["state"] in states], call, 50, 50)
    del page["total"]  # the real list of sprints has none
    return page


def sprint(call: Call) -> Any:
    """Answer GET sprint/{id}."""
    wanted = call.part["id"]
    boards_seen = {each["id"] for each in _visible_boards(call)}
    for each in call.store.setup.all_sprints():
        if str(each["id"]) == wanted and int(each.get("originBoardId") or 0) in boards_seen:
            return each
    raise ApiError(404, "Sprint does not exist or you do not have permission to view it.")
