"""Files of the rules: types, statuses, custom fields; and of the levels."""

import re
from collections.abc import Iterable
from typing import Final

from mappings.book import Row
from mappings.exchange.names import Names
from mappings.exchange.table import Key, RowReader, Table, category_label, yes_or_no
from mappings.models import (
    CustomFieldMapping,
    FieldTarget,
    StatusMapping,
    StepCategory,
    WitHierarchy,
    WitMapping,
)
from mappings.rules import LONGEST_NAME, fold

_NAME: Final = LONGEST_NAME
_PLACE: Final = 255
_TARGET: Final = 100
_COLUMN: Final = re.compile(r"\w{1,63}")
_KEY_BYTES: Final = 2_000
"""Of the texts of a rule's unique key: an index of PostgreSQL holds no more than 2,704."""
_LEAST, _MOST = -32_767, 32_767


class Hierarchies(Table):
    """Levels: number and name."""

    slug, title = "hierarchies", "Hierarchies"
    model = WitHierarchy
    columns = ("level", "name", "active")
    naming = ("level",)
    page = "mappings_withierarchy"

    def key(self, row: Row) -> Key:
        return (row["level"],)

    exact_key = key

    def cells(self, row: Row, names: Names) -> dict[str, str]:
        return {
            "level": str(row["level"]),
            "name": row["name"],
            "active": yes_or_no(row["is_active"]),
        }

    def read(self, reader: RowReader, names: Names) -> Row:
        return {
            "level": reader.whole("level", _LEAST, _MOST, is_needed=True),
            "name": reader.text("name", _TARGET, is_needed=True),
            "is_active": reader.flag("active", empty=True),
        }


class WitMappings(Table):
    """Rules for types."""

    slug, title = "wit-mappings", "WIT mappings"
    model = WitMapping
    columns = ("integration", "project", "from name", "from level", "target", "level", "active")
    naming = ("integration", "project", "from name", "from level")
    page = "mappings_witmapping"

    def key(self, row: Row) -> Key:
        return (
            row["integration_id"],
            fold(row["project_key"]),
            fold(row["from_name"]),
            row["from_level"],
        )

    def exact_key(self, row: Row) -> Key:
        return (row["integration_id"], row["project_key"], row["from_name"], row["from_level"])

    def cells(self, row: Row, names: Names) -> dict[str, str]:
        return {
            "integration": names.integrations.get(row["integration_id"], ""),
            "project": row["project_key"],
            "from name": row["from_name"],
            "from level": _number(row["from_level"]),
            "target": row["target"],
            "level": _number(names.levels.get(row["hierarchy_id"])),
            "active": yes_or_no(row["is_active"]),
        }

    def read(self, reader: RowReader, names: Names) -> Row:
        before = len(reader.problems)
        from_name = fold(reader.text("from name", _NAME))
        from_level = reader.whole("from level", _LEAST, _MOST)
        if len(reader.problems) == before and bool(from_name) == (from_level is not None):
            reader.complain(
                "from name",
                "a rule matches by a name or by a source level: fill exactly one of “from name” "
                "and “from level”",
            )
        level = reader.whole("level", _LEAST, _MOST, is_needed=True)
        project_key = reader.text("project", _PLACE)
        _check_length(reader, (project_key, from_name))
        return {
            "integration_id": _integration(reader, names),
            "project_key": project_key,
            "from_name": from_name,
            "from_level": from_level,
            "target": reader.text("target", _TARGET, is_needed=True),
            "hierarchy_id": None
            if level is None
            else reader.found("level", lambda: names.level(level)),
            "is_active": reader.flag("active", empty=True),
        }


