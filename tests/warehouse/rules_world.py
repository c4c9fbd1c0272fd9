"""A tenant with two integrations, random rules and random histories; and random edits of it."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from integrations.models import Integration
from mappings.book import Book, delete_rows, read_book
from mappings.models import (
    Status,
    StatusMapping,
    StatusResolution,
    StepCategory,
    Wit,
    WitHierarchy,
    WitMapping,
    WitResolution,
    Workflow,
    WorkflowStep,
)
from mappings.resolve import resolve
from mappings.rules import fold
from mappings.seeds import seed_tenant
from mappings.services import save_status_rule, save_type_rule
from tests.warehouse.flow_model import Change, Item, Metrics
from tests.warehouse.flow_world import new_tenant
from tests.warehouse.rules_model import Expected, Placed, Source, Sources, expected
from warehouse.flow import METRICS, recompute
from warehouse.models import Changelog, Project, WorkItem

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
PROJECTS = {"10": "WEB", "20": "APP"}
TYPES = {"1": ("Story", 0), "2": ("Bug", 0), "3": ("Epic", 1), "4": ("Ünïcode", None)}
STATUSES = {
    "a": ("To Do", "new"),
    "b": ("Doing", "indeterminate"),
    "c": ("In Review", "indeterminate"),
    "d": ("DOING", "indeterminate"),
    "e": ("Closed", "done"),
    "f": ("Odd", None),
}
CATEGORIES = tuple(category.value for category in StepCategory)
_LOADED: dict[str, Any] = {
    "raw_page_id": 1,
    "raw_position": 0,
    "fetched_at": NOON,
    "digest": 1,
    "fingerprint": 1,
    "changed_seq": 1,
}

Edit = Callable[[], object]


@dataclass
class RulesWorld:
    """Its methods are to be called inside the tenant's scope."""

    rng: random.Random
    item_count: int = 40
    tenant: Any = field(default_factory=new_tenant)
    sources: Sources = field(default_factory=Sources)
    items: list[Placed] = field(default_factory=list)

    def build(self) -> None:
        """Store sources, items and some rules."""
        seed_tenant(self.tenant.pk)
        for name in ("one", "two"):
            integration = Integration.objects.create(tenant=self.tenant, provider="jira", name=name)
            self._describe(integration.pk)
        for number in range(self.item_count):
            self._store(number)
        self._occur()
        for _ in range(12):
            self._some_rule()
        self.settle()

    @property
    def integration_ids(self) -> list[int]:
        return sorted({integration_id for integration_id, _ in self.sources.projects})

    def _describe(self, integration_id: int) -> None:
        owner = {"tenant_id": self.tenant.pk, "integration_id": integration_id}
        for source_id, key in PROJECTS.items():
            Project.objects.create(**owner, **_LOADED, source_id=source_id, key=key, authority=2)
            self.sources.projects[integration_id, source_id] = key
        for source_id, (name, level) in TYPES.items():
            Wit.objects.create(
                **owner, **_LOADED, source_id=source_id, name=name, level=level, authority=2
            )
            self.sources.types[integration_id, source_id] = Source(name, level)
        for source_id, (name, category) in STATUSES.items():
            Status.objects.create(
                **owner, **_LOADED, source_id=source_id, name=name, category=category, authority=2
            )
            self.sources.statuses[integration_id, source_id] = Source(name, category)

    def _store(self, number: int) -> None:
        integration_id = self.rng.choice(self.integration_ids)
        item = _some_item(self.rng)
        placed = Placed(
            integration_id,
            self.rng.choice(list(PROJECTS)),
            self.rng.choice(list(TYPES)),
            item,
            is_deleted=self.rng.random() < 0.15,
        )
        self.items.append(placed)
        owner = {"tenant_id": self.tenant.pk, "integration_id": integration_id}
        WorkItem.objects.create(
            **owner,
            **_LOADED,
            source_id=str(number),
            key=f"KEY-{number}",
            project_source_id=placed.project,
            project_key=PROJECTS[placed.project],
            type_source_id=placed.type,
            source_type="type",
            status_source_id=item.status,
            source_status="status",
            title=f"Title {number}",
            created_at=item.created_at,
            updated_at=item.created_at,
            history_complete=item.history_complete,
            all_changes_loaded=item.history_complete,
            deleted_at=NOON if placed.is_deleted else None,
        )
        Changelog.objects.bulk_create(
            Changelog(
                **owner,
                raw_page_id=1,
                raw_position=0,
                changed_seq=1,
                work_item_source_id=str(number),
                source_id=change.history,
                position=change.position,
                is_status=True,
                from_value=change.left,
                to_value=change.entered,
                changed_at=change.at,
            )
            for change in item.changes
        )

    def _occur(self) -> None:
        for integration_id, project, type_ in product(self.integration_ids, PROJECTS, TYPES):
            place = {
                "tenant_id": self.tenant.pk,
                "integration_id": integration_id,
                "project_source_id": project,
                "type_source_id": type_,
            }
            wit = WitResolution.objects.create(**place)
            of_pair = WorkItem.objects.filter(**place)
            of_pair.update(wit_resolution=wit)
            for status in STATUSES:
                row = StatusResolution.objects.create(**place, status_source_id=status)
                of_pair.filter(status_source_id=status).update(status_resolution=row)

    def settle(self) -> None:
        """Resolve everything and compute all metrics, as loads would."""
        for integration_id in self.integration_ids:
            resolve(self.tenant.pk, integration_id, PROJECTS)
            recompute(self.tenant.pk, integration_id, "1 = 1", (), 1)

    def book(self) -> Book:
        return read_book(self.tenant.pk)

    def expected(self, book: Book) -> list[Expected]:
        """Return what the plain model makes of every item."""
        return [expected(book, self.sources, placed) for placed in self.items]

    def stored(self) -> list[Expected]:
        """Return what readers see of every item."""
        rows = WorkItem.objects.filter(tenant=self.tenant).select_related(
            "wit_resolution__mapping__hierarchy", "status_resolution__mapping__step__workflow"
        )
        found = {int(row.source_id): _seen(row) for row in rows}
        return [found[number] for number in range(len(self.items))]

    def state(self) -> tuple[Any, ...]:
        """Return all that an edit may touch, but for the numbers of changes."""
        return (
            self.book(),
            list(WitResolution.objects.order_by("pk").values_list("pk", "mapping_id")),
            list(StatusResolution.objects.order_by("pk").values_list("pk", "mapping_id")),
            list(WorkItem.objects.order_by("pk").values_list("pk", "mapped_fields", *METRICS)),
        )

    # ---- edits

    def some_edit(self) -> Edit:
        """Return an edit that adds, changes or deletes some rules; it may be one that is refused.

        What it does is drawn here, so that it does the same however often it is run.
        """
        seed = self.rng.randrange(2**32)
        count = self.rng.choice((1, 1, 1, 2, 5))

        def edit() -> None:
            rng = random.Random(seed)
            for _ in range(count):
                rng.choice(_EDITS)(self, rng)

        return edit

    def _some_rule(self) -> None:
        """Store a rule, unless there is one for the same."""
        kind = self.rng.choice((_add_type_rule, _add_status_rule))
        before = self.book()
        try:
            kind(self, self.rng)
        except AlreadyThereError:
            assert self.book() == before


