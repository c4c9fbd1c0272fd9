"""Writing rules: every rule that is stored passes here, so that what is stored can be matched."""

from collections.abc import Iterable, Sequence

from django.db import models
from django.db.models import QuerySet

from common.errors import UsageError
from mappings.book import delete_rows
from mappings.checks import RuleError
from mappings.models import StatusMapping, WitHierarchy, WitMapping, Workflow, WorkflowStep
from mappings.rules import fold


def save_type_rule(rule: WitMapping) -> WitMapping:
    """Store a type rule with its name folded; raise UsageError if it could match nothing."""
    ready_type_rule(rule).save()
    return rule


def ready_type_rule(rule: WitMapping) -> WitMapping:
    """Fold the name of a type rule that is to be stored; raise UsageError as `save_type_rule`."""
    rule.from_name = fold(rule.from_name)
    rule.project_key = rule.project_key.strip()
    if bool(rule.from_name) == (rule.from_level is not None):
        raise UsageError("a type rule matches by a name or by a level: give exactly one of them")
    _check_tenant(rule.tenant_id, (rule.integration, rule.hierarchy))
    return rule


def save_status_rule(rule: StatusMapping) -> StatusMapping:
    """Store a status rule with its names folded; raise UsageError if it could match nothing.

    A rule that has a step takes its category from there.
    """
    ready_status_rule(rule).save()
    return rule


def ready_status_rule(rule: StatusMapping) -> StatusMapping:
    """Fold the names of a status rule that is to be stored, and give it its step's category.

    Raises UsageError as `save_status_rule`.
    """
    rule.from_name, rule.type_name = fold(rule.from_name), fold(rule.type_name)
    rule.from_category = fold(rule.from_category)
    rule.project_key = rule.project_key.strip()
    if bool(rule.from_name) == bool(rule.from_category):
        raise UsageError(
            "a status rule matches by a name or by a category: give exactly one of them"
        )
    _check_tenant(rule.tenant_id, (rule.integration, rule.step))
    if rule.step is not None:
        rule.category = rule.step.category
    return rule


def make_type_rules_like(rows: QuerySet[WitMapping], like: WitMapping) -> None:
    """Let type rules give what another gives."""
    rows.update(target=like.target, hierarchy=like.hierarchy)


def make_status_rules_like(rows: QuerySet[StatusMapping], like: StatusMapping) -> None:
    """Let status rules give what another gives."""
    rows.update(target=like.target, category=like.category, step=like.step)


def _check_tenant(tenant_id: int, named: Iterable[models.Model | None]) -> None:
    for row in named:
        if row is not None and getattr(row, "tenant_id", None) != tenant_id:
            raise UsageError(f"there is no {row._meta.verbose_name} {row.pk}")


def move_to_level(tenant_id: int, level_id: int, target: WitHierarchy) -> int:
    """Give the type rules on a level another; return how many there were."""
    _check_tenant(tenant_id, (target,))
    rules = WitMapping.objects.filter(tenant_id=tenant_id, hierarchy_id=level_id)
    return rules.update(hierarchy=target)


def move_to_step(tenant_id: int, step_id: int, target: WorkflowStep | None) -> int:
    """Give the status rules of a step another, and its category; None: they keep their category
    and have no step. Return how many there were."""
    _check_tenant(tenant_id, (target,))
    rules = StatusMapping.objects.filter(tenant_id=tenant_id, step_id=step_id)
    if target is None:
        return rules.update(step=None)
    return rules.update(step=target, category=target.category)


def write_steps(
    workflow: Workflow, steps: Sequence[WorkflowStep], gone_ids: Iterable[int] = ()
) -> None:
    """Make the steps of a stored workflow these, old and new ones; steps keep their ids.

    Steps that are neither here nor among `gone_ids` stay. All go before any comes back, so that
    two may take each other's names, and the commitment point moves. Rules take the category of
    their step along.
    """
    tenant_id = workflow.tenant_id
    _check_storable(workflow, steps)
    present = {row.pk: row for row in workflow.steps.all()}
    kept = {step.pk for step in steps if step.pk is not None}
    stay = [row for key, row in present.items() if key not in kept | set(gone_ids)]
    delete_rows(WorkflowStep, tenant_id, present)
    for step in steps:
        step.workflow, step.tenant_id = workflow, tenant_id
    WorkflowStep.objects.bulk_create([*stay, *steps])
    for step in steps:
        old = present.get(step.pk)
        if old is not None and old.category != step.category:
            rules = StatusMapping.objects.filter(tenant_id=tenant_id, step_id=step.pk)
            rules.update(category=step.category)


def _check_storable(workflow: Workflow, steps: Sequence[WorkflowStep]) -> None:
    """Say in words what the tables would refuse; all else is looked at when it is stored."""
    points = [step.name for step in steps if step.is_commitment_point]
    if len(points) > 1:
        raise RuleError(
            f"workflow {workflow}: exactly one step is the commitment point, not "
            f"{' and '.join(points)}",
            WorkflowStep._meta.db_table,
        )
    names: dict[str, str] = {}
    for step in steps:
        name = fold(step.name)
        if name in names:
            raise RuleError(
                f"workflow {workflow}: steps {names[name]} and {step.name} have the same name",
                WorkflowStep._meta.db_table,
            )
        names[name] = step.name


def delete_step(step: WorkflowStep) -> None:
    """Delete a step and close the gap that its number leaves; rules have been moved before."""
    delete_rows(WorkflowStep, step.tenant_id, [step.pk])
    rest = WorkflowStep.objects.filter(workflow_id=step.workflow_id).exclude(position=None)
    for number, row in enumerate(rest.order_by("position", "pk"), start=1):
        if row.position != number:
            WorkflowStep.objects.filter(pk=row.pk).update(position=number)


def delete_workflow(workflow: Workflow) -> None:
    """Delete a workflow with its steps; rules have been moved before."""
    steps = WorkflowStep.objects.filter(workflow_id=workflow.pk).values_list("pk", flat=True)
    delete_rows(WorkflowStep, workflow.tenant_id, list(steps))
    delete_rows(Workflow, workflow.tenant_id, [workflow.pk])
