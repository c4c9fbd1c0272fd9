"""The entities of the organisation's Jira, as its REST API gives them."""

from collections.abc import Iterator
from typing import Any

from sandbox.generate import moments
from sandbox.generate.draws import Draws
from sandbox.generate.history import RESOLUTIONS, Histories, sprint_entries
from sandbox.generate.people import People, Person
from sandbox.generate.site import EPIC_LINK_FIELD, RANK_FIELD, SPRINT_FIELD, START_DATE_FIELD, Site
from sandbox.generate.timeline import Life, Lives

Entity = dict[str, Any]

_PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
_EMPTY_FIELDS = tuple(f"customfield_{number}" for number in range(10_060, 10_070))
_NULL_FIELDS = ("security", "environment", "lastViewed", "timespent", "timeestimate")
_KEPT_IN_LEAN = (
    "id",
    "key",
    "name",
    "accountId",
    "displayName",
    "active",
    "statusCategory",
    "subtask",
    "hierarchyLevel",
)


class Jira:
    """A Jira site full of work items, each computed from its number."""

    def __init__(
        self,
        seed: int,
        items: int,
        lives: Lives,
        site: Site,
        people: People,
        lean: bool,
        shape: str,
    ) -> None:
        self._seed = seed
        self._items = items
        self._lives = lives
        self._site = site
        self._people = people
        self._lean = lean
        self._rich = shape == "v3"
        self._histories = Histories(seed, items, lives, site, people, lean)

    def issues(self) -> Iterator[Entity]:
        """Yield all work items with their changelogs, oldest first."""
        return (self.issue(index) for index in range(self._items))

    def extent(self, index: int) -> tuple[Life, int, int]:
        """Return the life of an item, when it was updated, and how many changes it has."""
        life = self._lives.life(index)
        newest, changes = self._histories.extent(life)
        return life, life.created if newest is None else newest, changes

    def users(self) -> Iterator[Entity]:
        """Yield the accounts as a listing has them."""
        people = self._people
        return (people.jira_listed_user(people.person(n)) for n in range(people.count))

    def issue(self, index: int) -> Entity:
        """Return the work item of this number, its histories newest first."""
        life = self._lives.life(index)
        draws = Draws(self._seed, "issue", index)
        histories = self._histories.of(life)
        offset = self._site.style.offset_minutes
        updated = histories[0]["created"] if histories else moments.jira(life.created, offset)
        total = len(histories)
        api = "rest/api/3" if self._rich else "rest/agile/1.0"
        return {
            "id": life.id,
            "key": life.key,
            "self": f"{self._site.style.site}/{api}/issue/{life.id}",
            "expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
            "fields": self._fields(life, draws, updated),
            "changelog": {
                "startAt": 0,
                "maxResults": total,
                "total": total,
                "histories": histories,
            },
        }

    def _fields(self, life: Life, draws: Draws, updated: str) -> Entity:
        offset = self._site.style.offset_minutes
        fields: Entity = {
            "summary": life.title,
            "issuetype": self._short(self._site.item_type(life.kind)),
            "status": self._short(self._site.status(life.status)),
            "project": self._project(life),
            "created": moments.jira(life.created, offset),
            "updated": updated,
            "creator": self._user(life.reporter),
            "reporter": self._user(life.reporter),
            "assignee": self._user(life.assignee),
            "description": self._description(life, draws),
            "labels": sorted({draws.pick(self._site.style.labels) for _ in range(draws.below(3))}),
        }
        fields |= self._resolution(life) | self._planning(life, draws)
        if life.parent is not None:
            fields["parent"] = self._parent(life.parent)
        if not self._lean:
            fields |= self._decoration(life)
        return fields

    def _resolution(self, life: Life) -> Entity:
        if life.finished is None:
            return {"resolution": None, "resolutiondate": None}
        number, name = RESOLUTIONS[life.dropped]
        resolution = {"id": number, "name": name, "description": ""}
        resolution["self"] = f"{self._site.style.site}/rest/api/2/resolution/{number}"
        at = moments.jira(life.finished, self._site.style.offset_minutes)
        return {"resolution": resolution, "resolutiondate": at}

    def _planning(self, life: Life, draws: Draws) -> Entity:
        """Return priority, due date, points and sprints; some projects lack some keys."""
        fields: Entity = {life.project.points_field: life.points}
        if not life.project.style.own_names:
            name = draws.pick(_PRIORITIES)
            number = str(1 + _PRIORITIES.index(name))
            fields["priority"] = {"id": number, "name": name}
        due = moments.day(life.created + (10 + draws.below(60)) * moments.DAY)
        if not draws.chance(0.1):
            fields["duedate"] = due if draws.chance(0.25) else None
        if life.project.style.sprints:
            fields |= self._sprints(life)
        return fields

    def _sprints(self, life: Life) -> Entity:
        numbers = [number for number, _ in sprint_entries(self._site, life)]
        sprints = [self._site.sprint(life.project, number) for number in numbers]
        boards = [
            {key: value for key, value in s.items() if key not in ("self", "originBoardId")}
            | {"boardId": s["originBoardId"]}
            for s in sprints
        ]
        fields: Entity = {SPRINT_FIELD: boards or None}
        if not self._rich:
            running = [s for s in sprints if s["state"] == "active"]
            closed = [s for s in sprints if s["state"] == "closed"]
            fields["sprint"] = running[-1] if running else None
            if closed:
                fields["closedSprints"] = closed
        return fields

    def _parent(self, index: int) -> Entity:
        life = self._lives.life(index)
        return {
            "id": life.id,
            "key": life.key,
            "self": f"{self._site.style.site}/rest/api/2/issue/{life.id}",
            "fields": {
                "summary": life.title,
                "status": self._short(self._site.status(life.status)),
                "issuetype": self._short(self._site.item_type(life.kind)),
            },
        }

    def _project(self, life: Life) -> Entity:
        project = life.project
        return self._short(
            {
                "self": f"{self._site.style.site}/rest/api/2/project/{project.id}",
                "id": project.id,
                "key": project.key,
                "name": project.name,
                "projectTypeKey": "software",
                "simplified": project.style.own_names,
                "avatarUrls": {},
            }
        )

    def _description(self, life: Life, draws: Draws) -> Any:
        if draws.chance(0.3):
            return None
        style = self._site.style
        lines = [
            f"{draws.pick(style.verbs)} {draws.pick(style.things)} {draws.pick(style.places)}."
            for _ in range(1 if self._lean else 2 + draws.below(5))
        ]
        if not self._rich:
            return f"h2. {life.title.replace(chr(0), '')}\n\n" + "\n".join(lines)
        return {
            "type": "doc",
            "version": 1,
            "content": [
                {"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in lines
            ],
        }

    def _decoration(self, life: Life) -> Entity:
        """Return what a real entity carries and nobody here reads: nulls, counters, links."""
        api = f"{self._site.style.site}/rest/api/2/issue/{life.key}"
        none_done = {"progress": 0, "total": 0}
        at = life.moves[-1].at if life.moves else life.created
        fields: Entity = dict.fromkeys((*_NULL_FIELDS, *_EMPTY_FIELDS))
        fields |= {
            EPIC_LINK_FIELD: None,
            START_DATE_FIELD: moments.day(life.started) if life.started else None,
            RANK_FIELD: f"0|i{life.index:05x}:",
            "statuscategorychangedate": moments.jira(at, self._site.style.offset_minutes),
            "votes": {"self": f"{api}/votes", "votes": 0, "hasVoted": False},
            "watches": {"self": f"{api}/watchers", "watchCount": 1, "isWatching": False},
            "worklog": {"startAt": 0, "maxResults": 20, "total": 0, "worklogs": []},
            "progress": none_done,
            "aggregateprogress": none_done,
            "timetracking": {},
            "workratio": -1,
        }
        fields |= {
            name: [] for name in ("components", "fixVersions", "versions", "issuelinks", "subtasks")
        }
        if not self._rich:
            fields |= {"epic": None, "flagged": False}
        return fields

    def _user(self, person: Person | None) -> Entity | None:
        return None if person is None else self._short(self._people.jira_user(person))

    def _short(self, entity: Entity) -> Entity:
        """Return an embedded entity, in a lean world without its decoration."""
        if not self._lean:
            return entity
        short = {key: entity[key] for key in _KEPT_IN_LEAN if key in entity}
        if "statusCategory" in short:
            short["statusCategory"] = {"key": entity["statusCategory"]["key"]}
        return short
