"""What the tenant makes of custom fields: `work_items.mapped_fields` from `custom_fields`.

The shape of it, each member only where there is a value, null where there is none at all:
{"story_points": number, "team": text, "sprint": text, "epic_link": text,
"columns": {"<column_name>": text | number | list of these}}. Which value becomes what is in
`warehouse/field_values.py`. Of the fields that have one target the first that gives something
wins, by the rule's position and id.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection

from mappings.models import CustomFieldMapping, FieldTarget
from warehouse.dialect import distinct
from warehouse.field_values import (
    as_column,
    as_epic,
    as_number,
    as_sprint,
    as_text,
)
from warehouse.json_words import Sql, fence, literal
from warehouse.merge import Batch, execute, fetch

EXACT_UP_TO: Final = 100_000
"""In an integration with more items `count_touched` may say more than it is."""

_PAIRS_AT_ONCE: Final = 40
_READABLE_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,63}")
_COLUMN_NAME: Final = re.compile(r"\w{1,63}")

_READERS: Final[Mapping[str, Callable[[Sql], Sql]]] = {
    FieldTarget.STORY_POINTS: as_number,
    FieldTarget.TEAM: as_text,
    FieldTarget.SPRINT: as_sprint,
    FieldTarget.EPIC_LINK: as_epic,
    FieldTarget.COLUMN: as_column,
}


@dataclass(frozen=True)
class FieldRule:
    """An active rule. column_name: of a column of our own, empty otherwise."""

    field_source_id: str
    target: str
    column_name: str = ""

    @property
    def is_readable(self) -> bool:
        """Whether it can give anything: ids and names that no source or form gives are not read."""
        is_named = not self.column_name or _COLUMN_NAME.fullmatch(self.column_name)
        return bool(_READABLE_ID.fullmatch(self.field_source_id) and is_named)


def active_rules(tenant_id: int, integration_id: int) -> list[FieldRule]:
    """Return the active rules of an integration in the order in which they are tried."""
    rows = CustomFieldMapping.objects.filter(
        tenant_id=tenant_id, integration_id=integration_id, is_active=True
    ).order_by("position", "id")
    return [FieldRule(*row) for row in rows.values_list("field_source_id", "target", "column_name")]


def mapped_fields_sql(rules: Iterable[FieldRule], custom_fields: Sql) -> Sql:
    """Return the expression that gives mapped_fields. custom_fields: the column to read."""
    readable = [rule for rule in rules if rule.is_readable]
    if not readable:
        return f"CAST(NULL AS {_JSON_TYPE[connection.vendor]})"
    fields = list(dict.fromkeys(rule.field_source_id for rule in readable))
    refs = {field: _reference(number, field) for number, field in enumerate(fields)}
    found: dict[tuple[str, str], list[Sql]] = {}
    for rule in readable:
        value = _READERS[rule.target](refs[rule.field_source_id])
        found.setdefault((rule.target, rule.column_name), []).append(value)
    values = ", ".join(f"{_first(each)} AS v{n}" for n, each in enumerate(found.values()))
    named = {key: f"f.v{number}" for number, key in enumerate(found)}
    pairs = [(target, ref) for (target, column), ref in named.items() if not column]
    own = [(column, ref) for (_, column), ref in named.items() if column]
    if own:
        pairs.append(("columns", _object(own)))
    each = f"SELECT {values} FROM {_unpacked(fields, custom_fields)} {fence()}"
    return f"(SELECT {_object(pairs)} FROM ({each}) f)"


_JSON_TYPE: Final = {"postgresql": "jsonb", "sqlite": "text"}


def _reference(number: int, field: str) -> Sql:
    return f'c."{field}"' if connection.vendor == "postgresql" else f"c.f{number}"


def _unpacked(fields: Sequence[str], custom_fields: Sql) -> Sql:
    """Return a FROM item `c` with a column a field: the object is opened once for all of them."""
    if connection.vendor == "postgresql":
        listed = ", ".join(f'"{field}" jsonb' for field in fields)
        return f"jsonb_to_record({custom_fields}) AS c({listed})"
    listed = ", ".join(
        f"""{custom_fields} -> '$."{field}"' AS f{number}""" for number, field in enumerate(fields)
    )
    return f"(SELECT {listed} {fence()}) c"


def _first(values: Sequence[Sql]) -> Sql:
    return values[0] if len(values) == 1 else f"COALESCE({', '.join(values)})"


def _object(pairs: Sequence[tuple[str, Sql]]) -> Sql:
    """Return an object of the members that are not null; null if there are none.

    Functions take a hundred arguments at most.
    """
    parts = [pairs[i : i + _PAIRS_AT_ONCE] for i in range(0, len(pairs), _PAIRS_AT_ONCE)]
    if connection.vendor == "postgresql":
        objects = [
            f"jsonb_build_object({', '.join(f'{literal(k)}, {v}' for k, v in part)})"
            for part in parts
        ]
        return f"NULLIF(jsonb_strip_nulls({' || '.join(objects)}), '{{}}')"
    merged = "'{}'"
    for part in parts:
        listed = ", ".join(f"{literal(k)}, json({v})" for k, v in part)
        merged = f"json_patch({merged}, json_object({listed}))"  # it leaves nulls out
    return f"NULLIF({merged}, '{{}}')"


def apply(batch: Batch) -> int:
    """Write mapped_fields of the integration's items anew; return how many differed.

    Those get the numbers after `batch.changed_seq`. In the transaction of whoever holds the
    tenant's counter lock.
    """
    rules = active_rules(batch.tenant_id, batch.integration_id)
    run_uncompiled()
    written = execute(
        f"UPDATE work_items AS t SET mapped_fields = n.found, changed_seq = {batch.changed_seq}"
        f" + n.nth FROM (SELECT d.id, d.found, ROW_NUMBER() OVER (ORDER BY d.id) AS nth"
        f" FROM {differing(batch, rules)} d) n WHERE t.id = n.id"
    )
    batch.take(written)
    return written


def count_touched(tenant_id: int, integration_id: int) -> int:
    """Return of how many items `apply` would write mapped_fields.

    It is exact while the integration has up to EXACT_UP_TO items, and otherwise at least that
    many: all items that have a value of a field with a rule, or are mapped now.
    """
    batch = Batch(tenant_id, integration_id, 0)
    rules = active_rules(tenant_id, integration_id)
    run_uncompiled()
    some = f"SELECT 1 FROM work_items t WHERE {batch.owns('t')} LIMIT {EXACT_UP_TO + 1}"
    if int(fetch(f"SELECT COUNT(*) FROM ({some}) s")[0][0]) <= EXACT_UP_TO:
        return int(fetch(f"SELECT COUNT(*) FROM {differing(batch, rules)} d")[0][0])
    may = " OR ".join([*_has_any(rules), "t.mapped_fields IS NOT NULL"])
    return int(
        fetch(f"SELECT COUNT(*) FROM work_items t WHERE {batch.owns('t')} AND ({may})")[0][0]
    )


def _has_any(rules: Iterable[FieldRule]) -> list[Sql]:
    fields = sorted({rule.field_source_id for rule in rules if rule.is_readable})
    if not fields:
        return []
    if connection.vendor == "postgresql":
        return [f"t.custom_fields ?| ARRAY[{', '.join(literal(field) for field in fields)}]"]
    return [f"""json_type(t.custom_fields, '$."{field}"') IS NOT NULL""" for field in fields]


def run_uncompiled() -> None:
    """Let PostgreSQL compile nothing until the transaction ends: here that doubles the time."""
    if connection.vendor == "postgresql":
        execute("SET LOCAL jit = off")


def differing(batch: Batch, rules: Sequence[FieldRule], items: Sql = "work_items") -> Sql:
    """Return a FROM item with id, what is mapped (`was`) and what would be (`found`).

    items: what to look at, with the columns of work_items that this needs.
    """
    found = mapped_fields_sql(rules, "t.custom_fields")
    each = (
        f"SELECT t.id, t.mapped_fields AS was, {found} AS found"
        f" FROM {items} t WHERE {batch.owns('t')}"
    )
    differs = distinct("m.found", "m.was")
    return f"(SELECT m.* FROM ({each} {fence()}) m WHERE {differs})"
