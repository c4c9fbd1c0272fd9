"""The life of one work item: what it is, where it belongs, and how its status moved.

All of it follows from the seed and the item's number; nothing of other items is kept.
"""

from dataclasses import dataclass

from sandbox.generate import moments
from sandbox.generate.draws import Draws
from sandbox.generate.people import People, Person
from sandbox.generate.site import ItemType, Project, Site, Status
from sandbox.generate.styles import StatusStyle, WorkflowStyle

# Ten items form a family: a large one, five of its own, two sub-tasks and two loose ones.
FAMILY = 10
_KINDS = (0, 1, 1, 2, 3, 1, 4, 4, 3, 2)
_PARENTS = (None, 0, 0, 0, 0, 0, 1, 2, None, None)
_PACE = (4.0, 1.0, 0.9, 0.8, 0.4)
_POINTS = (1.0, 2.0, 3.0, 5.0, 8.0, 0.5)
_MOST_MOVES = 14
_FORGOTTEN = 0.005


@dataclass(frozen=True)
class Move:
    """A change of status."""

    at: int
    source: Status
    target: Status


@dataclass(frozen=True)
class Life:
    """A work item's place and its course. parent: the number of another item, always lower."""

    index: int
    id: str
    key: str
    project: Project
    kind: ItemType
    parent: int | None
    created: int
    reporter: Person
    assignee: Person | None
    title: str
    points: float | None
    moves: tuple[Move, ...]
    status: Status

    @property
    def started(self) -> int | None:
        """When work was first taken up."""
        working = (m.at for m in self.moves if m.target.style.category == "indeterminate")
        return next(working, None)

    @property
    def finished(self) -> int | None:
        """When it came to rest at the end of its path, or was dropped; None while it is open."""
        ends = (self.project.style.workflow.path[-1], self.project.style.workflow.dropped)
        if self.moves and self.status.style in ends:
            return self.moves[-1].at
        return None

    @property
    def dropped(self) -> bool:
        """Whether it ended without being done."""
        return self.status.style == self.project.style.workflow.dropped


class Lives:
    """The lives of all work items of a site, each computed from its number."""

    def __init__(self, seed: int, items: int, site: Site, people: People) -> None:
        self._seed = seed
        self._items = items
        self._site = site
        self._people = people
        # The first project gets two families of each round, every other one gets one.
        self._round = (*range(site.project_count), 0)

    def place(self, index: int) -> tuple[Project, int]:
        """Return the project of an item and its number there, which its key ends in."""
        family, position = divmod(index, FAMILY)
        turn, slot = divmod(family, len(self._round))
        project = self._round[slot]
        families = turn * self._round.count(project) + self._round[:slot].count(project)
        return self._site.projects[project], families * FAMILY + position + 1

    def life(self, index: int) -> Life:
        """Return the life of the item of this number."""
        draws = Draws(self._seed, "life", index)
        project, number = self.place(index)
        family, position = divmod(index, FAMILY)
        kind = _KINDS[position]
        parent = _PARENTS[position]
        created = self._created(index, draws)
        moves = self._moves(draws, project, created, _PACE[kind])
        status = moves[-1].target if moves else self._first(project)
        started = len(moves) > 1 or draws.chance(0.3)
        return Life(
            index=index,
            id=str(100_000 + index),
            key=f"{project.key}-{number}",
            project=project,
            kind=project.types[kind],
            parent=None if parent is None else family * FAMILY + parent,
            created=created,
            reporter=self._people.anyone(draws),
            assignee=self._people.anyone(draws) if started else None,
            title=self._title(draws),
            points=draws.pick(_POINTS) if kind in (1, 2, 3) and draws.chance(0.7) else None,
            moves=tuple(moves),
            status=status,
        )

    def _created(self, index: int, draws: Draws) -> int:
        site = self._site
        passed = (index + draws.unit()) / (self._items + 1)
        # The organisation grows: twice as many items a week at the end as on average.
        return site.start + int((site.until - site.start) * passed * (1.5 - 0.5 * passed))

    def _title(self, draws: Draws) -> str:
        style = self._site.style
        title = f"{draws.pick(style.verbs)} {draws.pick(style.things)} {draws.pick(style.places)}"
        return title.replace(" ", " \x00", 1) if draws.chance(0.004) else title

    @staticmethod
    def _first(project: Project) -> Status:
        return project.statuses[project.style.workflow.path[0].name]

    def _moves(self, draws: Draws, project: Project, created: int, pace: float) -> list[Move]:
        """Walk the workflow from its start until the end, the item's rest or the last day."""
        flow = project.style.workflow
        here = self._site.retired_status if draws.chance(0.04) else self._first(project)
        moves: list[Move] = []
        at, place = created, 0
        while len(moves) < _MOST_MOVES:
            if place == len(flow.path) - 1 and not draws.chance(0.06):
                break
            at += self._wait(draws, here, pace)
            if at > self._site.until or draws.chance(_FORGOTTEN):
                break
            target = flow.path[place]
            if here.style != flow.waiting:
                place, target = _next(draws, place, flow)
            there = project.statuses[target.name]
            moves.append(Move(at, here, there))
            here = there
            if here.style == flow.dropped:
                break
        return moves

    @staticmethod
    def _wait(draws: Draws, status: Status, pace: float) -> int:
        if draws.chance(0.01):
            return 0
        longest = 32 if status.style.category == "new" else 16
        return int(draws.skewed(0.05, longest) * pace * moments.DAY)


def _next(draws: Draws, place: int, flow: WorkflowStyle) -> tuple[int, StatusStyle]:
    """Return where on its path an item stands after a move, and the status that it then has."""
    last = len(flow.path) - 1
    chance = draws.unit()
    if place < last and chance < 0.03:
        return place, flow.dropped
    if 0 < place < last and chance < 0.14:
        return place, flow.waiting
    if place == last:
        place = 2
    elif place > 2 and chance < 0.28:
        place -= 1
    elif place + 2 <= last and chance < 0.32:
        place += 2
    else:
        place += 1
    return place, flow.path[place]
