"""What must hold of the rules as a whole; looked at before an edit takes effect."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from common.errors import UsageError
from mappings.book import TABLES, Book, Row, RowChange
from mappings.models import CustomFieldMapping, StatusMapping, WitMapping, WorkflowStep
from mappings.rules import fold

# (table, column, table that it refers to, what that is called)
_REFERENCES: Final = (
    ("workflow_steps", "workflow_id", "workflows", "workflow"),
    ("wit_mappings", "hierarchy_id", "wit_hierarchies", "level"),
    ("status_mappings", "step_id", "workflow_steps", "step"),
)
_WITH_INTEGRATION: Final = (WitMapping, StatusMapping, CustomFieldMapping)


class RuleError(UsageError):
    """Rules that cannot be. table, row_id, column: the place, where there is one."""

    def __init__(
        self, message: str, table: str = "", row_id: int | None = None, column: str = ""
    ) -> None:
        super().__init__(message)
        self.table = table
        self.row_id = row_id
        self.column = column


def check(after: Book, changes: Iterable[RowChange], own_integrations: Iterable[int]) -> None:
    """Raise RuleError if what was changed leaves rules that cannot be."""
    changed = list(changes)
    _check_references(after, changed)
    _check_integrations(changed, set(own_integrations))
    _check_workflows(after, changed)


def _check_references(after: Book, changed: list[RowChange]) -> None:
    gone = {(c.table, c.row_id): c for c in changed if c.after is None}
    touched = {(c.table, c.row_id) for c in changed}
    for table, column, target, name in _REFERENCES:
        for row_id, row in after.rows[table].items():
            wanted = row[column]
            if wanted is None or wanted in after.rows[target]:
                continue
            if (target, wanted) in gone:
                what = gone[target, wanted].label
                raise RuleError(
                    f"{what} is still used by {_count_users(after, table, column, wanted)}: move "
                    "them first",
                    target,
                    wanted,
                )
            if (table, row_id) in touched:
                raise RuleError(f"there is no {name} {wanted}", table, row_id, column)


def _count_users(after: Book, table: str, column: str, wanted: int) -> str:
    count = sum(row[column] == wanted for row in after.rows[table].values())
    plural = TABLES[table]._meta.verbose_name_plural if count != 1 else None
    return f"{count} {plural or TABLES[table]._meta.verbose_name}"


def _check_integrations(changed: list[RowChange], own: set[int]) -> None:
    tables = {model._meta.db_table for model in _WITH_INTEGRATION}
    for change in changed:
        if change.table not in tables or change.after is None:
            continue
        wanted = change.after["integration_id"]
        if wanted is not None and wanted not in own:
            raise RuleError(
                f"there is no integration {wanted}", change.table, change.row_id, "integration"
            )


def _check_workflows(after: Book, changed: list[RowChange]) -> None:
    table = WorkflowStep._meta.db_table
    touched = {
        row["workflow_id"]
        for change in changed
        if change.table == table
        for row in (change.before, change.after)
        if row is not None
    }
    touched |= {change.row_id for change in changed if change.table == "workflows"}
    steps: dict[int, dict[int, Row]] = {}
    for row_id, row in after.rows[table].items():
        steps.setdefault(row["workflow_id"], {})[row_id] = row
    for workflow_id in sorted(touched):
        workflow = after.rows["workflows"].get(workflow_id)
        if workflow is not None:
            _check_steps(workflow["name"], steps.get(workflow_id, {}))


def _check_steps(name: str, steps: Mapping[int, Row]) -> None:
    table = WorkflowStep._meta.db_table
    ordered = {key: row for key, row in steps.items() if row["position"] is not None}
    seen: dict[int, Any] = {}
    for row_id, row in ordered.items():
        if row["position"] in seen:
            raise RuleError(
                f"workflow {name}: steps {seen[row['position']]} and {row['name']} both have "
                f"number {row['position']}",
                table,
                row_id,
                "position",
            )
        seen[row["position"]] = row["name"]
    for number in range(1, len(seen) + 1):
        if number not in seen:
            raise RuleError(
                f"workflow {name}: the steps are numbered from 1 without a gap; number {number} "
                "is missing",
                table,
                None,
                "position",
            )
    _check_names(name, steps)
    _check_commitment(name, steps)


def _check_names(name: str, steps: Mapping[int, Row]) -> None:
    seen: dict[str, str] = {}
    for row_id, row in steps.items():
        folded = fold(row["name"])
        if folded in seen:
            raise RuleError(
                f"workflow {name}: steps {seen[folded]} and {row['name']} have the same name",
                WorkflowStep._meta.db_table,
                row_id,
                "name",
            )
        seen[folded] = row["name"]


def _check_commitment(name: str, steps: Mapping[int, Row]) -> None:
    points = {key: row for key, row in steps.items() if row["is_commitment_point"]}
    table = WorkflowStep._meta.db_table
    if not steps:
        return
    if len(points) != 1:
        named = " and ".join(row["name"] for row in points.values())
        raise RuleError(
            f"workflow {name}: one step must be the commitment point; none is"
            if not points
            else f"workflow {name}: exactly one step is the commitment point, not {named}",
            table,
            max(points, default=None),
            "is_commitment_point",
        )
    row_id, row = next(iter(points.items()))
    if row["position"] is None:
        raise RuleError(
            f"workflow {name}: the commitment point {row['name']} needs a number: it says what "
            "comes after it",
            table,
            row_id,
            "position",
        )
