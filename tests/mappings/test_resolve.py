"""What occurs points at the rule it falls under, whatever came first."""

from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.models import Integration
from mappings.models import Status, StatusMapping, StatusResolution, Wit, WitMapping, WitResolution
from mappings.models.work_item_type import WitHierarchy
from mappings.resolve import Changed, resolve
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope

pytestmark = pytest.mark.django_db

LINEAGE: dict[str, Any] = {
    "raw_page_id": 1,
    "raw_position": 0,
    "fetched_at": datetime(2026, 1, 1, tzinfo=UTC),
    "digest": 1,
    "fingerprint": 1,
    "changed_seq": 1,
    "authority": 3,
}
KEYS = {"100": "SHOP", "200": "OPS"}
NOTHING = Changed(types=frozenset(), statuses=frozenset())


class Site:
    """One tenant's integration with two projects, one type, one status, all that occurs."""

    def __init__(self, slug: str) -> None:
        self.tenant = Tenant.objects.create(name=slug, slug=slug)
        with tenant_scope(self.tenant.pk):
            self.integration = Integration.objects.create(
                tenant=self.tenant, provider="jira", name="jira"
            )
            self.level = WitHierarchy.objects.create(tenant=self.tenant, level=0, name="Story")
            for project in KEYS:
                WitResolution.objects.create(
                    **self.owner, project_source_id=project, type_source_id="1"
                )
                StatusResolution.objects.create(
                    **self.owner,
                    project_source_id=project,
                    type_source_id="1",
                    status_source_id="3",
                )

    @property
    def owner(self) -> dict[str, Any]:
        return {"tenant": self.tenant, "integration": self.integration}

    def learn(self, status_name: str = "Doing", type_name: str = "Story") -> None:
        """Store what the source says of its type and status."""
        Wit.objects.create(**self.owner, source_id="1", name=type_name, level=0, **LINEAGE)
        Status.objects.create(
            **self.owner, source_id="3", name=status_name, category="indeterminate", **LINEAGE
        )

    def rule(self, **values: Any) -> StatusMapping:
        rule: StatusMapping = StatusMapping.objects.create(
            tenant=self.tenant, target="Doing", category="in_progress", **values
        )
        return rule

    def resolve(self) -> Changed:
        return resolve(self.tenant.pk, self.integration.pk, KEYS)

    def mapped(self) -> dict[str, int | None]:
        rows = StatusResolution.objects.values_list("project_source_id", "mapping_id")
        return dict(rows)


@pytest.fixture
def site() -> Site:
    return Site("acme")


def test_what_occurs_falls_under_the_narrowest_rule_of_its_project(site: Site) -> None:
    with tenant_scope(site.tenant.pk):
        site.learn()
        wide, narrow = site.rule(from_name="doing"), site.rule(from_name="doing", project_key="OPS")
        changed = site.resolve()
        assert changed.statuses == {("100", "1"), ("200", "1")}
        assert site.mapped() == {"100": wide.pk, "200": narrow.pk}
        assert site.resolve() == NOTHING


def test_a_status_that_is_learnt_after_it_occurred_is_resolved_then(site: Site) -> None:
    with tenant_scope(site.tenant.pk):
        rule = site.rule(from_name="doing")
        assert site.resolve() == NOTHING
        site.learn()
        assert site.resolve().statuses == {("100", "1"), ("200", "1")}
        assert set(site.mapped().values()) == {rule.pk}


def test_only_the_pairs_whose_rule_changed_are_named(site: Site) -> None:
    with tenant_scope(site.tenant.pk):
        site.learn()
        site.rule(from_category="indeterminate")
        site.resolve()
        rule = site.rule(from_name="doing", project_key="SHOP")
        assert site.resolve() == Changed(types=frozenset(), statuses=frozenset({("100", "1")}))
        StatusMapping.objects.filter(pk=rule.pk).update(is_active=False)
        assert site.resolve().statuses == {("100", "1")}


def test_a_renamed_status_leaves_its_rule(site: Site) -> None:
    with tenant_scope(site.tenant.pk):
        site.learn()
        site.rule(from_name="doing")
        site.resolve()
        Status.objects.update(name="Somewhere else")
        assert site.resolve().statuses == {("100", "1"), ("200", "1")}
        assert site.mapped() == {"100": None, "200": None}


def test_a_status_rule_may_name_a_type_by_either_of_its_names(site: Site) -> None:
    with tenant_scope(site.tenant.pk):
        site.learn(type_name="Historia")
        Wit.objects.update(untranslated_name="Story")
        rule = site.rule(from_name="doing", type_name="story")
        site.resolve()
        assert set(site.mapped().values()) == {rule.pk}


def test_a_type_falls_under_its_level_until_a_rule_names_it(site: Site) -> None:
    with tenant_scope(site.tenant.pk):
        site.learn()
        common = {"tenant": site.tenant, "hierarchy": site.level, "target": "Story"}
        by_level = WitMapping.objects.create(**common, from_level=0)
        assert site.resolve().types == {("100", "1"), ("200", "1")}
        by_name = WitMapping.objects.create(**common, from_name="story", project_key="OPS")
        assert site.resolve() == Changed(types=frozenset({("200", "1")}), statuses=frozenset())
        rows = dict(WitResolution.objects.values_list("project_source_id", "mapping_id"))
        assert rows == {"100": by_level.pk, "200": by_name.pk}


def test_another_tenants_rules_and_rows_are_left_alone(site: Site) -> None:
    other = Site("other")
    with tenant_scope(other.tenant.pk):
        other.learn()
        other.rule(from_name="doing")
    with tenant_scope(site.tenant.pk):
        site.learn()
        assert site.resolve() == NOTHING
    with every_tenant("look at both"):
        assert not StatusResolution.objects.filter(mapping__isnull=False).exists()


def test_resolving_a_thousand_occurrences_takes_few_statements(
    site: Site, django_assert_max_num_queries: Any
) -> None:
    with tenant_scope(site.tenant.pk):
        site.learn()
        site.rule(from_name="doing")
        StatusResolution.objects.bulk_create(
            StatusResolution(
                **site.owner, project_source_id="100", type_source_id=str(n), status_source_id="3"
            )
            for n in range(1000, 2000)
        )
        with django_assert_max_num_queries(12):
            assert len(site.resolve().statuses) == 1002