class AlreadyThereError(Exception):
    """A rule for the same place and name exists."""


def _seen(row: Any) -> Expected:
    type_rule = row.wit_resolution.mapping
    status_rule = row.status_resolution.mapping
    step = status_rule.step if status_rule else None
    category = (step or status_rule).get_category_display() if status_rule else ""
    return Expected(
        (
            type_rule.target if type_rule else "",
            str(type_rule.hierarchy) if type_rule else "",
            status_rule.target if status_rule else "",
            category,
            f"{step.workflow.name}: {step.name}" if step else "",
        ),
        Metrics(*(getattr(row, name) for name in METRICS)),
    )


def _some_item(rng: random.Random) -> Item:
    places = [(str(rng.randrange(1, 120)), rng.randrange(3)) for _ in range(rng.randrange(7))]
    return Item(
        created_at=NOON + timedelta(hours=rng.randrange(-3, 9)),
        status=rng.choice(list(STATUSES)),
        changes=tuple(
            Change(
                at=NOON + timedelta(hours=rng.randrange(-3, 40)),
                history=history,
                position=position,
                left=rng.choice((None, *STATUSES)),
                entered=rng.choice((None, *STATUSES)),
            )
            for history, position in dict.fromkeys(places)
        ),
        history_complete=rng.random() > 0.05,
    )


def _place(world: RulesWorld, rng: random.Random) -> dict[str, Any]:
    return {
        "tenant_id": world.tenant.pk,
        "integration_id": rng.choice((None, *world.integration_ids)),
        "project_key": rng.choice(("", "", "web", "APP")),
        "is_active": rng.random() > 0.1,
    }


def _add_type_rule(world: RulesWorld, rng: random.Random) -> None:
    name = rng.choice(("story", "BUG ", "epic", "", ""))
    level = None if name else rng.choice((0, 1))
    levels = list(WitHierarchy.objects.order_by("pk"))
    rule = WitMapping(
        **_place(world, rng),
        from_name=name,
        from_level=level,
        target=rng.choice(("Story", "Bug", "Thing")),
        hierarchy=rng.choice(levels),
    )
    _unless_there(WitMapping, rule, ("from_level",))
    save_type_rule(rule)


