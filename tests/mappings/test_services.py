"""Writing rules: what is stored can be matched, and what refers to what stays whole."""

import pytest

from common.errors import UsageError
from mappings.checks import RuleError
from mappings.models import StatusMapping, WitHierarchy, WitMapping, Workflow, WorkflowStep
from mappings.seeds import seed_tenant
from mappings.services import (
    delete_step,
    delete_workflow,
    move_to_level,
    move_to_step,
    save_status_rule,
    save_type_rule,
    write_steps,
)
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.warehouse.flow_world import new_tenant

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(db: None) -> Tenant:
    """A tenant with the default hierarchy and workflow."""
    made = new_tenant()
    with tenant_scope(made.pk):
        seed_tenant(made.pk)
    return made


def step(name: str) -> WorkflowStep:
    found: WorkflowStep = WorkflowStep.objects.get(name=name)
    return found


def status_rule(tenant: Tenant, name: str, at: str) -> StatusMapping:
    return save_status_rule(
        StatusMapping(tenant=tenant, from_name=name, target=name, category="to_do", step=step(at))
    )


def test_names_are_stored_folded_and_the_category_is_the_steps(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        rule = status_rule(tenant, "  In  PROGRESS ", "In Progress")
        assert (rule.from_name, rule.category) == ("in progress", "in_progress")


def test_a_rule_that_names_another_tenants_level_is_refused_like_one_of_none(
    tenant: Tenant,
) -> None:
    other = new_tenant()
    with tenant_scope(other.pk):
        seed_tenant(other.pk)
        foreign = WitHierarchy.objects.get(level=0)
    with tenant_scope(tenant.pk), pytest.raises(UsageError, match="there is no"):
        save_type_rule(WitMapping(tenant=tenant, from_name="bug", target="Bug", hierarchy=foreign))


def test_rules_move_from_one_level_to_another(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        story, epic = (WitHierarchy.objects.get(level=level) for level in (0, 1))
        rule = WitMapping(tenant=tenant, from_name="bug", target="Bug", hierarchy=story)
        save_type_rule(rule)
        assert move_to_level(tenant.pk, story.pk, epic) == 1
        rule.refresh_from_db()
        assert rule.hierarchy_id == epic.pk


def test_rules_take_the_category_of_the_step_to_which_they_move(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        rule = status_rule(tenant, "doing", "In Progress")
        assert move_to_step(tenant.pk, step("In Progress").pk, step("Ready for Prod")) == 1
        rule.refresh_from_db()
        assert (rule.step_id, rule.category) == (step("Ready for Prod").pk, "waiting")
        assert move_to_step(tenant.pk, step("Ready for Prod").pk, None) == 1
        rule.refresh_from_db()
        assert (rule.step_id, rule.category) == (None, "waiting")


def test_steps_swap_names_and_keep_their_ids(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        workflow = Workflow.objects.get()
        first, second = step("Backlog"), step("Refinement")
        first.name, second.name = second.name, first.name
        write_steps(workflow, [first, second])
        assert step("Backlog").pk == second.pk
        assert step("Refinement").pk == first.pk
        assert workflow.steps.count() == 12


def test_two_steps_of_one_name_are_refused_before_anything_is_written(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        workflow = Workflow.objects.get()
        first = step("Backlog")
        second = WorkflowStep(name="BACKLOG", position=12, category="done")
        with pytest.raises(RuleError, match="same name"):
            write_steps(workflow, [first, second])
        assert workflow.steps.count() == 12


def test_a_deleted_step_leaves_no_gap(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        delete_step(step("Refinement"))
        numbers = WorkflowStep.objects.exclude(position=None).order_by("position")
        assert list(numbers.values_list("position", flat=True)) == list(range(1, 11))
        delete_step(step("Discarded"))
        assert numbers.count() == 10


def test_a_workflow_is_deleted_with_its_steps(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        delete_workflow(Workflow.objects.get())
        assert not WorkflowStep.objects.exists()
