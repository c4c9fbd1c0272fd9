"""Workflows as the API writes them: all steps of one at once."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.db.models import QuerySet

from mappings.api.edits import Edits, RowEdit, refuse
from mappings.api.removal import NONE, refuse_used, target_of
from mappings.api.rows import WorkflowRow
from mappings.api.tables import RuleTable
from mappings.dependants import rules_on_steps
from mappings.models import Workflow, WorkflowStep
from mappings.rules import fold
from mappings.services import delete_workflow, move_to_step, write_steps
from tenants.api.problems import ProblemError

_STEPS: Final = WorkflowStep._meta.db_table


class Workflows(RuleTable):
    """Workflows with their steps. move_to: the step that the rules of all their steps are given."""

    slug = "workflows"
    model = Workflow
    row_class = WorkflowRow
    naming = "name"

    def rows(self) -> QuerySet[Any]:
        return Workflow.objects.prefetch_related("steps")

    def remove(self, edits: Edits, edit: RowEdit) -> None:
        workflow: Workflow = self.stored_row(edits, edit)
        own = [step.pk for step in workflow.steps.all()]
        uses = rules_on_steps(edits.tenant_id, own)
        if edit.move_to is not None:
            others = WorkflowStep.objects.filter(tenant_id=edits.tenant_id).exclude(pk__in=own)
            target = target_of(edit, others.filter(workflow__is_active=True), {NONE: None})
            for step_id in uses:
                move_to_step(edits.tenant_id, step_id, target)
        elif uses:
            refuse_used(
                f"Workflow {workflow}",
                list(uses.values()),
                f"say by move_to which step they are given, or “{NONE}”",
            )
        delete_workflow(workflow)

    def write(self, edits: Edits, numbered: Sequence[tuple[int, RowEdit]]) -> None:
        errors: list[ProblemError] = []
        stored = self._stored(edits, [edit for _, edit in numbered], errors)
        wanted: list[tuple[int, RowEdit, Workflow, dict[str, Any]]] = []
        for number, edit in numbered:
            old = stored.get(edit.row_id) if edit.row_id is not None else None
            if edit.row_id is not None and old is None:
                continue
            values = edits.validated(edit, old, errors)
            if values is not None:
                row = old if old is not None else Workflow(tenant_id=edits.tenant_id)
                wanted.append((number, edit, row, values))
                errors.extend(_wrong_steps(edit, _present(row), values["steps"]))
        refuse(errors)
        self._refuse_alike(edits.tenant_id, wanted)
        _set_aside(wanted)
        for number, edit, row, values in wanted:
            _store(edits, edit, row, values)
            edits.wrote(number, edit, "workflows", row.pk)

    def _refuse_alike(self, tenant_id: int, wanted: Sequence[Any]) -> None:
        mine = [row.pk for _, _, row, _ in wanted if row.pk is not None]
        others = Workflow.objects.filter(tenant_id=tenant_id).exclude(pk__in=mine)
        seen = dict(others.values_list("name", "pk"))
        errors = []
        for _, edit, _, values in wanted:
            if values["name"] in seen:
                told = "There is a workflow of this name already."
                errors.append(edit.error("name", told, "unique"))
            seen[values["name"]] = 0
        refuse(errors)


def _present(workflow: Workflow) -> dict[int, WorkflowStep]:
    return {} if workflow.pk is None else {step.pk: step for step in workflow.steps.all()}


def _wrong_steps(
    edit: RowEdit, present: Mapping[int, WorkflowStep], steps: Sequence[Mapping[str, Any]]
) -> list[ProblemError]:
    """Return what is wrong with the steps of a workflow beside each other."""
    errors: list[ProblemError] = []
    ids: set[int] = set()
    names: set[str] = set()
    for number, step in enumerate(steps):
        if (step_id := step.get("id")) is not None:
            if step_id not in present:
                told = f"There is none with the id {step_id}."
                errors.append(edit.error(f"steps/{number}/id", told, "does_not_exist"))
            elif step_id in ids:
                errors.append(edit.error(f"steps/{number}/id", "It is there twice.", "unique"))
            ids.add(step_id)
        if (name := fold(step["name"])) in names:
            told = "Another step of the workflow has this name."
            errors.append(edit.error(f"steps/{number}/name", told, "unique"))
        names.add(name)
    points = [number for number, step in enumerate(steps) if step["is_commitment_point"]]
    if steps and len(points) != 1:
        told = f"Exactly one step is the commitment point, not {len(points)}."
        errors.append(edit.error("steps", told))
    elif points and steps[points[0]]["is_outside_order"]:
        told = "The commitment point is in the order: it says what comes after it."
        errors.append(edit.error(f"steps/{points[0]}/is_outside_order", told))
    return errors


def _set_aside(wanted: Sequence[tuple[int, RowEdit, Workflow, dict[str, Any]]]) -> None:
    """Free the names of the workflows that are renamed, so that two may take each other's."""
    renamed = [
        row.pk for _, _, row, values in wanted if row.pk is not None and row.name != values["name"]
    ]
    if len(renamed) > 1:
        for pk in renamed:
            Workflow.objects.filter(pk=pk).update(name=f"\u2060{pk}")


