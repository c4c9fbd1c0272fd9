"""Files of workflows: a row a step, with its workflow; one without a step is an empty workflow."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from mappings.book import Row, RowChange, delete_rows, write_rows
from mappings.exchange.names import Names
from mappings.exchange.reading import Problem
from mappings.exchange.table import (
    Edits,
    Existing,
    Key,
    RowReader,
    Table,
    category_label,
    yes_or_no,
)
from mappings.models import StatusMapping, StepCategory, Workflow, WorkflowStep
from mappings.rules import fold

_NAME: Final = 100
_AT_ONCE = 500


class Workflows(Table):
    """Workflows with their steps.

    A row has, beside the columns of a step but for its workflow: workflow (name) and
    workflow_active. name is empty where the workflow has no step.
    """

    slug, title = "workflows", "Workflows"
    model = WorkflowStep
    columns = (
        "workflow",
        "workflow active",
        "number",
        "step",
        "category",
        "commitment point",
    )
    naming = ("workflow", "step")
    page = "mappings_workflow"

    def existing(self, names: Names) -> Iterator[Existing]:
        steps: dict[int, list[Existing]] = defaultdict(list)
        rows = WorkflowStep.objects.filter(tenant_id=names.tenant_id)
        for step in rows.select_related("workflow"):
            row = {
                "workflow": step.workflow.name,
                "workflow_active": step.workflow.is_active,
                "name": step.name,
                "position": step.position,
                "category": step.category,
                "is_commitment_point": step.is_commitment_point,
            }
            steps[step.workflow_id].append(Existing(step.pk, row))
        for workflow in Workflow.objects.filter(tenant_id=names.tenant_id).order_by("pk"):
            empty = Existing(None, _empty(workflow.name, workflow.is_active))
            yield from steps.get(workflow.pk, [empty])

    def key(self, row: Row) -> Key:
        return fold(row["workflow"]), fold(row["name"])

    def exact_key(self, row: Row) -> Key:
        return row["workflow"], row["name"]

    def cells(self, row: Row, names: Names) -> dict[str, str]:
        return {
            "workflow": row["workflow"],
            "workflow active": yes_or_no(row["workflow_active"]),
            "number": "" if row["position"] is None else str(row["position"]),
            "step": row["name"],
            "category": category_label(row["category"]),
            "commitment point": yes_or_no(row["is_commitment_point"]) if row["name"] else "",
        }

    def read(self, reader: RowReader, names: Names) -> Row:
        name = reader.text("step", _NAME)
        row = {
            "workflow": reader.text("workflow", _NAME, is_needed=True),
            "workflow_active": reader.flag("workflow active", empty=True),
            "name": name,
            "position": reader.whole("number", 1, 32_767),
            "category": reader.choice("category", StepCategory.choices, is_needed=bool(name)),
            "is_commitment_point": reader.flag("commitment point", empty=False),
        }
        if not name and (row["position"] or row["category"] or row["is_commitment_point"]):
            reader.complain("step", "is empty; a row without a step says only that a workflow is")
        return row

    def check(self, wanted: Sequence[tuple[int, Row]], kept: Iterable[Row]) -> Iterator[Problem]:
        stays: dict[str, list[Row]] = defaultdict(list)
        for row in kept:
            stays[fold(row["workflow"])].append(row)
        groups: dict[str, list[tuple[int, Row]]] = defaultdict(list)
        for number, row in wanted:
            groups[fold(row["workflow"])].append((number, row))
        for key, rows in groups.items():
            yield from _check_workflow(rows, stays.get(key, []))

    def gone(self, left_over: list[Existing], wanted: Sequence[tuple[int, Row]]) -> list[Existing]:
        """A workflow without a step is not gone where the file gives it some."""
        named = {fold(row["workflow"]) for _, row in wanted}
        return [
            existing
            for existing in left_over
            if existing.row["name"] or fold(existing.row["workflow"]) not in named
        ]

    def write(self, names: Names, edits: Edits) -> None:
        wanted = [*edits.added, *(row for _, row in edits.changed)]
        ids = _write_workflows(names, wanted)
        table = WorkflowStep._meta.db_table
        changes = [
            RowChange(table, existing.row_id, None, _step(row, ids))
            for existing, row in edits.changed
            if existing.row_id is not None
        ]
        changes += [
            RowChange(table, existing.row_id, existing.row, None)
            for existing in edits.removed
            if existing.row_id is not None
        ]
        write_rows(names.tenant_id, changes)
        new = [row for existing, row in edits.changed if existing.row_id is None]
        WorkflowStep.objects.bulk_create(
            [
                WorkflowStep(tenant_id=names.tenant_id, **_step(row, ids))
                for row in (*edits.added, *new)
                if row["name"]
            ],
            batch_size=_AT_ONCE,
        )
        _take_categories_along(names, edits.changed)
        _remove_emptied(names, wanted, edits.removed)


def _empty(name: str, is_active: bool) -> Row:
    return {
        "workflow": name,
        "workflow_active": is_active,
        "name": "",
        "position": None,
        "category": "",
        "is_commitment_point": False,
    }


def _step(row: Row, ids: Mapping[str, int]) -> dict[str, Any]:
    columns = ("name", "position", "category", "is_commitment_point")
    return {"workflow_id": ids[fold(row["workflow"])], **{each: row[each] for each in columns}}


def _write_workflows(names: Names, wanted: Iterable[Row]) -> dict[str, int]:
    """Make and change workflows as rows say; return ids by folded name."""
    present: dict[str, Workflow] = {}
    for workflow in Workflow.objects.filter(tenant_id=names.tenant_id).order_by("pk"):
        present.setdefault(fold(workflow.name), workflow)
    changed: dict[str, Workflow] = {}
    for row in wanted:
        key, values = fold(row["workflow"]), (row["workflow"], row["workflow_active"])
        if key not in present:
            present[key] = Workflow.objects.create(
                tenant_id=names.tenant_id, name=values[0], is_active=values[1]
            )
        found = present[key]
        if (found.name, found.is_active) != values:
            found.name, found.is_active = values
            changed[key] = found
    Workflow.objects.bulk_update(changed.values(), ["name", "is_active"], _AT_ONCE)
    return {key: each.pk for key, each in present.items()}


def _take_categories_along(names: Names, changed: Iterable[tuple[Existing, Row]]) -> None:
    """Rules of a step have its category."""
    for existing, row in changed:
        if existing.row_id is not None and existing.row["category"] != row["category"]:
            rules = StatusMapping.objects.filter(tenant_id=names.tenant_id, step_id=existing.row_id)
            rules.update(category=row["category"])


def _remove_emptied(names: Names, wanted: Iterable[Row], removed: Iterable[Existing]) -> None:
    """Remove the workflows of removed rows that have no step left and that no row names."""
    named = {fold(row["workflow"]) for row in wanted}
    gone = {fold(existing.row["workflow"]) for existing in removed} - named
    empty = Workflow.objects.filter(tenant_id=names.tenant_id, steps=None)
    ids = [pk for pk, name in empty.values_list("pk", "name") if fold(name) in gone]
    delete_rows(Workflow, names.tenant_id, ids)


def _check_workflow(rows: list[tuple[int, Row]], kept: list[Row]) -> Iterator[Problem]:
    name = rows[0][1]["workflow"]
    first = rows[0][1]["workflow_active"]
    for number, row in rows:
        if row["workflow_active"] != first:
            yield Problem(
                number, "workflow active", f"differs from the first row of workflow {name}"
            )
    for number, row in rows:
        if not row["name"] and len(rows) > 1:
            yield Problem(number, "step", f"is empty, yet workflow {name} has steps")
    steps = [(number, row) for number, row in rows if row["name"]]
    if steps:
        yield from _check_numbers(name, steps, kept)
        yield from _check_commitment(name, steps, kept)


def _check_numbers(name: str, steps: list[tuple[int, Row]], kept: list[Row]) -> Iterator[Problem]:
    taken = {row["position"]: f"step {row['name']}, which is not in the file" for row in kept}
    for number, row in steps:
        position = row["position"]
        if position is None:
            continue
        if position in taken:
            yield Problem(number, "number", f"{position} is also the number of {taken[position]}")
        else:
            taken[position] = f"step {row['name']} in row {number}"
    numbers = {each for each in taken if each is not None}
    lacking = [each for each in range(1, len(numbers) + 1) if each not in numbers]
    if lacking and numbers:
        beyond = max(numbers)
        at = next((n for n, row in steps if row["position"] == beyond), steps[0][0])
        some = ", ".join(str(each) for each in lacking[:5])
        yield Problem(
            at,
            "number",
            f"the steps of workflow {name} are numbered from 1 without a gap; missing: {some}",
        )


def _check_commitment(
    name: str, steps: list[tuple[int, Row]], kept: list[Row]
) -> Iterator[Problem]:
    first = next(
        (
            f"step {row['name']}, which is not in the file"
            for row in kept
            if row["is_commitment_point"]
        ),
        "",
    )
    for number, row in steps:
        if not row["is_commitment_point"]:
            continue
        if row["position"] is None:
            yield Problem(number, "number", "is empty; the commitment point needs a number")
        if first:
            yield Problem(
                number,
                "commitment point",
                f"a workflow has exactly one, and {name} has {first} already",
            )
        first = first or f"step {row['name']} in row {number}"
    if not first:
        yield Problem(
            steps[0][0],
            "commitment point",
            f"no step of workflow {name} is it; exactly one must be",
        )
