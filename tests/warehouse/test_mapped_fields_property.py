"""Random values, rules and items: the SQL and the plain model make the same of custom fields."""

import json
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from mappings.models import FieldTarget
from tests.warehouse.field_model import mapped
from warehouse.mapped_fields import FieldRule, mapped_fields_sql

pytestmark = pytest.mark.django_db

FIELDS = ("customfield_10001", "customfield_10002", "Kunde-Nr.7")
SPRINT = "com.atlassian.greenhopper.service.sprint.Sprint@1f[id=7,rapidViewId=2,state={},name={}{}]"

texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
    st.sampled_from(
        ["5", "+5", "-0.5", "05", "1.", ".5", "1e3", "1,5", "123456789.123456", "1234567890", "٣"]
    ),
    st.sampled_from(["three", " 8 \n", "\u00a07", "true", "null", "<null>", "it's", 'a "b"', "\\"]),
    st.sampled_from(["=1+1", "]", ",name=", "5\n", "\t", "🎉", "ש"]),
)
sprints = st.builds(
    SPRINT.format,
    st.sampled_from(["ACTIVE", "CLOSED", "FUTURE"]),
    st.sampled_from(["Sprint 1", "A, B", "x]", "<null>", "", " padded ", "a,goal", "n,name=m"]),
    st.sampled_from(
        ["", ",startDate=<null>,goal=", ",goal=,sequence=7", ",endDate=x,state=ACTIVE"]
    ),
)
numbers = st.one_of(
    st.integers(-20, 20),
    st.integers(-(10**18), 10**18),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.1 + 0.2, 5.0, -0.0, 1e9, 1000000000.5, 10**15 - 1, 10**15, 1e16]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, texts, sprints)
members = st.sampled_from(
    ["value", "displayName", "name", "key", "child", "data", "state", "id", "it's", 'a"b', "$.x"]
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(members, inner, max_size=5)
    ),
    max_leaves=8,
)
rules = st.lists(
    st.one_of(
        st.builds(
            FieldRule,
            st.sampled_from(FIELDS),
            st.sampled_from([t.value for t in FieldTarget if t != FieldTarget.COLUMN]),
        ),
        st.builds(
            FieldRule,
            st.sampled_from(FIELDS),
            st.just("column"),
            st.sampled_from(["kunde", "größe", "x_1"]),
        ),
    ),
    max_size=7,
)
items = st.dictionaries(st.sampled_from([*FIELDS, "customfield_1"]), values, max_size=4)


def by_sql(found: list[FieldRule], custom_fields: dict[str, Any]) -> Any:
    kind = "jsonb" if connection.vendor == "postgresql" else "text"
    expression = mapped_fields_sql(found, "s.c").replace("%", "%%")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {expression} FROM (SELECT CAST(%s AS {kind}) AS c) s",
            [json.dumps(custom_fields)],
        )
        (text,) = cursor.fetchone()
    # As doubles: jsonb writes out all digits of a large one.
    return None if text is None else json.loads(text, parse_int=float)


CASCADE = {"value": "A", "child": {"value": "B"}}


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
@given(found=rules, custom_fields=items)
@example([FieldRule(FIELDS[0], "team")], {FIELDS[0]: [None, {"id": 1}, CASCADE]})
@example([FieldRule(FIELDS[0], "column", "x_1")], {FIELDS[0]: [CASCADE, 0.1 + 0.2, True, []]})
@example([FieldRule(FIELDS[0], "story_points")], {FIELDS[0]: {"value": "13"}})
def test_sql_and_model_make_the_same_of_custom_fields(
    found: list[FieldRule], custom_fields: dict[str, Any]
) -> None:
    assert by_sql(found, custom_fields) == mapped(found, custom_fields)


@pytest.mark.parametrize("target", [each.value for each in FieldTarget])
def test_every_value_is_made_into_what_the_model_says(target: str) -> None:
    rule = FieldRule(FIELDS[0], target, "kunde" if target == "column" else "")

    @settings(
        max_examples=400,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(value=values)
    def agree(value: Any) -> None:
        custom_fields = {FIELDS[0]: value}
        assert by_sql([rule], custom_fields) == mapped([rule], custom_fields)

    agree()


def test_more_columns_than_a_function_takes_arguments_are_all_there() -> None:
    many = [FieldRule(f"customfield_{n}", "column", f"c{n}") for n in range(150)]
    item = {f"customfield_{n}": n for n in range(150)}
    assert by_sql(many, item) == {"columns": {f"c{n}": n for n in range(150)}}


@pytest.mark.parametrize("field", ['a"b', "a'b", "x" * 64, "", "ä", "a; DROP TABLE wits", "a\0b"])
def test_an_id_that_no_source_gives_is_not_read(field: str) -> None:
    assert by_sql([FieldRule(field, "team")], {field.replace("\0", ""): "x"}) is None
    name = FieldRule(FIELDS[0], "column", field[:63] + "'")
    assert by_sql([name], {FIELDS[0]: "x"}) is None
