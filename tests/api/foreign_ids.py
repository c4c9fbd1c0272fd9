"""Requests that are right but for one id, which names a row of whichever tenant it is put in.

Each says through which relation of a serializer the id goes, if through one, so that a test can
open that relation to every tenant and see that it is noticed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Model

from integrations.models import Integration
from jobs.models import QueueEntry
from mappings.models import (
    CustomFieldMapping,
    StatusMapping,
    WitHierarchy,
    WitMapping,
    Workflow,
    WorkflowStep,
)
from tenants.scope import tenant_scope
from tests.admin.world import World

TABLES: Final[dict[str, type[Model]]] = {
    "wit-hierarchies": WitHierarchy,
    "wit-mappings": WitMapping,
    "status-mappings": StatusMapping,
    "workflows": Workflow,
    "custom-field-mappings": CustomFieldMapping,
}


@dataclass
class Pair:
    """The rules of a tenant twice: one of each to be named, and one to be edited."""

    named: World
    edited: dict[type[Model], int]

    def workflow_of(self, relation: str) -> int:
        """The workflow of the step that is named, or for a relation to any step another."""
        return self.edited[Workflow] if relation else int(self.named.row(Workflow).pk)


def with_second_rules(world: World) -> Pair:
    """Give a world second rules, all of which are active, and each workflow a step; its one step
    of a run is dead, so that it can be replayed."""
    models: list[type[Model]] = [*TABLES.values(), WorkflowStep]
    edited = {model: int(world.row(model).pk) for model in models}
    with tenant_scope(world.tenant.pk):
        for model in models:
            world.rows[model] = world.add(model)
        for model in TABLES.values():
            model._default_manager.update(is_active=True)
        steps = WorkflowStep.objects.filter(pk=world.row(WorkflowStep).pk)
        steps.update(workflow_id=world.row(Workflow).pk)
        QueueEntry.objects.update(state=QueueEntry.State.DEAD)
    return Pair(world, edited)


Body = Callable[[Pair, int], Any]


@dataclass(frozen=True)
class Naming:
    """A request that names a row. path: below /api/v1/, `{}` for the id of the row that is edited.

    model: whose row is named. body: of ours and the id that is named; None: it is in the path, at
    `{id}`. edited: the id of the row that is edited.
    """

    relation: str
    model: type[Model]
    method: str
    path: str
    body: Body | None
    edited: Callable[[Pair], int] | None = None

    def __str__(self) -> str:
        return f"{self.relation or self.model.__name__} by {self.method} {self.path}"

    def asked(self, pair: Pair, id_: int) -> tuple[str, str, Any]:
        """Return method, path and body of the request that names this id."""
        edited = self.edited(pair) if self.edited else ""
        path = "/api/v1/" + self.path.format(edited, id=id_)
        return self.method, path, {} if self.body is None else self.body(pair, id_)


_TYPE: Final = {"from_name": "chore", "target": "Task"}
_STATUS: Final = {"from_name": "brewing", "target": "Doing", "category": "in_progress"}
_FIELD: Final = {"field_source_id": "customfield_1", "target": "team"}
_STEP: Final = {"name": "Begun", "category": "in_progress", "is_commitment_point": True}

Values = Callable[[Pair, int], dict[str, Any]]
RELATIONS: Final[list[tuple[str, type[Model], str, Values]]] = [
    (
        "WitMappingRow.integration",
        Integration,
        "wit-mappings",
        lambda pair, id_: {**_TYPE, "integration": id_, "hierarchy": pair.edited[WitHierarchy]},
    ),
    (
        "WitMappingRow.hierarchy",
        WitHierarchy,
        "wit-mappings",
        lambda _, id_: {**_TYPE, "hierarchy": id_},
    ),
    (
        "StatusMappingRow.integration",
        Integration,
        "status-mappings",
        lambda _, id_: {**_STATUS, "integration": id_},
    ),
    (
        "StatusMappingRow.step",
        WorkflowStep,
        "status-mappings",
        lambda _, id_: {"from_name": "brewing", "target": "Doing", "step": id_},
    ),
    (
        "CustomFieldMappingRow.integration",
        Integration,
        "custom-field-mappings",
        lambda _, id_: {**_FIELD, "integration": id_},
    ),
]
"""Members of rules that name a row, with the values of a rule that does."""
STEP_MEMBERS: Final[list[tuple[str, type[Model], Values]]] = [
    ("", WorkflowStep, lambda _, id_: {"steps": [{**_STEP, "id": id_}]}),
    (
        "StepMove.to",
        WorkflowStep,
        lambda pair, id_: {
            "steps": [_STEP],
            "moves": [{"step": pair.edited[WorkflowStep], "to": id_}],
        },
    ),
    (
        "",
        WorkflowStep,
        lambda _, id_: {"steps": [_STEP], "moves": [{"step": id_, "to": None}]},
    ),
]
"""Members of a workflow that is edited, which name a step."""


def of_rules() -> Iterator[Naming]:
    """Yield every request about rules."""
    for path in ("mapping-edits/", "mapping-preview/"):
        yield from _of_edits(path)
    for relation, model, slug, values in RELATIONS:
        yield Naming(relation, model, "POST", f"{slug}/", values)
        yield Naming(relation, model, "PATCH", f"{slug}/{{}}/", values, _edited(slug))
        yield Naming(relation, model, "PUT", f"{slug}/{{}}/", values, _edited(slug))
        yield Naming(relation, model, "POST", f"{slug}/bulk/", _second(slug, values))
    for relation, model, values in STEP_MEMBERS:
        yield Naming(relation, model, "PATCH", "workflows/{}/", values, _workflow(relation))
    for slug, model in TABLES.items():
        yield Naming("", model, "POST", f"{slug}/bulk/", lambda _, id_: [{"id": id_}])
    yield from _of_deletions()


def _edited(slug: str) -> Callable[[Pair], int]:
    return lambda pair: pair.edited[TABLES[slug]]


def _workflow(relation: str) -> Callable[[Pair], int]:
    return lambda pair: pair.workflow_of(relation)


def _second(slug: str, values: Values) -> Body:
    """Put values behind an edit of a row that is there, for errors are told by index."""
    return lambda pair, id_: [{"id": pair.edited[TABLES[slug]]}, values(pair, id_)]


def _of_edits(path: str) -> Iterator[Naming]:
    for relation, model, slug, values in RELATIONS:
        yield Naming(relation, model, "POST", path, _created(slug, values))
    for relation, model, values in STEP_MEMBERS:
        yield Naming(relation, model, "POST", path, _changed(relation, values))
    for slug, model in TABLES.items():
        for rest in ({"action": "update", "values": {}}, {"action": "delete"}):
            yield Naming("", model, "POST", path, _row(slug, rest))
    for slug, target in MOVES.items():
        yield Naming("", target, "POST", path, _deleted(slug))


def _created(slug: str, values: Values) -> Body:
    return lambda pair, id_: {
        "edits": [{"table": slug, "action": "create", "values": values(pair, id_)}]
    }


def _changed(relation: str, values: Values) -> Body:
    return lambda pair, id_: {
        "edits": [
            {
                "table": "workflows",
                "action": "update",
                "id": pair.workflow_of(relation),
                "values": values(pair, id_),
            }
        ]
    }


def _row(slug: str, rest: dict[str, Any]) -> Body:
    return lambda _, id_: {"edits": [{"table": slug, "id": id_, **rest}]}


def _deleted(slug: str) -> Body:
    return lambda pair, id_: {
        "edits": [
            {
                "table": slug,
                "action": "delete",
                "id": pair.edited[TABLES[slug]],
                "move_to": id_,
            }
        ]
    }


MOVES: Final[dict[str, type[Model]]] = {
    "wit-hierarchies": WitHierarchy,
    "wit-mappings": WitMapping,
    "status-mappings": StatusMapping,
    "workflows": WorkflowStep,
}
"""Of the rules that have dependants: whose row `move_to` names."""


def _of_deletions() -> Iterator[Naming]:
    for slug, target in MOVES.items():
        yield Naming("", target, "DELETE", f"{slug}/{{}}/?move_to={{id}}", None, _edited(slug))
