"""Changes of an issue as Jira records them: new values, and a history that says what changed."""

from typing import Any

from sandbox.accounts import FULL
from sandbox.jira import datacenter
from sandbox.jira.facts import Entity
from sandbox.jira.setup import embedded_status, embedded_type
from sandbox.jira.store import JiraStore

Side = tuple[str | None, str | None]
_NOTHING: Side = (None, None)
_PROJECT = (
    "self",
    "id",
    "key",
    "name",
    "projectTypeKey",
    "simplified",
    "avatarUrls",
)


def item(field: str, old: Side, new: Side, field_id: str | None = None) -> Entity:
    """Return an item of a history; old and new are (value, text)."""
    kind = "custom" if field_id and field_id.startswith("customfield_") else "jira"
    made: Entity = {"field": field, "fieldtype": kind}
    if field_id is not None:
        made["fieldId"] = field_id
    made["from"], made["fromString"] = old
    made["to"], made["toString"] = new
    return made


class Edit:
    """A change of one issue that is being put together; nothing happens before `save`."""

    def __init__(self, store: JiraStore, row: int) -> None:
        self.store = store
        self.row = row
        self.issue = store.issue(row)
        self.fields: Entity = self.issue["fields"]
        self.items: list[Entity] = []

    def set(self, field: str, value: Any, old: Side, new: Side, label: str = "") -> None:
        """Give a field a value."""
        self.fields[field] = value
        self.items.append(item(label or field, old, new, field))

    def set_text(self, field: str, text: str) -> None:
        """Give a field of plain text another one."""
        self.set(field, text, (None, self.fields.get(field)), (None, text))

    def set_points(self, points: float) -> None:
        """Give the issue another estimate."""
        field = self.store.source.estimate_field
        if field is not None:
            old = self.fields.get(field)
            was = None if old is None else f"{old:g}"
            self.set(field, points, (None, was), (None, f"{points:g}"), "Story Points")

    def set_labels(self, labels: list[str]) -> None:
        """Give the issue other labels."""
        old = " ".join(self.fields.get("labels") or ())
        self.set("labels", labels, (None, old), (None, " ".join(labels)))

    def set_status(self, status: Entity) -> None:
        """Move the issue to a status; it is resolved in one that is done, and only there."""
        old = self.fields["status"]
        new = embedded_status(status)
        self.set("status", new, (old["id"], old["name"]), (new["id"], new["name"]))
        is_done = new["statusCategory"]["key"] == "done"
        resolution = self.fields.get("resolution")
        if is_done and resolution is None:
            done = {"id": "10000", "name": "Done", "description": ""}
            done["self"] = f"{self.store.setup.address}/rest/api/2/resolution/10000"
            self.set("resolution", done, _NOTHING, ("10000", "Done"))
            self.fields["resolutiondate"] = self.store.time_text(self.store.clock.now)
        elif not is_done and resolution is not None:
            was = (resolution["id"], resolution["name"])
            self.set("resolution", None, was, _NOTHING)
            self.fields["resolutiondate"] = None

    def set_workflow(self, project: Entity) -> None:
        """Note that the issue runs by another workflow."""
        name = f"Workflow for Project {project['key']}"
        self.items.append(item("Workflow", ("18234", f"{name} (old)"), ("21392", name)))

    def set_type(self, kind: Entity) -> None:
        """Give the issue another type."""
        old, new = self.fields["issuetype"], embedded_type(kind)
        self.set("issuetype", new, (old["id"], old["name"]), (new["id"], new["name"]))

    def set_project(self, project: Entity, number: int) -> None:
        """Move the issue to a project, where it has another key."""
        old = self.fields["project"]
        sides = (old["id"], old["name"]), (project["id"], project["name"])
        self.set("project", embedded_project(project), *sides)
        former, key = self.issue["key"], f"{project['key']}-{number}"
        self.issue["key"] = key
        self.items.append(item("Key", (None, former), (None, key)))

    def save(self, at: int | None = None) -> None:
        """Let a second pass and make the change then; or make it at an instant."""
        store = self.store
        moment = store.clock.tick() if at is None else at
        text = store.time_text(moment)
        history = {
            "id": store.next_history_id(),
            "author": author(store),
            "created": text,
            "items": self.items,
        }
        if not store.organisation.options.is_cloud:
            for each in self.items:
                each.pop("fieldId", None)
        known = self.issue.get("changelog", {}).get("histories", [])
        histories = [history, *known]
        self.issue["changelog"] = {
            "startAt": 0,
            "maxResults": len(histories),
            "total": len(histories),
            "histories": histories,
        }
        self.fields["updated"] = text
        store.put(self.row, self.issue)


def author(store: JiraStore) -> Entity:
    """Return the person who makes the changes, as histories embed people."""
    account = store.organisation.accounts.accounts[FULL]
    person = {
        "self": f"{store.setup.address}/rest/api/2/user?accountId={account.account_id}",
        "accountId": account.account_id,
        "displayName": account.display_name,
        "active": True,
        "accountType": "atlassian",
        "timeZone": store.time_zone,
    }
    return person if store.organisation.options.is_cloud else datacenter.user(person)


def embedded_project(project: Entity) -> Entity:
    """Return a listed project as issues embed it."""
    return {name: project[name] for name in _PROJECT if name in project}


def new_issue(
    store: JiraStore, project: Entity, kind: Entity, status: Entity, title: str
) -> Entity:
    """Return an issue that was made now, in a project under its next number."""
    number = store.next_number(int(project["id"]))
    source_id, at = store.next_id(), store.time_text(store.clock.tick())
    person = author(store)
    api = "rest/api/3" if store.organisation.options.is_cloud else "rest/api/2"
    return {
        "id": source_id,
        "key": f"{project['key']}-{number}",
        "self": f"{store.setup.address}/{api}/issue/{source_id}",
        "expand": "operations,versionedRepresentations,editmeta,changelog,renderedFields",
        "fields": {
            "summary": title,
            "issuetype": embedded_type(kind),
            "status": embedded_status(status),
            "project": embedded_project(project),
            "created": at,
            "updated": at,
            "creator": person,
            "reporter": person,
            "assignee": None,
            "description": None,
            "labels": [],
            "priority": None,
            "resolution": None,
            "resolutiondate": None,
            "duedate": None,
        },
        "changelog": {"startAt": 0, "maxResults": 0, "total": 0, "histories": []},
    }
