"""From the names in a file to the tenant's own rows, and back.

Only rows of the tenant are known: what another tenant has is answered like what nobody has.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from integrations.models import Integration
from mappings.models import CustomField, WitHierarchy, Workflow, WorkflowStep
from mappings.rules import fold

_NAMED = 8


@dataclass(frozen=True, slots=True)
class Step:
    """A step, with the name of its workflow."""

    pk: int
    workflow: str
    name: str
    category: str


class Names:
    """All names of a tenant that files use; each kind is read once, in the tenant's scope."""

    def __init__(self, tenant_id: int) -> None:
        self.tenant_id = tenant_id

    @cached_property
    def integrations(self) -> Mapping[int, str]:
        """Names of integrations by id."""
        rows = Integration.objects.filter(tenant_id=self.tenant_id).order_by("name")
        return dict(rows.values_list("pk", "name"))

    @cached_property
    def _integration_ids(self) -> Mapping[str, int]:
        return _by_folded_name(self.integrations)

    @cached_property
    def levels(self) -> Mapping[int, int]:
        """Numbers of levels by id."""
        rows = WitHierarchy.objects.filter(tenant_id=self.tenant_id)
        return dict(rows.values_list("pk", "level"))

    @cached_property
    def _level_ids(self) -> Mapping[int, int]:
        return {level: pk for pk, level in self.levels.items()}

    @cached_property
    def steps(self) -> Mapping[int, Step]:
        """Steps by id."""
        rows = WorkflowStep.objects.filter(tenant_id=self.tenant_id).order_by("workflow_id", "id")
        columns = ("pk", "workflow__name", "name", "category")
        return {row[0]: Step(*row) for row in rows.values_list(*columns)}

    @cached_property
    def _steps_by_name(self) -> Mapping[tuple[str, str], Step]:
        found: dict[tuple[str, str], Step] = {}
        for step in self.steps.values():
            found.setdefault((fold(step.workflow), fold(step.name)), step)
        return found

    @cached_property
    def workflows(self) -> Mapping[int, str]:
        """Names of workflows by id."""
        rows = Workflow.objects.filter(tenant_id=self.tenant_id).order_by("pk")
        return dict(rows.values_list("pk", "name"))

    @cached_property
    def workflow_ids(self) -> Mapping[str, int]:
        """Ids of workflows by folded name."""
        return _by_folded_name(self.workflows)

    @cached_property
    def fields(self) -> Mapping[tuple[int, str], str]:
        """Names of custom fields by integration and the source's id."""
        rows = CustomField.objects.filter(tenant_id=self.tenant_id).order_by("source_id")
        return {(row[0], row[1]): row[2] for row in rows.values_list(*_FIELD)}

    def integration(self, name: str) -> int:
        """Return the id of an integration; raise LookupError with what to say if there is none."""
        found = self._integration_ids.get(fold(name))
        if found is None:
            yours = _listed(self.integrations.values())
            raise LookupError(f"there is no integration “{_cut(name)}”; yours: {yours}")
        return found

    def level(self, number: int) -> int:
        """Return the id of a level."""
        found = self._level_ids.get(number)
        if found is None:
            yours = _listed(str(each) for each in sorted(self._level_ids, reverse=True))
            raise LookupError(f"there is no level {number}; yours: {yours}")
        return found

    def workflow(self, name: str) -> int:
        """Return the id of a workflow."""
        found = self.workflow_ids.get(fold(name))
        if found is None:
            yours = _listed(self.workflows.values())
            raise LookupError(f"there is no workflow “{_cut(name)}”; yours: {yours}")
        return found

    def step(self, workflow: str, name: str) -> Step:
        """Return a step of a workflow."""
        found = self._steps_by_name.get((fold(workflow), fold(name)))
        if found is not None:
            return found
        steps = [each for each in self.steps.values() if fold(each.workflow) == fold(workflow)]
        yours = _listed(each.name for each in steps)
        raise LookupError(
            f"there is no step “{_cut(name)}” in workflow {_cut(workflow)}; its steps: {yours}"
        )

    def field(self, integration_id: int, name: str) -> str:
        """Return the source's id of the only custom field of this name."""
        wanted = fold(name)
        found = [
            source_id
            for (owner, source_id), each in self.fields.items()
            if owner == integration_id and fold(each) == wanted
        ]
        if not found:
            raise LookupError(f"there is no custom field “{_cut(name)}” in this integration")
        if len(found) > 1:
            raise LookupError(
                f"{len(found)} custom fields are called “{_cut(name)}”: give the id of one in "
                f"“field” ({_listed(found)})"
            )
        return found[0]


_FIELD = ("integration_id", "source_id", "name")


def _by_folded_name(names: Mapping[int, str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for pk, name in names.items():
        found.setdefault(fold(name), pk)
    return found


def _cut(name: str) -> str:
    text = " ".join(name.split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def _listed(names: Iterable[Any]) -> str:
    some = [_cut(str(each)) for each in names]
    more = f" and {len(some) - _NAMED} more" if len(some) > _NAMED else ""
    return ", ".join(some[:_NAMED]) + more if some else "none yet"
