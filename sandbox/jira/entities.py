"""Issues as an answer gives them: the fields that were asked for, and the changelog cut short."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.jira.facts import Entity
from sandbox.jira.store import JiraStore

_SEARCH_HISTORIES = 40
_ISSUE_HISTORIES = 100
_NOT_NAVIGABLE = ("comment", "attachment", "worklog", "timetracking", "issuerestriction")
_BOARD_FIELDS = ("sprint", "closedSprints", "epic", "flagged")
_OUTSIDE = ("id", "key", "issuekey")


@dataclass(frozen=True)
class Shape:
    """What is wanted of an issue. fields: names, `*all`, `*navigable`, `-name` for without.

    histories: how many of the changelog, newest first; 0 for no changelog, None for all of it.
    """

    fields: tuple[str, ...]
    histories: int | None = 0

    @property
    def is_census(self) -> bool:
        """Whether nothing but ids and keys is wanted."""
        return all(name in _OUTSIDE for name in self.fields) and self.histories == 0

    def of(self, issue: Entity) -> Entity:
        """Return the wanted part of an issue."""
        shaped: Entity = {"id": issue["id"]}
        if tuple(self.fields) == ("id",) and self.histories == 0:
            return shaped
        shaped = {"expand": issue.get("expand", ""), **shaped}
        shaped |= {"self": issue["self"], "key": issue["key"]}
        fields = self._fields(issue["fields"])
        if fields is not None:
            shaped["fields"] = fields
        if self.histories != 0:
            shaped["changelog"] = changelog(issue, self.histories)
        return shaped

    def _fields(self, fields: Entity) -> Entity | None:
        wanted = [name for name in self.fields if name not in _OUTSIDE]
        if not wanted:
            return None
        excluded = {name[1:] for name in wanted if name.startswith("-")}
        if "*all" in wanted or all(name.startswith("-") for name in wanted):
            excluded |= set(_BOARD_FIELDS) - set(wanted)
        elif "*navigable" in wanted:
            excluded |= {*_NOT_NAVIGABLE, *_BOARD_FIELDS} - set(wanted)
        else:
            return {name: fields[name] for name in wanted if name in fields}
        return {name: value for name, value in fields.items() if name not in excluded}


def search_shape(fields: Iterable[str], expand: Iterable[str], *, is_cloud: bool) -> Shape:
    """Return the shape of a search: Cloud gives the id alone by default, and 40 histories."""
    has_changelog = "changelog" in expand
    histories: int | None = 0
    if has_changelog:
        histories = _SEARCH_HISTORIES if is_cloud else None
    return Shape(tuple(fields) or (("id",) if is_cloud else ("*navigable",)), histories)


def issue_shape(
    fields: Iterable[str], expand: Iterable[str], *, is_cloud: bool, default: str
) -> Shape:
    """Return the shape of single issues."""
    histories: int | None = 0
    if "changelog" in expand:
        histories = _ISSUE_HISTORIES if is_cloud else None
    return Shape(tuple(fields) or (default,), histories)


def changelog(issue: Entity, most: int | None) -> Entity:
    """Return the newest histories of an issue, with the number of all."""
    histories: list[Entity] = issue.get("changelog", {}).get("histories", [])
    shown = histories if most is None else histories[:most]
    size = len(histories) if most is None else most
    return {"startAt": 0, "maxResults": size, "total": len(histories), "histories": shown}


def oldest_first(issue: Entity) -> list[Entity]:
    """Return all histories of an issue, oldest first."""
    histories: list[Entity] = issue.get("changelog", {}).get("histories", [])
    return histories[::-1]


def names_and_schema(store: JiraStore, shape: Shape, expand: Iterable[str]) -> dict[str, Any]:
    """Return what `expand=names,schema` adds to a page."""
    fields = store.setup.fields
    if not any(name.startswith("*") for name in shape.fields):
        fields = [field for field in fields if field["id"] in shape.fields]
    added: dict[str, Any] = {}
    if "names" in expand:
        added["names"] = {field["id"]: field["name"] for field in fields}
    if "schema" in expand:
        added["schema"] = {each["id"]: each["schema"] for each in fields if "schema" in each}
    return added
