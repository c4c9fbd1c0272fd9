"""What a new tenant and a new integration begin with."""

from typing import Final

from common.errors import UsageError
from integrations.contract import StatusRule, TypeRule
from integrations.models import Integration
from integrations.registry import connector_for
from mappings.editing import Author, apply
from mappings.models import (
    ChangeSet,
    StatusMapping,
    StepCategory,
    WitHierarchy,
    WitMapping,
    Workflow,
    WorkflowStep,
)
from mappings.rules import fold
from mappings.services import save_status_rule, save_type_rule

BY_ITSELF: Final = Author(None, "")
"""The author of what nobody in particular did."""

LEVELS: Final = {
    4: "Capital Investment",
    3: "Product Objective",
    2: "Milestone",
    1: "Epic",
    0: "Story",
    -1: "Sub-task",
}
DEFAULT_WORKFLOW: Final = "Default"
COMMITMENT_STEP: Final = "To Do"
ORDERED_STEPS: Final = (
    ("Backlog", StepCategory.TO_DO),
    ("Refinement", StepCategory.TO_DO),
    ("Ready to Work", StepCategory.TO_DO),
    (COMMITMENT_STEP, StepCategory.TO_DO),
    ("In Progress", StepCategory.IN_PROGRESS),
    ("Ready for Story Testing", StepCategory.WAITING),
    ("Story Testing", StepCategory.IN_PROGRESS),
    ("Ready for Acceptance", StepCategory.WAITING),
    ("Acceptance Testing", StepCategory.IN_PROGRESS),
    ("Ready for Prod", StepCategory.WAITING),
    ("Done", StepCategory.DONE),
)
UNORDERED_STEPS: Final = (("Discarded", StepCategory.DISCARDED),)


def seed_tenant(tenant_id: int, author: Author = BY_ITSELF) -> None:
    """Give a tenant the default hierarchy and workflow, each only if it has none of its own."""
    apply(
        tenant_id,
        lambda: _seed(tenant_id),
        author=author,
        origin=ChangeSet.Origin.STARTER,
        summary="Default levels and workflow",
    )


def _seed(tenant_id: int) -> None:
    if not WitHierarchy.objects.filter(tenant_id=tenant_id).exists():
        WitHierarchy.objects.bulk_create(
            WitHierarchy(tenant_id=tenant_id, level=level, name=name)
            for level, name in LEVELS.items()
        )
    if not Workflow.objects.filter(tenant_id=tenant_id).exists():
        workflow = Workflow.objects.create(tenant_id=tenant_id, name=DEFAULT_WORKFLOW)
        WorkflowStep.objects.bulk_create(_default_steps(workflow))


def _default_steps(workflow: Workflow) -> list[WorkflowStep]:
    numbered = [(position, *step) for position, step in enumerate(ORDERED_STEPS, start=1)]
    unnumbered = [(None, *step) for step in UNORDERED_STEPS]
    return [
        WorkflowStep(
            tenant_id=workflow.tenant_id,
            workflow=workflow,
            name=name,
            position=position,
            category=category,
            is_commitment_point=name == COMMITMENT_STEP,
        )
        for position, name, category in (*numbered, *unnumbered)
    ]


def apply_presets(integration: Integration, author: Author = BY_ITSELF) -> int:
    """Add the provider's starter rules that this integration lacks; return how many were added.

    A rule of the integration for the same name, level or category is left as it is, edited or
    not, active or not; so a starter rule is put aside by making it inactive, and one that was
    deleted comes back. Call it after `seed_tenant`.
    """
    presets = connector_for(integration.provider).presets
    added: list[int] = []

    def edit() -> None:
        added.append(_add_type_rules(integration, presets.types))
        added.append(_add_status_rules(integration, presets.statuses))

    apply(
        integration.tenant_id,
        edit,
        author=author,
        origin=ChangeSet.Origin.STARTER,
        summary=f"Starter rules of {integration.name}",
    )
    return sum(added)


def _add_type_rules(integration: Integration, presets: tuple[TypeRule, ...]) -> int:
    rules = WitMapping.objects.filter(integration=integration, project_key="")
    present = {(fold(rule.from_name), rule.from_level) for rule in rules}
    hierarchies = {
        row.level: row for row in WitHierarchy.objects.filter(tenant_id=integration.tenant_id)
    }
    added = 0
    for preset in presets:
        key = (fold(preset.from_name or ""), preset.from_level)
        if key in present:
            continue
        present.add(key)
        if preset.level not in hierarchies:
            hierarchies[preset.level] = WitHierarchy.objects.create(
                tenant_id=integration.tenant_id,
                level=preset.level,
                name=LEVELS.get(preset.level, f"Level {preset.level}"),
            )
        save_type_rule(
            WitMapping(
                tenant_id=integration.tenant_id,
                integration=integration,
                from_name=preset.from_name or "",
                from_level=preset.from_level,
                target=preset.target,
                hierarchy=hierarchies[preset.level],
            )
        )
        added += 1
    return added


def _add_status_rules(integration: Integration, presets: tuple[StatusRule, ...]) -> int:
    rules = StatusMapping.objects.filter(integration=integration, project_key="", type_name="")
    present = {(fold(rule.from_name), fold(rule.from_category)) for rule in rules}
    steps = _steps_by_name(integration.tenant_id)
    added = 0
    for preset in presets:
        key = (fold(preset.from_name or ""), fold(preset.from_category or ""))
        if key in present:
            continue
        present.add(key)
        step = steps.get(fold(preset.step))
        save_status_rule(
            StatusMapping(
                tenant_id=integration.tenant_id,
                integration=integration,
                from_name=preset.from_name or "",
                from_category=preset.from_category or "",
                target=preset.target,
                category=step.category if step else _default_category(preset.step),
                step=step,
            )
        )
        added += 1
    return added


def _steps_by_name(tenant_id: int) -> dict[str, WorkflowStep]:
    """Return the tenant's steps by folded name; the oldest workflow that has a name gives it."""
    steps: dict[str, WorkflowStep] = {}
    for step in WorkflowStep.objects.filter(tenant_id=tenant_id).order_by("workflow_id", "id"):
        steps.setdefault(fold(step.name), step)
    return steps


def _default_category(step: str) -> StepCategory:
    """Return the category of a default step that the tenant renamed or removed."""
    for name, category in (*ORDERED_STEPS, *UNORDERED_STEPS):
        if fold(name) == fold(step):
            return category
    raise UsageError(f"a starter rule names the step {step!r}, which no workflow has")
