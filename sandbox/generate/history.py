"""The changelog of a work item: status moves, what people edit beside them, and noise."""

from collections.abc import Iterator
from typing import Any

from sandbox.generate import moments
from sandbox.generate.draws import Draws
from sandbox.generate.people import People, Person
from sandbox.generate.site import (
    EPIC_LINK_FIELD,
    RANK_FIELD,
    SPRINT_FIELD,
    SPRINT_MILLISECONDS,
    TEAM_POINTS_FIELD,
    Site,
)
from sandbox.generate.timeline import Life, Lives, Move

Entity = dict[str, Any]
RESOLUTIONS = {False: ("10000", "Done"), True: ("10001", "Won't Do")}
_HISTORIES_PER_ITEM = 100
_LEAN_AUTHOR = ("accountId", "displayName", "active")
_AUTHOR = (*_LEAN_AUTHOR, "accountType", "timeZone")


class Histories:
    """Writes the histories of work items."""

    def __init__(
        self, seed: int, items: int, lives: Lives, site: Site, people: People, lean: bool
    ) -> None:
        self._seed = seed
        self._items = items
        self._lives = lives
        self._site = site
        self._people = people
        self._lean = lean

    def of(self, life: Life) -> list[Entity]:
        """Return the histories of a work item, newest first."""
        draws = Draws(self._seed, "history", life.index)
        edits = [*self._moves(life, draws), *self._edits(life, draws)]
        edits.sort(key=lambda edit: edit[0])
        offset = self._site.style.offset_minutes
        histories = []
        for number, (at, items) in enumerate(edits):
            history: Entity = {
                "id": str((100_000 + life.index) * _HISTORIES_PER_ITEM + number),
                "created": moments.jira(at, offset),
                "items": items,
            }
            author = self._author(life, draws)
            if author is not None:
                history["author"] = author
            histories.append(history)
        histories.reverse()
        return histories

    def extent(self, life: Life) -> tuple[int | None, int]:
        """Return when an item was changed last, None for never, and how many changes it has."""
        draws = Draws(self._seed, "history", life.index)
        newest, changes = None, 0
        for at, items in (*self._moves(life, draws), *self._edits(life, draws)):
            newest = at if newest is None else max(newest, at)
            changes += len(items)
        return newest, changes

    def _author(self, life: Life, draws: Draws) -> Entity | None:
        """Return who made a change: most often the assignee; now and then nobody is named."""
        chance = draws.unit()
        if chance < 0.01:
            return None
        if chance < 0.015:
            return {"accountId": "", "displayName": "", "active": False}
        person = life.assignee or life.reporter
        if chance < 0.3:
            person = self._people.person(0) if chance < 0.06 else life.reporter
        kept = _LEAN_AUTHOR if self._lean else _AUTHOR
        user = self._people.jira_user(person)
        return {key: user[key] for key in kept}

    def _moves(self, life: Life, draws: Draws) -> Iterator[tuple[int, list[Entity]]]:
        """Yield the status moves with what changes in the same moment."""
        ends = {
            life.project.style.workflow.path[-1]: False,
            life.project.style.workflow.dropped: True,
        }
        for number, move in enumerate(life.moves):
            items = [_status_item(move)]
            if number == 1 and life.assignee is not None:
                items.append(_assignee_item(None, life.assignee))
            if move.target.style in ends:
                items.append(_resolution_item(None, RESOLUTIONS[ends[move.target.style]]))
            elif move.source.style in ends:
                items.append(_resolution_item(RESOLUTIONS[ends[move.source.style]], None))
            if draws.chance(0.02):
                items.insert(0, self._workflow_item(life))
            yield move.at, items

    def _edits(self, life: Life, draws: Draws) -> Iterator[tuple[int, list[Entity]]]:
        """Yield the changes that come without a status move."""
        end = life.moves[-1].at if life.moves else life.created

        def during() -> int:
            return life.created + int((end - life.created) * draws.unit())

        if life.parent is not None:
            yield life.created, [self._parent_item(life, life.parent)]
        if life.points is not None:
            field = life.project.points_field
            label = "Story point estimate" if field == TEAM_POINTS_FIELD else "Story Points"
            first = life.points + 3 if draws.chance(0.3) else None
            if first is not None:
                yield life.created, [_points_item(field, label, None, first)]
            yield during(), [_points_item(field, label, first, life.points)]
        yield from self._sprints(life)
        if draws.chance(0.3):
            yield during(), [_item("Rank", "custom", ("", ""), ("", "Ranked higher"), RANK_FIELD)]
        if draws.chance(0.3):
            yield during(), [_link_item(life, draws.below(100_000))]
        if draws.chance(0.15):
            yield during(), [self._workflow_item(life)]
        if draws.chance(0.1):
            yield during(), [_item("description", "jira", (None, None), (None, "…"), "description")]

    def _sprints(self, life: Life) -> Iterator[tuple[int, list[Entity]]]:
        """Yield the sprints it was planned for: the ids so far are joined by commas."""
        before, names = "", ""
        for number, at in sprint_entries(self._site, life):
            sprint = self._site.sprint(life.project, number)
            after = f"{before}, {sprint['id']}" if before else str(sprint["id"])
            named = f"{names}, {sprint['name']}" if names else str(sprint["name"])
            yield at, [_item("Sprint", "custom", (before, names), (after, named), SPRINT_FIELD)]
            before, names = after, named

    def _workflow_item(self, life: Life) -> Entity:
        name = f"{life.project.style.workflow.name} for Project {life.project.key}"
        return _item("Workflow", "jira", ("18234", f"{name} (old)"), ("21392", name))

    def _parent_item(self, life: Life, parent: int) -> Entity:
        """Return how the parent was set; sites have written this in three ways over the years."""
        project, number = self._lives.place(parent)
        key = f"{project.key}-{number}"
        parent_id = str(100_000 + parent)
        share = life.index / self._items
        if life.kind.level < 0:
            return _item("Parent", "jira", (None, None), (parent_id, key))
        if share < 0.3:
            return _item("Epic Link", "custom", (None, None), (parent_id, key), EPIC_LINK_FIELD)
        return _item("IssueParentAssociation", "jira", (None, None), (parent_id, key))


