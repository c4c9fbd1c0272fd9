"""What a site is set up with: projects, types, statuses, fields, people, boards and sprints."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.generate.world import World
from sandbox.jira import datacenter
from sandbox.jira.facts import Entity
from sandbox.replay import Recording


@dataclass
class Setup:
    """The site's metadata, which mutations change in place.

    address: what `self` links of the entities begin with. offset_minutes: of the times that they
    were written with. users: called with (first, count). statuses_of: the ids of the statuses
    that a project's workflows have, by project id. archived: ids of projects. embedded_types and
    embedded_sprints: what recorded issues name, listed or not.
    """

    address: str
    time_zone: str
    offset_minutes: int
    projects: list[Entity]
    types: list[Entity]
    statuses: list[Entity]
    fields: list[Entity]
    boards: list[Entity]
    sprints: dict[int, list[Entity]]
    users: Callable[[int, int], list[Entity]]
    user_count: int
    statuses_of: dict[str, list[str]]
    types_of: dict[str, list[str]]
    archived: set[str] = field(default_factory=set)
    renamed_statuses: set[str] = field(default_factory=set)
    embedded_types: list[Entity] = field(default_factory=list)
    embedded_sprints: list[Entity] = field(default_factory=list)

    def project(self, id_or_key: str) -> Entity | None:
        """Return the project of this id or key, archived or not."""
        wanted = id_or_key.upper()
        return next((p for p in self.projects if wanted in (p["id"], p["key"].upper())), None)

    def status(self, source_id: str) -> Entity | None:
        """Return the listed status of this id."""
        return next((each for each in self.statuses if each["id"] == source_id), None)

    def type(self, source_id: str) -> Entity | None:
        """Return the listed type of this id."""
        return next((each for each in self.types if each["id"] == source_id), None)

    def all_sprints(self) -> Iterator[Entity]:
        """Yield the sprints of all boards."""
        for sprints in self.sprints.values():
            yield from sprints


_EMBEDDED_STATUS = ("self", "description", "iconUrl", "name", "id", "statusCategory")
_EMBEDDED_TYPE = (
    "self",
    "id",
    "description",
    "iconUrl",
    "name",
    "subtask",
    "avatarId",
    "hierarchyLevel",
)


def embedded_status(status: Entity) -> Entity:
    """Return a listed status as issues embed it."""
    return {name: status[name] for name in _EMBEDDED_STATUS if name in status}


def embedded_type(kind: Entity) -> Entity:
    """Return a listed type as issues embed it."""
    return {name: kind[name] for name in _EMBEDDED_TYPE if name in kind}


def made_up_setup(world: World, *, is_cloud: bool) -> Setup:
    """Return the set-up of a world's site."""
    site, people = world.site, world.people

    def convert(entity: Entity) -> Entity:
        converted: Entity = entity if is_cloud else datacenter.converted(entity)
        return converted

    def users(first: int, count: int) -> list[Entity]:
        numbers = range(first, min(first + count, people.count))
        return [convert(people.jira_listed_user(people.person(number))) for number in numbers]

    sprints: dict[int, list[Entity]] = {}
    for sprint in site.listed_sprints():
        sprints.setdefault(sprint["originBoardId"], []).append(sprint)
    boards = [
        _board(
            p.index + 1,
            f"{p.key} board",
            "scrum" if p.style.sprints else "kanban",
            p.id,
            {"key": p.key, "name": p.name, "self": site.style.site},
        )
        for p in site.projects
    ]
    return Setup(
        address=site.style.site,
        time_zone=site.style.time_zone,
        offset_minutes=site.style.offset_minutes,
        projects=list(site.listed_projects()),
        types=[convert(each) for each in site.listed_types()],
        statuses=list(site.listed_statuses()),
        fields=[*_SYSTEM_FIELDS, *_custom(site.listed_fields())],
        boards=boards,
        sprints=sprints,
        users=users,
        user_count=people.count,
        statuses_of={p.id: [s.id for s in p.statuses.values()] for p in site.projects},
        types_of={p.id: [t.id for t in p.types] for p in site.projects},
    )


