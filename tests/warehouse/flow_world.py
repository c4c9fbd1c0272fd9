"""Puts items, histories and mappings into the tables, and reads the metrics back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from integrations.models import Integration
from mappings.models import StatusMapping, StatusResolution, Workflow, WorkflowStep
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.warehouse.flow_model import Item, Meaning, Metrics, Step
from warehouse.flow import METRICS, recompute
from warehouse.models import Changelog, WorkItem

Pair = tuple[str, str]
"""(project_source_id, type_source_id)"""

_numbers = count(1)
_PAGE: dict[str, Any] = {"raw_page_id": 1, "raw_position": 0, "changed_seq": 1}


@dataclass
class World:
    """An integration of a tenant. Its methods are to be called inside the tenant's scope."""

    tenant: Tenant = field(default_factory=lambda: new_tenant())
    integration: Integration = field(init=False)

    def __post_init__(self) -> None:
        with tenant_scope(self.tenant.pk):
            self.integration = Integration.objects.create(
                tenant=self.tenant, provider="jira", name=f"jira-{next(_numbers)}"
            )

    @property
    def owner(self) -> dict[str, Any]:
        return {"tenant_id": self.tenant.pk, "integration_id": self.integration.pk}

    def map_statuses(self, meanings: Mapping[Pair, Mapping[str, Meaning]]) -> None:
        """Store workflows, rules and resolutions that give each pair's statuses these meanings."""
        workflows: dict[tuple[Step, ...], list[WorkflowStep]] = {}
        rules = []
        for pair, statuses in meanings.items():
            for status, meaning in statuses.items():
                if meaning.workflow not in workflows:
                    workflows[meaning.workflow] = self._store_workflow(meaning.workflow)
                steps = workflows[meaning.workflow]
                step = steps[meaning.workflow.index(meaning.step)] if meaning.step else None
                rules.append((pair, status, self._rule(meaning, step)))
        StatusMapping.objects.bulk_create([rule for *_, rule in rules])
        StatusResolution.objects.bulk_create(
            StatusResolution(
                **self.owner,
                project_source_id=project,
                type_source_id=type_,
                status_source_id=status,
                mapping=rule,
            )
            for (project, type_), status, rule in rules
        )

    def _rule(self, meaning: Meaning, step: WorkflowStep | None) -> StatusMapping:
        return StatusMapping(
            **self.owner,
            from_name=f"name {next(_numbers)}",
            target="target",
            category=meaning.category,
            step=step,
        )

    def _store_workflow(self, steps: Sequence[Step]) -> list[WorkflowStep]:
        workflow = Workflow.objects.create(tenant=self.tenant, name=f"workflow {next(_numbers)}")
        stored: list[WorkflowStep] = WorkflowStep.objects.bulk_create(
            WorkflowStep(
                tenant=self.tenant,
                workflow=workflow,
                name=f"step {number}",
                position=step.position,
                category=step.category,
                is_commitment_point=step.is_commitment_point,
            )
            for number, step in enumerate(steps)
        )
        return stored

    def store(self, items: Sequence[tuple[Pair, Item]]) -> None:
        """Store items under the source ids 0, 1, 2, …; every status change beside another one."""
        WorkItem.objects.bulk_create(
            self._item_row(str(number), pair, item) for number, (pair, item) in enumerate(items)
        )
        Changelog.objects.bulk_create(
            row
            for number, (_, item) in enumerate(items)
            for row in self._changes(str(number), item)
        )

    def _item_row(self, source_id: str, pair: Pair, item: Item) -> WorkItem:
        return WorkItem(
            **self.owner,
            **_PAGE,
            source_id=source_id,
            key=f"KEY-{source_id}",
            project_source_id=pair[0],
            project_key="KEY",
            type_source_id=pair[1],
            source_type="Story",
            status_source_id=item.status,
            source_status=item.status,
            title="A title",
            created_at=item.created_at,
            updated_at=item.created_at,
            fetched_at=datetime(2026, 1, 1, tzinfo=UTC),
            digest=1,
            fingerprint=1,
            history_complete=item.history_complete,
            all_changes_loaded=item.history_complete,
        )

    def _changes(self, source_id: str, item: Item) -> list[Changelog]:
        common = {**self.owner, **_PAGE, "work_item_source_id": source_id}
        rows = [
            Changelog(
                **common,
                source_id=change.history,
                position=change.position,
                is_status=True,
                from_value=change.left,
                to_value=change.entered,
                changed_at=change.at,
            )
            for change in item.changes
        ]
        noise = [
            Changelog(
                **common,
                source_id="0",
                position=number,
                field="assignee",
                is_status=False,
                from_value=change.entered,
                to_value=change.left,
                changed_at=item.created_at,
            )
            for number, change in enumerate(item.changes)
        ]
        return [*rows, *noise]

    def recompute(self, condition: str = "true", *parameters: str, changed_seq: int = 100) -> int:
        """Compute the metrics of stored items; return how many rows changed."""
        return recompute(self.tenant.pk, self.integration.pk, condition, parameters, changed_seq)

    def metrics(self) -> list[Metrics]:
        """Return the stored metrics of the items in the order of their numbers."""
        rows = WorkItem.objects.filter(**self.owner).values_list("source_id", *METRICS)
        found = {int(source_id): Metrics(*values) for source_id, *values in rows}
        return [found[number] for number in range(len(found))]


def new_tenant() -> Tenant:
    """Return a stored tenant that nobody else uses."""
    name = f"tenant-{next(_numbers)}"
    return Tenant.objects.create(name=name, slug=name)