def _add_status_rule(world: RulesWorld, rng: random.Random) -> None:
    name = rng.choice(("to do", "Doing", "in review", "closed", "odd", "", ""))
    category = "" if name else rng.choice(("new", "indeterminate", "done"))
    steps = list(WorkflowStep.objects.order_by("pk"))
    rule = StatusMapping(
        **_place(world, rng),
        type_name=rng.choice(("", "", "bug", "Epic")),
        from_name=name,
        from_category=category,
        target=rng.choice(("To Do", "Doing", "Finished")),
        category=rng.choice(CATEGORIES),
        step=rng.choice((None, *steps, *steps)),
    )
    _unless_there(StatusMapping, rule, ("from_category", "type_name"))
    save_status_rule(rule)


def _unless_there(model: Any, rule: Any, columns: tuple[str, ...]) -> None:
    for row in model.objects.filter(integration_id=rule.integration_id):
        same = fold(row.from_name) == fold(rule.from_name) and all(
            _folded(getattr(row, name)) == _folded(getattr(rule, name)) for name in columns
        )
        if same and row.project_key.strip() == rule.project_key.strip():
            raise AlreadyThereError


def _folded(value: object) -> object:
    return fold(value) if isinstance(value, str) else value


def _change_type_rule(world: RulesWorld, rng: random.Random) -> None:
    rule = _any(WitMapping, rng)
    if rule is None:
        return
    rule.target = rng.choice(("Story", "Task", "Thing"))
    rule.hierarchy = rng.choice(list(WitHierarchy.objects.order_by("pk")))
    rule.is_active = rng.random() > 0.3
    save_type_rule(rule)


def _change_status_rule(world: RulesWorld, rng: random.Random) -> None:
    rule = _any(StatusMapping, rng)
    if rule is None:
        return
    rule.target = rng.choice(("To Do", "Doing", "Done"))
    rule.step = rng.choice((None, *WorkflowStep.objects.order_by("pk")))
    rule.category = rng.choice(CATEGORIES)
    rule.is_active = rng.random() > 0.3
    save_status_rule(rule)


def _delete_rule(world: RulesWorld, rng: random.Random) -> None:
    model = rng.choice((WitMapping, StatusMapping))
    rule = _any(model, rng)
    if rule is not None:
        delete_rows(model, world.tenant.pk, [rule.pk])


def _change_level(world: RulesWorld, rng: random.Random) -> None:
    level = _any(WitHierarchy, rng)
    if level is not None:
        level.name = rng.choice(("Epic", "Feature", "Piece"))
        level.save()


def _delete_level(world: RulesWorld, rng: random.Random) -> None:
    """Move the rules of a level to another and delete it."""
    levels = list(WitHierarchy.objects.order_by("pk"))
    if len(levels) < 2:
        return
    gone, kept = rng.sample(levels, 2)
    WitMapping.objects.filter(hierarchy=gone).update(hierarchy=kept)
    delete_rows(WitHierarchy, world.tenant.pk, [gone.pk])


def _change_step(world: RulesWorld, rng: random.Random) -> None:
    step = _any(WorkflowStep, rng)
    if step is not None:
        step.category = rng.choice(CATEGORIES)
        step.name = f"{step.name.split(' ~')[0]} ~{rng.randrange(3)}"
        step.save()


def _order_steps(world: RulesWorld, rng: random.Random) -> None:
    workflow = _any(Workflow, rng)
    if workflow is None:
        return
    steps = list(WorkflowStep.objects.filter(workflow=workflow).order_by("pk"))
    rng.shuffle(steps)
    for number, step in enumerate(steps, start=1):
        WorkflowStep.objects.filter(pk=step.pk).update(position=number, is_commitment_point=False)
    WorkflowStep.objects.filter(pk=steps[rng.randrange(len(steps))].pk).update(
        is_commitment_point=True
    )


def _add_workflow(world: RulesWorld, rng: random.Random) -> None:
    workflow = Workflow.objects.create(tenant=world.tenant, name=f"flow {rng.randrange(10**9)}")
    for number in range(1, 4):
        WorkflowStep.objects.create(
            tenant=world.tenant,
            workflow=workflow,
            name=f"step {number}",
            position=number,
            category=rng.choice(CATEGORIES),
            is_commitment_point=number == 2,
        )


def _leave_a_gap(world: RulesWorld, rng: random.Random) -> None:
    """Number steps with a gap, which is refused."""
    step = _any(WorkflowStep, rng)
    if step is not None and step.position is not None:
        WorkflowStep.objects.filter(pk=step.pk).update(position=step.position + 40)


def _any(model: Any, rng: random.Random) -> Any:
    rows = list(model.objects.order_by("pk"))
    return rng.choice(rows) if rows else None


_EDITS: tuple[Callable[[RulesWorld, random.Random], None], ...] = (
    _add_type_rule,
    _add_status_rule,
    _change_type_rule,
    _change_type_rule,
    _change_status_rule,
    _change_status_rule,
    _delete_rule,
    _change_level,
    _delete_level,
    _change_step,
    _order_steps,
    _add_workflow,
    _leave_a_gap,
)
