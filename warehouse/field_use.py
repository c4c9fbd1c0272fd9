"""What work items have in custom fields, as `mappings.field_use` asks for it.

Only the work items of a tenant that changed last are looked at, so that no page reads a million.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import connection

from mappings.field_use import LOOKED_AT, FieldKey, FieldSample, FieldUse, FieldValue
from warehouse.field_impact import shown_mapped, shown_value
from warehouse.json_words import Sql, literal
from warehouse.mapped_fields import FieldRule, mapped_fields_sql
from warehouse.merge import fetch

SHOWN_EXAMPLES: Final = 3
SHOWN_VALUES: Final = 10
_READ_FOR_EXAMPLES: Final = 200
_SOURCE_LENGTH: Final = 200
_NAMES: Final = ("value", "displayName", "name", "key")

# How many items are looked at, and each field with a value and how often; {0} is the id of an
# integration, {1} its items.
_COUNTS: Final = {
    "postgresql": "SELECT {0}, NULL, COUNT(*) FROM ({1}) w UNION ALL"
    " SELECT {0}, e.key, COUNT(*) FROM ({1}) w, jsonb_each(w.custom_fields) e"
    """ WHERE e.value NOT IN ('null', '""', '[]', '{{}}') GROUP BY e.key""",
    "sqlite": "SELECT {0}, NULL, COUNT(*) FROM ({1}) w UNION ALL"
    " SELECT {0}, e.key, COUNT(*) FROM ({1}) w, json_each(w.custom_fields) e"
    " WHERE e.type <> 'null' AND e.value NOT IN ('', '[]', '{{}}') GROUP BY e.key",
}


class WarehouseFieldUses:
    """All of `mappings.field_use.FieldUses`."""

    def uses(self, tenant_id: int, integration_ids: Iterable[int]) -> Mapping[FieldKey, FieldUse]:
        """Return how much each field is used."""
        ids = sorted(set(integration_ids))
        if not ids:
            return {}
        counts = fetch(" UNION ALL ".join(_counts_of(tenant_id, each) for each in ids))
        examples = _examples(tenant_id, ids)
        looked_at = {key: count for key, field, count in counts if field is None}
        return {
            (key, field): FieldUse(looked_at[key], count, examples.get((key, field), ()))
            for key, field, count in counts
            if field is not None
        }

    def sample(self, tenant_id: int, field: FieldKey, target: str, column_name: str) -> FieldSample:
        """Return values of a field, and what a rule with this target makes of them."""
        rule = FieldRule(field[1], target, column_name)
        if not rule.is_readable:
            return FieldSample(0, 0, 0, ())
        name = literal(field[1] if connection.vendor == "postgresql" else f'$."{field[1]}"')
        made = mapped_fields_sql([rule], "w.custom_fields")
        items = _newest(tenant_id, field[0], LOOKED_AT)
        rows = fetch(
            f"SELECT w.id, w.key, CAST(w.custom_fields -> {name} AS text), CAST({made} AS text)"
            f" FROM ({items}) w"
        )
        filled = [row for row in rows if _is_filled(row[2])]
        unfit = sum(row[3] is None for row in filled)
        return FieldSample(len(rows), len(filled), unfit, _values(filled))


def _newest(tenant_id: int, integration_id: int, count: int) -> Sql:
    """Return a SELECT of the live work items of an integration that changed last."""
    return (
        "SELECT * FROM (SELECT w.id, w.key, w.custom_fields FROM work_items w"
        f" WHERE w.tenant_id = {int(tenant_id)} AND w.integration_id = {int(integration_id)}"
        f" AND w.deleted_at IS NULL ORDER BY w.changed_seq DESC LIMIT {int(count)}) n"
    )


def _counts_of(tenant_id: int, integration_id: int) -> Sql:
    items = _newest(tenant_id, integration_id, LOOKED_AT)
    return _COUNTS[connection.vendor].format(int(integration_id), items)


def _examples(tenant_id: int, ids: Sequence[int]) -> dict[FieldKey, list[str]]:
    parts = (
        f"SELECT {each}, CAST(w.custom_fields AS text) FROM"
        f" ({_newest(tenant_id, each, _READ_FOR_EXAMPLES)}) w"
        for each in ids
    )
    found: dict[FieldKey, list[str]] = {}
    for integration_id, text in fetch(" UNION ALL ".join(parts)):
        for field, value in json.loads(text).items():
            shown = found.setdefault((integration_id, field), [])
            words = in_words(value)
            if words and words not in shown and len(shown) < SHOWN_EXAMPLES:
                shown.append(words)
    return found


def in_words(value: Any) -> str:
    """Return a value as the source has it in a few words; empty for none."""
    match value:
        case None | {} if not value:
            return ""
        case dict():
            named = next((value[name] for name in _NAMES if value.get(name)), value)
            return shown_value(json.dumps(named) if isinstance(named, dict) else named)
        case list():
            return shown_value([words for each in value if (words := in_words(each))])
        case bool():
            return str(value).lower()
        case _:
            return shown_value(value).strip()


def _is_filled(text: str | None) -> bool:
    value = json.loads(text) if text else None
    return value not in (None, [], {}) and not (isinstance(value, str) and not value.strip())


def _values(rows: Iterable[tuple[int, str, str, str | None]]) -> list[FieldValue]:
    """Return rows that differ in what the source says, those first of which nothing is made."""
    by_source = {row[2]: row for row in reversed(list(rows))}
    chosen = sorted(by_source.values(), key=lambda row: (row[3] is not None, -row[0]))
    return [
        FieldValue(pk, key, shortened_source(source), ", ".join(shown_mapped(made).values()))
        for pk, key, source, made in chosen[:SHOWN_VALUES]
    ]


def shortened_source(text: str) -> str:
    """Return JSON as it is read best, and not too much of it."""
    text = json.dumps(json.loads(text), ensure_ascii=False)
    return text if len(text) <= _SOURCE_LENGTH else f"{text[: _SOURCE_LENGTH - 1]}…"
