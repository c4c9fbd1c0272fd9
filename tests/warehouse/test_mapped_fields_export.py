"""Mapped custom fields as they are exported."""

import io
import json

import pyarrow.parquet as pq
import pytest

from mappings.models import CustomFieldMapping
from tenants.scope import tenant_scope
from tests.warehouse.loading import Source, given
from tests.warehouse.test_mapped_fields import COLOUR, POINTS, TEAM, add_rule, apply, item
from warehouse.export import WRITERS, columns_of, rows_of, table_hash

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> Source:
    source = Source()
    add_rule(source, POINTS, "story_points")
    add_rule(source, TEAM, "team")
    add_rule(source, COLOUR, "column", "colour")
    add_rule(source, "customfield_1", "column", "big")
    with_source_points = item(2)
    with_source_points[0].story_points = 8
    source.load(
        given(
            item(1, **{POINTS: "3", TEAM: "=Blue", COLOUR: ["ש", 2], "customfield_1": 1e16}),
            with_source_points,
        )
    )
    return source


def written(source: Source, kind: str) -> bytes:
    out = io.BytesIO()
    with tenant_scope(source.tenant.pk):
        WRITERS[kind](columns_of("work_items"), rows_of("work_items"), out)
    return out.getvalue()


def test_mapped_values_are_exported_and_the_sources_own_points_where_there_are_none(
    source: Source,
) -> None:
    names = ("story_points", "team", "sprint", "epic_link", "custom")
    found = [[row[name] for name in names] for row in source.exported("work_items")]
    assert found == [
        [3.0, "=Blue", None, None, {"big": 1e16, "colour": ["ש", 2.0]}],
        [8.0, None, None, None, None],
    ]


def test_each_format_holds_the_columns_of_our_own(source: Source) -> None:
    own = {"big": 1e16, "colour": ["ש", 2.0]}
    # To the byte, for hashes are compared between databases.
    line = '"custom":{"big":1e16,"colour":["ש",2.0]}'
    assert line in written(source, "jsonl").decode()
    table = pq.read_table(io.BytesIO(written(source, "parquet"))).to_pylist()
    assert [row["custom"] and json.loads(row["custom"]) for row in table] == [own, None]
    csv = written(source, "csv").decode()
    assert "'=Blue" in csv
    assert '"{""big"":1e16,""colour"":[""ש"",2.0]}"' in csv


def test_a_mapped_value_is_part_of_the_hash(source: Source) -> None:
    def hashed() -> str:
        with tenant_scope(source.tenant.pk):
            return table_hash("work_items")

    before = hashed()
    add_rule(source, "customfield_9", "team", position=9)
    assert apply(source) == 0
    assert hashed() == before
    with tenant_scope(source.tenant.pk):
        CustomFieldMapping.objects.filter(field_source_id=COLOUR).update(is_active=False)
    assert apply(source) == 1
    assert hashed() != before
