"""What people do in Jira, by name. The same calls in the same order do the same, by the seed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.accounts import FULL
from sandbox.generate.draws import Draws
from sandbox.jira.edits import Edit, new_issue
from sandbox.jira.facts import Entity
from sandbox.jira.store import JiraStore
from sandbox.mutations import Mutation, MutationError

if TYPE_CHECKING:
    from sandbox.organisation import Organisation

Arguments = dict[str, Any]
_MINUTE = 60_000
_POINTS = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0)
_WHATS = ("status", "summary", "points", "labels", "duedate")


class _Task:
    """A mutation that is being made: its arguments, and choices that follow from the seed."""

    def __init__(self, organisation: "Organisation", arguments: Arguments) -> None:
        self.organisation = organisation
        self.store: JiraStore = organisation.jira
        self.arguments = arguments
        self.store.mutations += 1
        self.draws = Draws(organisation.seed, "jira mutation", self.store.mutations)

    def rows(self) -> list[int]:
        """Return the issues that `ids` (or keys) name, or `count` others, of `project` if named."""
        named = self.arguments.get("ids")
        if named is not None:
            return [self._row(str(each)) for each in named]
        count = int(self.arguments.get("count", 1))
        wanted = self.arguments.get("project")
        project = None if wanted is None else int(self.project(str(wanted))["id"])
        candidates = [
            row
            for row in self.store.live_rows(FULL)
            if project is None or self.store.facts(row).project == project
        ]
        if count > len(candidates):
            raise MutationError(f"there are only {len(candidates)} such issues")
        for place in range(count):
            other = place + self.draws.below(len(candidates) - place)
            candidates[place], candidates[other] = candidates[other], candidates[place]
        return sorted(candidates[:count])

    def _row(self, id_or_key: str) -> int:
        row = self.store.row_of(id_or_key)
        if row is None:
            raise MutationError(f"there is no issue {id_or_key}")
        return row

    def project(self, id_or_key: str) -> Entity:
        """Return a project by its id or key."""
        project = self.store.setup.project(id_or_key)
        if project is None:
            raise MutationError(f"there is no project {id_or_key}")
        return project

    def other_project(self, row: int) -> Entity:
        """Return the project that `project` names, or any other than the issue's that is seen."""
        if "project" in self.arguments:
            return self.project(str(self.arguments["project"]))
        here, visible = self.store.facts(row).project, self.store.visible_projects(FULL)
        setup = self.store.setup
        others = [p for p in setup.projects if int(p["id"]) in visible and int(p["id"]) != here]
        if not others:
            raise MutationError("there is no other project")
        return self.draws.pick(others)

    def statuses(self, project_id: str) -> list[Entity]:
        """Return the statuses that issues of a project can have."""
        setup = self.store.setup
        found = [setup.status(each) for each in setup.statuses_of.get(project_id, ())]
        return [each for each in found if each] or setup.statuses

    def types(self, project_id: str) -> list[Entity]:
        """Return the types that issues of a project can have."""
        setup = self.store.setup
        found = [setup.type(each) for each in setup.types_of.get(project_id, ())]
        return [each for each in found if each] or setup.types

    def status(self, name: str) -> Entity:
        """Return the listed status whose id or name an argument gives, or any."""
        wanted = self.arguments.get(name)
        listed = self.store.setup.statuses
        if wanted is None:
            return self.draws.pick(listed)
        found = next((s for s in listed if str(wanted) in (s["id"], s["name"])), None)
        if found is None:
            raise MutationError(f"there is no status {wanted}")
        return found


def _ids(task: _Task, rows: list[int]) -> dict[str, Any]:
    return {"ids": [str(task.store.facts(row).id) for row in rows]}


