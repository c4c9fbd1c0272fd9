"""Where in a record the values of a loaded row stand."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from integrations.contract import EMBEDDED, LISTED
from integrations.contract.origins import Origins, Places

from .settings import JiraSettings
from .sprints import is_sprint_value

_ITEM: Final[dict[str, Places]] = {
    "source_id": ("id",),
    "key": ("key",),
    "project_source_id": ("fields.project.id",),
    "project_key": ("fields.project.key",),
    "type_source_id": ("fields.issuetype.id",),
    "source_type": ("fields.issuetype.name",),
    "status_source_id": ("fields.status.id",),
    "source_status": ("fields.status.name",),
    "title": ("fields.summary",),
    "description": ("fields.description",),
    "priority": ("fields.priority.name", "fields.priority"),
    "resolution": ("fields.resolution.name", "fields.resolution"),
    "labels": ("fields.labels",),
    "due_on": ("fields.duedate",),
    "created_at": ("fields.created",),
    "updated_at": ("fields.updated",),
    "resolved_at": ("fields.resolutiondate",),
    "history_complete": ("changelog.total", "changelog.isLast", "changelog.maxResults"),
    "history_total": ("changelog.total",),
}
_PEOPLE: Final = ("assignee", "reporter", "creator")
_PERSON_IDS: Final = ("accountId", "key", "name")
_CHANGE: Final = {
    "source_id": "id",
    "changed_at": "created",
    "field": "items[{position}].field",
    "field_id": "items[{position}].fieldId",
    "from_value": "items[{position}].from",
    "from_text": "items[{position}].fromString",
    "to_value": "items[{position}].to",
    "to_text": "items[{position}].toString",
}
_HISTORIES: Final = ("changelog.histories", "changeHistories")
_STATUS: Final = {
    "source_id": ("id",),
    "name": ("name",),
    "untranslated_name": ("untranslatedName",),
    "category": ("statusCategory.key", "statusCategory"),
    "project_source_id": ("scope.project.id",),
}
_TYPE: Final = {
    "source_id": ("id",),
    "name": ("name",),
    "untranslated_name": ("untranslatedName",),
    "level": ("hierarchyLevel",),
    "is_subtask": ("subtask",),
}
_PROJECT: Final = {
    "source_id": ("id",),
    "key": ("key",),
    "name": ("name",),
    "kind": ("projectTypeKey",),
}


def origins(table: str, row: Mapping[str, Any], settings: JiraSettings) -> Origins:
    """See `DeclaresOrigins.origins`."""
    declared = _TABLES.get(table)
    return declared(row, settings) if declared else {}


def _work_item(row: Mapping[str, Any], settings: JiraSettings) -> Origins:
    places = dict(_ITEM)
    for person in _PEOPLE:
        whole = f"fields.{person}"
        ids = (f"{whole}.{name}" for name in _PERSON_IDS)
        places[f"{person}_source_id"] = (*ids, whole)
    link = (f"fields.{settings.epic_link_field}",) if settings.epic_link_field else ()
    places["parent_source_id"] = ("fields.parent.id", "fields.epic.id")
    places["parent_key"] = ("fields.parent.key", "fields.epic.key", *link)
    if settings.story_points_field:
        places["story_points"] = (f"fields.{settings.story_points_field}",)
    custom = row.get("custom_fields") or {}
    named = (settings.sprint_field,) if settings.sprint_field else ()
    recognised = (name for name, value in custom.items() if is_sprint_value(value))
    fields = named or tuple(recognised)
    sprints = (*(f"fields.{name}" for name in fields), "fields.sprint", "fields.closedSprints")
    places["sprint_source_ids"] = sprints
    return places | {f"custom_fields.{name}": (f"fields.{name}",) for name in custom}


def _change(row: Mapping[str, Any], settings: JiraSettings) -> Origins:
    at = [f"{histories}[id={row['source_id']}]" for histories in _HISTORIES]
    places: dict[str, Places] = {
        column: tuple(f"{history}.{path.format(position=row['position'])}" for history in at)
        for column, path in _CHANGE.items()
    }
    authors = [f"{history}.author" for history in at]
    ids = (f"{author}.{name}" for author in authors for name in _PERSON_IDS)
    places["author_source_id"] = (*ids, *authors)
    item = f"items[{row['position']}]"
    return places | {"change": tuple(f"{history}.{item}" for history in at)}


def _entity(
    columns: Mapping[str, Places], embedded_in: str
) -> Callable[[Mapping[str, Any], JiraSettings], Origins]:
    """Return what declares the columns of an entity that is listed, or embedded in an item."""

    def declared(row: Mapping[str, Any], settings: JiraSettings) -> Origins:
        if row["authority"] == LISTED:
            return columns
        if row["authority"] != EMBEDDED:
            return {}  # only a history names it
        return {
            column: tuple(f"{embedded_in}.{path}" for path in paths)
            for column, paths in columns.items()
        }

    return declared


_TABLES: Final[dict[str, Callable[[Mapping[str, Any], JiraSettings], Origins]]] = {
    "work_items": _work_item,
    "work_item_changelogs": _change,
    "statuses": _entity(_STATUS, "fields.status"),
    "wits": _entity(_TYPE, "fields.issuetype"),
    "projects": _entity(_PROJECT, "fields.project"),
}
