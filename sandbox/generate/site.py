"""What a Jira site is set up with: projects, statuses, types, fields and sprints."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sandbox.generate import moments
from sandbox.generate.styles import ProjectStyle, StatusStyle, Style

Entity = dict[str, Any]

SPRINT_FIELD = "customfield_10020"
RANK_FIELD = "customfield_10019"
EPIC_LINK_FIELD = "customfield_10014"
START_DATE_FIELD = "customfield_10015"
TEAM_POINTS_FIELD = "customfield_10016"
POINTS_FIELD = "customfield_10026"
SPRINT_MILLISECONDS = 14 * moments.DAY
_CATEGORIES = {"new": (2, "blue-gray", "To Do"), "indeterminate": (4, "yellow", "In Progress")}
_DONE = (3, "green", "Done")
_LEVELS = (1, 0, 0, 0, -1)


@dataclass(frozen=True)
class Status:
    """A status of the site. project_id: of the team-managed project that alone has it."""

    id: str
    style: StatusStyle
    project_id: str | None = None


@dataclass(frozen=True)
class ItemType:
    """A work item type of the site; level 1 is the large one, -1 the sub-task."""

    id: str
    name: str
    level: int
    project_id: str | None = None


@dataclass(frozen=True)
class Project:
    """A project with the statuses (by name) and the types (large to small) that it uses."""

    index: int
    id: str
    key: str
    name: str
    style: ProjectStyle
    types: tuple[ItemType, ...] = field(repr=False)
    statuses: dict[str, Status] = field(repr=False)

    @property
    def points_field(self) -> str:
        """The field that holds story points here: team-managed projects have another."""
        return TEAM_POINTS_FIELD if self.style.own_names else POINTS_FIELD


class Site:
    """A Jira site of a style, with as many projects as asked for and sprints in a period."""

    def __init__(self, style: Style, project_count: int, start: int, until: int) -> None:
        self.style = style
        self.project_count = project_count
        self.start = start
        self.until = until
        self.sprint_count = (until - start) // SPRINT_MILLISECONDS + 2

    @cached_property
    def shared_statuses(self) -> dict[str, Status]:
        """The statuses that all company-managed projects share, by name."""
        styles = {
            status.name: status
            for project in self.style.projects
            if not project.own_names
            for status in project.workflow.statuses
        }
        return {s.name: Status(str(10_000 + n), s) for n, s in enumerate(styles.values())}

    @cached_property
    def shared_types(self) -> tuple[ItemType, ...]:
        """The types that all company-managed projects share."""
        named = zip(self.style.types, _LEVELS, strict=True)
        return tuple(ItemType(str(10_100 + n), *pair) for n, pair in enumerate(named))

    @cached_property
    def retired_status(self) -> Status:
        """A status that histories name and the site no longer lists."""
        return Status("10999", StatusStyle(self.style.retired_status, "new"))

    @cached_property
    def projects(self) -> tuple[Project, ...]:
        """All projects; beyond those of the style they repeat its kinds under other keys."""
        return tuple(self._project(index) for index in range(self.project_count))

    def _project(self, index: int) -> Project:
        styles = self.style.projects
        style = styles[index % len(styles)]
        turn = index // len(styles)
        project_id = str(10_000 + index)
        types, statuses = self.shared_types, self.shared_statuses
        if style.own_names:
            base = 20_000 + 20 * index
            types = tuple(
                ItemType(str(base + n), t.name, t.level, project_id) for n, t in enumerate(types)
            )
            statuses = {
                s.name: Status(str(base + n), s, project_id)
                for n, s in enumerate(style.workflow.statuses)
            }
        key = style.key + (_letters(turn) if turn else "")
        name = f"{style.name} {turn + 1}" if turn else style.name
        return Project(index, project_id, key, name, style, types, statuses)

    def status(self, status: Status) -> Entity:
        """Return a status as other entities embed it."""
        number, color, name = _CATEGORIES.get(status.style.category, _DONE)
        api = f"{self.style.site}/rest/api/2"
        return {
            "self": f"{api}/status/{status.id}",
            "description": "",
            "iconUrl": f"{self.style.site}/",
            "name": status.style.name,
            "id": status.id,
            "statusCategory": {
                "self": f"{api}/statuscategory/{number}",
                "id": number,
                "key": status.style.category,
                "colorName": color,
                "name": name,
            },
        }

    def item_type(self, kind: ItemType) -> Entity:
        """Return a type as other entities embed it."""
        return {
            "self": f"{self.style.site}/rest/api/2/issuetype/{kind.id}",
            "id": kind.id,
            "description": "",
            "iconUrl": f"{self.style.site}/images/{kind.id}.svg",
            "name": kind.name,
            "subtask": kind.level < 0,
            "avatarId": 10_300,
            "hierarchyLevel": kind.level,
        }

    def listed_statuses(self) -> Iterator[Entity]:
        """Yield the lines of the status list."""
        own = (s for p in self.projects if p.style.own_names for s in p.statuses.values())
        for status in (*self.shared_statuses.values(), *own):
            entity = self.status(status) | {"untranslatedName": status.style.name}
            yield entity | _scope(status.project_id)

    def listed_types(self) -> Iterator[Entity]:
        """Yield the lines of the list of types."""
        own = (t for p in self.projects if p.style.own_names for t in p.types)
        for kind in (*self.shared_types, *own):
            yield self.item_type(kind) | {"untranslatedName": kind.name} | _scope(kind.project_id)

    def listed_projects(self) -> Iterator[Entity]:
        """Yield the lines of the list of projects."""
        for project in self.projects:
            own = project.style.own_names
            yield {
                "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
                "self": f"{self.style.site}/rest/api/2/project/{project.id}",
                "id": project.id,
                "key": project.key,
                "name": project.name,
                "avatarUrls": {},
                "projectTypeKey": "software",
                "simplified": own,
                "style": "next-gen" if own else "classic",
                "isPrivate": False,
                "properties": {},
            }

    def listed_fields(self) -> Iterator[Entity]:
        """Yield the lines of the list of fields."""
        for name, kind in (("summary", "string"), ("status", "status"), ("duedate", "date")):
            yield _field(name, name.capitalize(), {"type": kind, "system": name})
        jira = "com.pyxis.greenhopper.jira"
        basic = "com.atlassian.jira.plugin.system.customfieldtypes"
        for name, label, kind, schema in (
            (EPIC_LINK_FIELD, "Epic Link", "any", f"{jira}:gh-epic-link"),
            (START_DATE_FIELD, "Start date", "date", f"{basic}:datepicker"),
            (TEAM_POINTS_FIELD, "Story point estimate", "number", f"{jira}:jsw-story-points"),
            (RANK_FIELD, "Rank", "any", f"{jira}:gh-lexo-rank"),
            (SPRINT_FIELD, "Sprint", "array", f"{jira}:gh-sprint"),
            (POINTS_FIELD, "Story Points", "number", f"{basic}:float"),
        ):
            described = {"type": kind, "custom": schema, "customId": int(name.split("_")[1])}
            yield _field(name, label, described)

    def sprint_number(self, at: int) -> int:
        """Return the number of the sprint that runs at an instant, the same for all projects."""
        return max(0, (at - self.start) // SPRINT_MILLISECONDS)

    def sprint(self, project: Project, number: int) -> Entity:
        """Return a sprint of a project's board as the agile API has it."""
        starts = self.start + number * SPRINT_MILLISECONDS
        ends = starts + SPRINT_MILLISECONDS
        sprint_id = 1 + project.index * self.sprint_count + number
        state = "closed" if ends <= self.until else "active" if starts <= self.until else "future"
        entity: Entity = {
            "id": sprint_id,
            "self": f"{self.style.site}/rest/agile/1.0/sprint/{sprint_id}",
            "state": state,
            "name": f"{project.key} Sprint {number + 1}",
            "originBoardId": project.index + 1,
            "goal": "",
        }
        if state != "future":
            entity["startDate"] = moments.agile(starts)
            entity["endDate"] = moments.agile(ends)
        if state == "closed":
            entity["completeDate"] = moments.agile(ends + 2 * moments.HOUR)
        return entity

    def listed_sprints(self) -> Iterator[Entity]:
        """Yield the sprints of all boards."""
        for project in self.projects:
            if project.style.sprints:
                for number in range(self.sprint_count):
                    yield self.sprint(project, number)


def _letters(number: int) -> str:
    """Return A, B … Z, BA … for 1, 2 …, so that keys of many projects differ."""
    number, rest = divmod(number - 1, 26)
    return (_letters(number) if number else "") + chr(ord("A") + rest)


def _scope(project_id: str | None) -> Entity:
    if project_id is None:
        return {}
    return {"scope": {"type": "PROJECT", "project": {"id": project_id}}}


def _field(field_id: str, name: str, schema: Entity) -> Entity:
    custom = "custom" in schema
    clauses = [f"cf[{schema['customId']}]", name] if custom else [field_id]
    return {
        "id": field_id,
        "key": field_id,
        "name": name,
        "untranslatedName": name,
        "custom": custom,
        "orderable": True,
        "navigable": True,
        "searchable": True,
        "clauseNames": clauses,
        "schema": schema,
    }