def _store(edits: Edits, edit: RowEdit, row: Workflow, values: dict[str, Any]) -> None:
    present = _present(row)
    steps = _steps(edits.tenant_id, present, values["steps"])
    kept = {step.pk for step in steps if step.pk is not None}
    gone = [step for pk, step in present.items() if pk not in kept]
    _move(edits, edit, gone, values.get("moves", ()))
    row.name, row.is_active = values["name"], values["is_active"]
    row.save()
    write_steps(row, steps, [step.pk for step in gone])
    for number, step in enumerate(steps):
        edits.places[_STEPS, step.pk] = f"{edit.values_pointer}/steps/{number}"


def _steps(
    tenant_id: int, present: Mapping[int, WorkflowStep], given: Sequence[Mapping[str, Any]]
) -> list[WorkflowStep]:
    """Return the steps as they are to be stored, numbered in the order that they have."""
    steps = []
    position = 0
    for values in given:
        step_id = values.get("id")
        position += not values["is_outside_order"]
        steps.append(
            WorkflowStep(
                pk=step_id if step_id in present else None,
                tenant_id=tenant_id,
                name=values["name"],
                category=values["category"],
                is_commitment_point=values["is_commitment_point"],
                position=None if values["is_outside_order"] else position,
            )
        )
    return steps


def _move(
    edits: Edits, edit: RowEdit, gone: Sequence[WorkflowStep], moves: Sequence[Mapping[str, Any]]
) -> None:
    """Give the rules of steps that go other ones; raise Problem where it is not said which."""
    ids = {step.pk for step in gone}
    uses = rules_on_steps(edits.tenant_id, ids) if ids else {}
    targets: dict[int, WorkflowStep | None] = {}
    errors = []
    for number, move in enumerate(moves):
        target: WorkflowStep | None = move["to"]
        if move["step"] not in ids:
            told = f"There is none with the id {move['step']} among the steps that go."
            errors.append(edit.error(f"moves/{number}/step", told, "does_not_exist"))
        if target is not None and target.pk in ids:
            errors.append(edit.error(f"moves/{number}/to", "This step goes, too."))
        elif target is not None and not target.workflow.is_active:
            told = f"Workflow {target.workflow} is not active."
            errors.append(edit.error(f"moves/{number}/to", told))
        targets[move["step"]] = target
    refuse(errors)
    if unsaid := [step for step in gone if step.pk in uses and step.pk not in targets]:
        refuse_used(
            f"Step {unsaid[0].name}",
            [uses[step.pk] for step in unsaid],
            "say in “moves” which step they are given, or null for none",
        )
    for step_id, target in targets.items():
        if step_id in uses:
            move_to_step(edits.tenant_id, step_id, target)