def recorded_setup(recording: Recording, issues: list[Entity]) -> Setup:
    """Return the set-up that a recording holds; what it lacks is read off its issues."""
    listed = {
        name: list(recording.entities("jira", name))
        for name in ("projects", "issue_types", "statuses", "fields", "sprints", "users")
    }
    projects = _with_embedded(listed["projects"], issues, "project")
    users = listed["users"]
    first = issues[0] if issues else {}
    address = urlsplit(str(first.get("self") or (projects[0].get("self") if projects else "")))
    written = str(first.get("fields", {}).get("created", ""))[-5:]
    statuses_of, types_of = _used(issues)
    return Setup(
        address=f"{address.scheme}://{address.netloc}",
        time_zone=next((u["timeZone"] for u in users if u.get("timeZone")), "UTC"),
        offset_minutes=_minutes(written),
        projects=projects,
        types=_with_embedded(listed["issue_types"], issues, "issuetype", is_open=False),
        statuses=listed["statuses"],
        fields=listed["fields"] or [*_SYSTEM_FIELDS, *_guessed_fields(issues)],
        boards=list(_recorded_boards(listed["sprints"], issues)),
        sprints=_by_board(listed["sprints"]),
        users=lambda start, count: users[start : start + count],
        user_count=len(users),
        statuses_of=statuses_of,
        types_of=types_of,
        embedded_types=_with_embedded([], issues, "issuetype"),
        embedded_sprints=[s for issue in issues for s in embedded_sprints(issue["fields"])],
    )


def embedded_sprints(fields: Entity) -> Iterator[Entity]:
    """Yield the sprints that an issue names, whichever field has them; of text, the id alone."""
    for name, value in fields.items():
        if name == "sprint" and isinstance(value, dict):
            yield value
        for each in value if isinstance(value, list) else ():
            if isinstance(each, dict) and "id" in each and ("boardId" in each or "state" in each):
                yield each
            elif isinstance(each, str) and each.startswith("com.atlassian.greenhopper"):
                yield {"id": each.partition("[id=")[2].partition(",")[0]}


def _minutes(offset: str) -> int:
    """Return the minutes of `+0800`; 0 for what is none."""
    if len(offset) != 5 or offset[0] not in "+-" or not offset[1:].isdigit():
        return 0
    minutes = int(offset[1:3]) * 60 + int(offset[3:])
    return -minutes if offset[0] == "-" else minutes


def _with_embedded(
    listed: list[Entity], issues: list[Entity], name: str, *, is_open: bool = True
) -> list[Entity]:
    """Return what is listed, and (if nothing is, or the list is open) what issues embed."""
    found = {each["id"]: each for each in listed}
    if is_open or not listed:
        for issue in issues:
            embedded = issue["fields"].get(name)
            if embedded:
                found.setdefault(embedded["id"], embedded)
    return list(found.values())


