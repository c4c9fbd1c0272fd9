"""What a tenant and an integration begin with, and that starting again changes nothing."""

from types import SimpleNamespace

import pytest

from common.errors import UsageError
from integrations.contract import Presets, StatusRule, TypeRule
from integrations.models import Integration
from mappings import seeds
from mappings.models import StatusMapping, WitHierarchy, WitMapping, Workflow, WorkflowStep
from mappings.services import save_status_rule, save_type_rule
from tenants.models import Tenant
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db

PRESETS = Presets(
    types=(
        TypeRule(from_name="Bug", target="Bug", level=0),
        TypeRule(from_level=-1, target="Sub-task", level=-1),
        TypeRule(from_level=7, target="Vision", level=7),
    ),
    statuses=(
        StatusRule(from_name="Won't Do", target="Discarded", step="Discarded"),
        StatusRule(from_category="new", target="To Do", step="to do"),
    ),
)


@pytest.fixture
def tenant() -> Tenant:
    return Tenant.objects.create(name="Acme", slug="acme")


@pytest.fixture
def integration(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Integration:
    connector = SimpleNamespace(presets=PRESETS)
    monkeypatch.setattr(seeds, "connector_for", lambda slug: connector)
    with tenant_scope(tenant.pk):
        row: Integration = Integration.objects.create(tenant=tenant, provider="jira", name="jira")
        return row


def test_a_tenant_begins_with_six_levels_and_twelve_steps(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        seeds.seed_tenant(tenant.pk)
        seeds.seed_tenant(tenant.pk)
        levels = list(WitHierarchy.objects.values_list("level", "name"))
        steps = list(WorkflowStep.objects.values_list("position", "name"))
        assert levels == list(seeds.LEVELS.items())
        assert [position for position, _ in steps] == [*range(1, 12), None]
        assert (steps[0][1], steps[-2][1], steps[-1][1]) == ("Backlog", "Done", "Discarded")
        assert WorkflowStep.objects.get(is_commitment_point=True).name == "To Do"


def test_seeding_leaves_a_tenants_own_levels_and_workflows_alone(tenant: Tenant) -> None:
    with tenant_scope(tenant.pk):
        WitHierarchy.objects.create(tenant=tenant, level=9, name="Dream")
        Workflow.objects.create(tenant=tenant, name="Ours")
        seeds.seed_tenant(tenant.pk)
        assert [row.name for row in WitHierarchy.objects.all()] == ["Dream"]
        assert [row.name for row in Workflow.objects.all()] == ["Ours"]


def test_presets_become_rules_of_the_integration_once(integration: Integration) -> None:
    with tenant_scope(integration.tenant_id):
        seeds.seed_tenant(integration.tenant_id)
        assert seeds.apply_presets(integration) == 5
        assert seeds.apply_presets(integration) == 0
        types = WitMapping.objects.values_list("from_name", "from_level", "hierarchy__level")
        assert sorted(types, key=str) == [("", -1, -1), ("", 7, 7), ("bug", None, 0)]
        statuses = StatusMapping.objects.values_list("from_name", "category", "step__name")
        assert sorted(statuses) == [("", "to_do", "To Do"), ("won't do", "discarded", "Discarded")]


def test_presets_never_touch_what_a_user_edited_or_made(integration: Integration) -> None:
    tenant_id = integration.tenant_id
    with tenant_scope(tenant_id):
        seeds.seed_tenant(tenant_id)
        level = WitHierarchy.objects.get(level=1)
        own = WitMapping(
            tenant_id=tenant_id, integration=integration, from_name="BUG ", target="Defect"
        )
        own.hierarchy = level
        save_type_rule(own)
        assert seeds.apply_presets(integration) == 4
        edited = StatusMapping.objects.get(from_category="new")
        StatusMapping.objects.filter(pk=edited.pk).update(target="Inbox", is_active=False)
        assert seeds.apply_presets(integration) == 0
        assert WitMapping.objects.get(from_name="bug").target == "Defect"
        assert StatusMapping.objects.get(pk=edited.pk).target == "Inbox"


def test_a_preset_survives_that_the_tenant_renamed_its_step(integration: Integration) -> None:
    with tenant_scope(integration.tenant_id):
        seeds.seed_tenant(integration.tenant_id)
        WorkflowStep.objects.filter(name="To Do").update(name="Selected")
        seeds.apply_presets(integration)
        rule = StatusMapping.objects.get(from_category="new")
        assert (rule.step, rule.category) == (None, "to_do")


def test_a_preset_with_a_step_that_nobody_knows_is_refused(
    integration: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    presets = Presets(statuses=(StatusRule(from_name="x", target="x", step="Nowhere"),))
    monkeypatch.setattr(seeds, "connector_for", lambda slug: SimpleNamespace(presets=presets))
    with tenant_scope(integration.tenant_id), pytest.raises(UsageError, match="Nowhere"):
        seeds.apply_presets(integration)


def test_every_providers_presets_can_be_applied(tenant: Tenant) -> None:
    from integrations.registry import connectors

    with tenant_scope(tenant.pk):
        seeds.seed_tenant(tenant.pk)
        for slug, connector in connectors().items():
            row = Integration.objects.create(tenant=tenant, provider=slug, name=slug)
            rules = connector.presets
            assert seeds.apply_presets(row) == len(rules.types) + len(rules.statuses), slug


def test_a_rule_that_could_match_nothing_is_refused(integration: Integration) -> None:
    with tenant_scope(integration.tenant_id):
        for name, category in (("", ""), ("\u200b", ""), ("Done", "done")):
            rule = StatusMapping(
                tenant_id=integration.tenant_id, from_name=name, from_category=category, target="x"
            )
            with pytest.raises(UsageError, match="exactly one"):
                save_status_rule(rule)


def test_a_rule_cannot_name_another_tenants_integration(integration: Integration) -> None:
    other = Tenant.objects.create(name="Other", slug="other")
    with tenant_scope(other.pk):
        rule = StatusMapping(
            tenant=other, integration=integration, from_name="done", target="Done", category="done"
        )
        with pytest.raises(UsageError, match="there is no integration"):
            save_status_rule(rule)
        assert not StatusMapping.objects.exists()