class StatusMappings(Table):
    """Rules for statuses. A step says the category; without one the category is given."""

    slug, title = "status-mappings", "Status mappings"
    model = StatusMapping
    columns = (
        "integration",
        "project",
        "type",
        "from name",
        "from category",
        "target",
        "category",
        "workflow",
        "step",
        "active",
    )
    naming = ("integration", "project", "type", "from name", "from category")
    page = "mappings_statusmapping"

    def key(self, row: Row) -> Key:
        return (
            row["integration_id"],
            *(fold(row[each]) for each in ("project_key", "type_name")),
            *(fold(row[each]) for each in ("from_name", "from_category")),
        )

    def exact_key(self, row: Row) -> Key:
        columns = ("integration_id", "project_key", "type_name", "from_name", "from_category")
        return tuple(row[each] for each in columns)

    def cells(self, row: Row, names: Names) -> dict[str, str]:
        step = names.steps.get(row["step_id"])
        return {
            "integration": names.integrations.get(row["integration_id"], ""),
            "project": row["project_key"],
            "type": row["type_name"],
            "from name": row["from_name"],
            "from category": row["from_category"],
            "target": row["target"],
            "category": category_label(step.category if step else row["category"]),
            "workflow": step.workflow if step else "",
            "step": step.name if step else "",
            "active": yes_or_no(row["is_active"]),
        }

    def read(self, reader: RowReader, names: Names) -> Row:
        before = len(reader.problems)
        from_name = fold(reader.text("from name", _NAME))
        from_category = fold(reader.text("from category", _PLACE))
        if len(reader.problems) == before and bool(from_name) == bool(from_category):
            reader.complain(
                "from name",
                "a rule matches by a name or by a source category: fill exactly one of “from "
                "name” and “from category”",
            )
        step_id, category = self._step(reader, names)
        project_key = reader.text("project", _PLACE)
        type_name = fold(reader.text("type", _PLACE))
        _check_length(reader, (project_key, type_name, from_name, from_category))
        return {
            "integration_id": _integration(reader, names),
            "project_key": project_key,
            "type_name": type_name,
            "from_name": from_name,
            "from_category": from_category,
            "target": reader.text("target", _TARGET, is_needed=True),
            "category": category,
            "step_id": step_id,
            "is_active": reader.flag("active", empty=True),
        }

    def _step(self, reader: RowReader, names: Names) -> tuple[int | None, str]:
        workflow, name = reader.text("workflow", _NAME), reader.text("step", _NAME)
        given = reader.choice("category", StepCategory.choices, is_needed=not (workflow or name))
        if not workflow and not name:
            return None, given
        if not workflow or not name:
            lacking = "step" if workflow else "workflow"
            reader.complain(lacking, "is empty; a step is named by its workflow and its own name")
            return None, given
        if reader.found("workflow", lambda: names.workflow(workflow)) is None:
            return None, given
        step = reader.found("step", lambda: names.step(workflow, name))
        if step is None:
            return None, given
        if given and given != step.category:
            reader.notes.append(
                f"Row {reader.number}: the step {step.name} says the category, "
                f"{category_label(step.category)}, and not {category_label(given)}."
            )
        return step.pk, step.category


class CustomFields(Table):
    """Rules for custom fields, which are named by the source's own id, for their names repeat."""

    slug, title = "custom-fields", "Custom fields"
    model = CustomFieldMapping
    columns = ("integration", "field", "field name", "target", "column", "position", "active")
    optional = ("field name",)
    naming = ("integration", "field", "field name")
    page = "mappings_customfieldmapping"

    def key(self, row: Row) -> Key:
        return (row["integration_id"], row["field_source_id"])

    exact_key = key

    def cells(self, row: Row, names: Names) -> dict[str, str]:
        target = row["target"]
        return {
            "integration": names.integrations.get(row["integration_id"], ""),
            "field": row["field_source_id"],
            "field name": names.fields.get((row["integration_id"], row["field_source_id"]), ""),
            "target": str(FieldTarget(target).label) if target in FieldTarget.values else target,
            "column": row["column_name"],
            "position": str(row["position"]),
            "active": yes_or_no(row["is_active"]),
        }

    def read(self, reader: RowReader, names: Names) -> Row:
        integration_id = _integration(reader, names)
        field = reader.text("field", 200)
        name = reader.text("field name", _NAME)
        if integration_id is None and not reader.problems:
            reader.complain("integration", "is empty; a custom field belongs to an integration")
        elif not field and not name:
            reader.complain("field", "is empty; give the source's id of the field, or its name")
        elif not field and integration_id is not None:
            found = reader.found("field name", lambda: names.field(integration_id, name))
            field = found or ""
        target = reader.choice("target", FieldTarget.choices, is_needed=True)
        column = reader.text("column", 63)
        if target and (target == FieldTarget.COLUMN) != bool(column):
            reader.complain("column", "is for the target “A column of our own”, and needed there")
        elif column and not _COLUMN.fullmatch(column):
            reader.complain("column", "may have letters, digits and underscores only")
        return {
            "integration_id": integration_id,
            "field_source_id": field,
            "target": target,
            "column_name": column,
            "position": reader.whole("position", 0, _MOST) or 0,
            "is_active": reader.flag("active", empty=True),
        }


def _check_length(reader: RowReader, texts: Iterable[str]) -> None:
    length = sum(len(text.encode()) for text in texts)
    if length > _KEY_BYTES:
        reader.complain(
            "from name",
            f"what the rule matches by has {length:,} bytes in all; {_KEY_BYTES:,} are possible",
        )


def _integration(reader: RowReader, names: Names) -> int | None:
    name = reader.text("integration", _PLACE)
    return reader.found("integration", lambda: names.integration(name)) if name else None


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