def sprint_entries(site: Site, life: Life) -> list[tuple[int, int]]:
    """Return (number, when it was put there) of the sprints of an item: at most three."""
    if not life.project.style.sprints or life.kind.level != 0 or not life.moves:
        return []
    first = life.moves[0].at
    last = life.finished or site.until
    numbers = range(site.sprint_number(first), site.sprint_number(last) + 1)[:3]
    return [(number, max(first, site.start + number * SPRINT_MILLISECONDS)) for number in numbers]


Side = tuple[str | None, str | None]


def _item(field: str, kind: str, old: Side, new: Side, field_id: str | None = None) -> Entity:
    """Return an item of a history; old and new are (value, text)."""
    item: Entity = {"field": field, "fieldtype": kind}
    if field_id is not None:
        item["fieldId"] = field_id
    item["from"], item["fromString"] = old
    item["to"], item["toString"] = new
    return item


def _status_item(move: Move) -> Entity:
    old = (move.source.id, move.source.style.name)
    return _item("status", "jira", old, (move.target.id, move.target.style.name), "status")


def _assignee_item(old: Person | None, new: Person) -> Entity:
    was: Side = (old.account_id, old.name) if old else (None, None)
    item = _item("assignee", "jira", was, (new.account_id, new.name), "assignee")
    return item | {"tmpFromAccountId": was[0], "tmpToAccountId": new.account_id}


def _resolution_item(old: Side | None, new: Side | None) -> Entity:
    nothing: Side = (None, None)
    return _item("resolution", "jira", old or nothing, new or nothing, "resolution")


def _points_item(field: str, label: str, old: float | None, new: float) -> Entity:
    was = None if old is None else f"{old:g}"
    return _item(label, "custom", (None, was), (None, f"{new:g}"), field)


def _link_item(life: Life, number: int) -> Entity:
    text = f'This issue links to "Commit - {life.key}: work (Web Link)"'
    return _item("RemoteIssueLink", "jira", (None, None), (str(number), text))