def _edit(task: _Task) -> dict[str, Any]:
    """`count`, `ids`, `project`; `what`: one of _WHATS, any if not named."""
    rows = task.rows()
    for row in rows:
        edit = Edit(task.store, row)
        what = task.arguments.get("what") or task.draws.pick(_WHATS)
        if what == "status":
            here = edit.fields["status"]["id"]
            statuses = task.statuses(edit.fields["project"]["id"])
            others = [each for each in statuses if each["id"] != here]
            edit.set_status(task.draws.pick(others or statuses))
        elif what == "points" and task.store.source.estimate_field:
            edit.set_points(task.draws.pick(_POINTS))
        elif what == "labels":
            _toggle_label(edit)
        elif what == "duedate":
            day = f"2027-0{1 + task.draws.below(9)}-1{task.draws.below(10)}"
            edit.set_text("duedate", day)
        else:
            edit.set_text("summary", f"{edit.fields.get('summary') or 'Untitled'} (edited)")
        edit.save()
    return _ids(task, rows)


def _toggle_label(edit: Edit) -> None:
    labels = set(edit.fields.get("labels") or ())
    edit.set_labels(sorted(labels ^ {"changed"}))


def _touch(task: _Task) -> dict[str, Any]:
    """`count`, `ids`, `project`: change labels of many within the next full minute.

    With `same_instant` all of them at its very beginning.
    """
    rows, clock = task.rows(), task.store.clock
    start = (clock.now // _MINUTE + 1) * _MINUTE
    lasts = 0 if task.arguments.get("same_instant") else _MINUTE
    for number, row in enumerate(rows):
        clock.now = start + number * lasts // len(rows)
        edit = Edit(task.store, row)
        _toggle_label(edit)
        edit.save(clock.now)
    clock.now = start + _MINUTE
    return _ids(task, rows)


def _create(task: _Task) -> dict[str, Any]:
    """`count`, `project`: make issues."""
    made = []
    visible = task.store.visible_projects(FULL)
    seen = [p for p in task.store.setup.projects if int(p["id"]) in visible]
    for number in range(int(task.arguments.get("count", 1))):
        wanted = task.arguments.get("project")
        project = task.draws.pick(seen) if wanted is None else task.project(str(wanted))
        kinds = [each for each in task.types(project["id"]) if not each.get("subtask")]
        status = task.statuses(project["id"])[0]
        title = f"New work {task.store.mutations}.{number + 1}"
        issue = new_issue(task.store, project, task.draws.pick(kinds), status, title)
        task.store.add(issue)
        made.append(issue)
    return {"ids": [each["id"] for each in made], "keys": [each["key"] for each in made]}


def _delete(task: _Task) -> dict[str, Any]:
    """`count`, `ids`, `project`: delete issues."""
    rows = task.rows()
    for row in rows:
        task.store.delete(row)
    return _ids(task, rows)


def _move(task: _Task) -> dict[str, Any]:
    """`count`, `ids`; `project`: where to, another one than the issue's if not named.

    A project with types and statuses of its own gives the issue those of the same name.
    """
    arguments = {n: v for n, v in task.arguments.items() if n != "project"}
    rows = _Task(task.organisation, arguments).rows()
    keys = {}
    for row in rows:
        edit, project = Edit(task.store, row), task.other_project(row)
        former = edit.issue["key"]
        edit.set_project(project, task.store.next_number(int(project["id"])))
        kind = _like(edit.fields["issuetype"], task.types(project["id"]))
        if kind["id"] != edit.fields["issuetype"]["id"]:
            edit.set_type(kind)
        status = _like(edit.fields["status"], task.statuses(project["id"]))
        if status["id"] != edit.fields["status"]["id"]:
            edit.set_workflow(project)
            edit.set_status(status)
        edit.save()
        keys[former] = edit.issue["key"]
        task.store.moved.append((edit.issue["id"], former, edit.issue["key"], task.store.clock.now))
    return _ids(task, rows) | {"keys": keys}


def _like(entity: Entity, others: list[Entity]) -> Entity:
    """Return which of the others is the entity, or is named like it; else the first."""
    same = [each for each in others if each["id"] == entity["id"]]
    named = [each for each in others if each["name"] == entity["name"]]
    return (same or named or others)[0]


def _change_type(task: _Task) -> dict[str, Any]:
    """`count`, `ids`, `project`: give issues another type, with its workflow and first status."""
    rows = task.rows()
    for row in rows:
        edit = Edit(task.store, row)
        project, here = edit.fields["project"], edit.fields["issuetype"]
        others = [
            each
            for each in task.types(project["id"])
            if each["id"] != here["id"] and each.get("subtask") == here.get("subtask")
        ]
        if not others:
            others = [each for each in task.types(project["id"]) if each["id"] != here["id"]]
        if not others:
            raise MutationError(f"{project['key']} has no other type")
        edit.set_type(task.draws.pick(others))
        edit.set_workflow(project)
        first = task.statuses(project["id"])[0]
        if first["id"] != edit.fields["status"]["id"]:
            edit.set_status(first)
        edit.save()
    return _ids(task, rows)


def _hide_project(task: _Task) -> dict[str, Any]:
    """`project`, `account` (full): an account no longer sees a project."""
    project = task.project(str(task.arguments["project"]))
    account = str(task.arguments.get("account", FULL))
    task.organisation.accounts.hide(account, "project", project["id"])
    task.store.clock.tick()
    return {"project": project["id"], "account": account}


def _show_project(task: _Task) -> dict[str, Any]:
    """`project`, `account` (full): an account sees a project again."""
    project = task.project(str(task.arguments["project"]))
    account = str(task.arguments.get("account", FULL))
    task.organisation.accounts.show(account, "project", project["id"])
    task.store.clock.tick()
    return {"project": project["id"], "account": account}


def _archive_project(task: _Task) -> dict[str, Any]:
    """`project`: archive it, so that its issues cannot be found."""
    project = task.project(str(task.arguments["project"]))
    task.store.setup.archived.add(project["id"])
    task.store.clock.tick()
    return {"project": project["id"]}


def _restore_project(task: _Task) -> dict[str, Any]:
    """`project`: take it out of the archive."""
    project = task.project(str(task.arguments["project"]))
    task.store.setup.archived.discard(project["id"])
    task.store.clock.tick()
    return {"project": project["id"]}


def _rename_status(task: _Task) -> dict[str, Any]:
    """`status`, `name`: rename a status. No issue counts as updated by that, as in Jira."""
    status = task.status("status")
    former, name = status["name"], str(task.arguments.get("name", f"{status['name']} 2"))
    status["name"] = status["untranslatedName"] = name
    task.store.setup.renamed_statuses.add(status["id"])
    task.store.clock.tick()
    return {"status": status["id"], "from": former, "to": name}


def _delete_status(task: _Task) -> dict[str, Any]:
    """`status`, `to`: delete a status; issues that have it move to another."""
    store, status = task.store, task.status("status")
    source_id = int(status["id"])
    rows = [row for row in store.live_rows(FULL) if store.facts(row).status == source_id]
    moved_to = None
    for row in rows:
        edit = Edit(store, row)
        project = edit.fields["project"]
        others = [s for s in task.statuses(project["id"]) if s["id"] != status["id"]]
        moved_to = task.status("to") if "to" in task.arguments else others[0]
        edit.set_workflow(project)
        edit.set_status(moved_to)
        edit.save()
    setup = store.setup
    setup.statuses.remove(status)
    for ids in setup.statuses_of.values():
        if status["id"] in ids:
            ids.remove(status["id"])
    store.clock.tick()
    return {"status": status["id"], **_ids(task, rows)}


def _mutation(make: Callable[[_Task], dict[str, Any]]) -> Mutation:
    def mutation(organisation: "Organisation", arguments: Arguments) -> dict[str, Any]:
        try:
            return make(_Task(organisation, arguments))
        except KeyError as error:
            raise MutationError(f"the argument {error} is missing") from error

    return mutation


MUTATIONS: dict[str, Mutation] = {
    "edit": _mutation(_edit),
    "touch": _mutation(_touch),
    "create": _mutation(_create),
    "delete": _mutation(_delete),
    "move": _mutation(_move),
    "change_type": _mutation(_change_type),
    "hide_project": _mutation(_hide_project),
    "show_project": _mutation(_show_project),
    "archive_project": _mutation(_archive_project),
    "restore_project": _mutation(_restore_project),
    "rename_status": _mutation(_rename_status),
    "delete_status": _mutation(_delete_status),
}