def _used(issues: list[Entity]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the statuses and types that occur in each project."""
    statuses: dict[str, dict[str, None]] = {}
    types: dict[str, dict[str, None]] = {}
    for issue in issues:
        fields = issue["fields"]
        project = fields["project"]["id"]
        statuses.setdefault(project, {})[fields["status"]["id"]] = None
        types.setdefault(project, {})[fields["issuetype"]["id"]] = None
    return (
        {project: list(each) for project, each in statuses.items()},
        {project: list(each) for project, each in types.items()},
    )


def _by_board(sprints: Iterable[Entity]) -> dict[int, list[Entity]]:
    boards: dict[int, list[Entity]] = {}
    for sprint in sprints:
        boards.setdefault(int(sprint.get("originBoardId") or 0), []).append(sprint)
    return boards


def _recorded_boards(sprints: list[Entity], issues: list[Entity]) -> Iterator[Entity]:
    """Yield a board for each that sprints name, in the project whose issues are planned there."""
    homes: dict[int, Entity] = {}
    for issue in issues:
        for value in issue["fields"].values():
            for sprint in value if isinstance(value, list) else ():
                if isinstance(sprint, dict) and "boardId" in sprint:
                    homes.setdefault(int(sprint["boardId"]), issue["fields"]["project"])
    for number in sorted(_by_board(sprints)):
        home = homes.get(number, {})
        yield _board(number, f"Board {number}", "scrum", home.get("id"), home)


def _board(number: int, name: str, kind: str, project: str | None, home: Entity) -> Entity:
    address = "{0.scheme}://{0.netloc}".format(urlsplit(str(home.get("self", ""))))
    board: Entity = {
        "id": number,
        "self": f"{address}/rest/agile/1.0/board/{number}",
        "name": name,
        "type": kind,
        "isPrivate": False,
    }
    if project is not None:
        board["location"] = {
            "projectId": int(project),
            "displayName": f"{home.get('name')} ({home.get('key')})",
            "projectName": home.get("name"),
            "projectKey": home.get("key"),
            "projectTypeKey": "software",
            "name": f"{home.get('name')} ({home.get('key')})",
        }
    return board


def _system(name: str, label: str, kind: str) -> Entity:
    return {
        "id": name,
        "key": name,
        "name": label,
        "custom": False,
        "orderable": True,
        "navigable": True,
        "searchable": True,
        "clauseNames": [name],
        "schema": {"type": kind, "system": name},
    }


_PARENT = _system("parent", "Parent", "issuelink")
_SYSTEM_FIELDS = [
    _system("summary", "Summary", "string"),
    _system("description", "Description", "string"),
    _system("issuetype", "Issue Type", "issuetype"),
    _system("status", "Status", "status"),
    _system("project", "Project", "project"),
    _system("priority", "Priority", "priority"),
    _system("resolution", "Resolution", "resolution"),
    _system("resolutiondate", "Resolved", "datetime"),
    _system("created", "Created", "datetime"),
    _system("updated", "Updated", "datetime"),
    _system("assignee", "Assignee", "user"),
    _system("reporter", "Reporter", "user"),
    _system("creator", "Creator", "user"),
    _system("labels", "Labels", "array"),
    _system("duedate", "Due date", "date"),
    {name: value for name, value in _PARENT.items() if name != "schema"},
]


def _custom(fields: Iterable[Entity]) -> list[Entity]:
    return [each for each in fields if each["custom"]]


def _guessed_fields(issues: list[Entity]) -> Iterator[Entity]:
    """Yield a field for each custom one that the issues have, by what it holds."""
    values: dict[str, Any] = {}
    for issue in issues:
        for name, value in issue["fields"].items():
            if name.startswith("customfield_") and (value is not None or name not in values):
                values[name] = value
    for name in sorted(values):
        kind, custom = _guess(values[name])
        number = int(name.removeprefix("customfield_"))
        yield _system(name, f"Field {number}", kind) | {
            "custom": True,
            "untranslatedName": f"Field {number}",
            "clauseNames": [f"cf[{number}]"],
            "schema": {"type": kind, "custom": custom, "customId": number},
        }


def _guess(value: Any) -> tuple[str, str]:
    basic = "com.atlassian.jira.plugin.system.customfieldtypes"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number", f"{basic}:float"
    if isinstance(value, list):
        first = value[0] if value else None
        is_sprint = isinstance(first, dict) and "boardId" in first
        return "array", "com.pyxis.greenhopper.jira:gh-sprint" if is_sprint else f"{basic}:labels"
    return (
        ("any", f"{basic}:readonlyfield")
        if isinstance(value, dict)
        else (
            "string",
            f"{basic}:textfield",
        )
    )
