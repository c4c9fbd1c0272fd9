"""Where a path leads in a JSON text."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.jsonplaces import find, steps_of, value_at

RECORD = """
{"id": "1", "fields": {"status": {"name": "To Do"}, "labels": ["a", "b"], "none": null,
 "twice": 1, "twice": 2, "a]\\"b": {"x": 1}},
 "log": [{"id": 7, "items": [{"to": "x"}]}, {"id": "8", "items": [{"to": "\\u00fc"}, {"to": "z"}]}]}
"""


def at(path: str) -> Any:
    place = find(RECORD, [path])
    assert place is not None
    assert place.is_whole
    return value_at(RECORD, place)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", "1"),
        ("fields.status.name", "To Do"),
        ("fields.labels", ["a", "b"]),
        ("fields.labels[1]", "b"),
        ("fields.none", None),
        ("fields.twice", 2),
        ("log[0].items[0].to", "x"),
        ("log[id=7].items[0].to", "x"),
        ("log[id=8].items[0].to", "ü"),
        ("log[id=8].items[1]", {"to": "z"}),
    ],
)
def test_a_path_leads_to_its_value(path: str, value: object) -> None:
    assert at(path) == value


def test_a_selection_is_told_by_its_index() -> None:
    place = find(RECORD, ["log[id=8].items[1].to"])
    assert place is not None
    assert place.path == "log[1].items[1].to"


def test_a_place_begins_with_the_name_of_its_member() -> None:
    place = find(RECORD, ["fields.status"])
    assert place is not None
    assert RECORD[place.start : place.end] == '"status": {"name": "To Do"}'


def test_the_first_path_that_is_there_holds() -> None:
    place = find(RECORD, ["fields.other.name", "fields.none", "id"])
    assert place is not None
    assert place.path == "fields.none"


def test_without_any_the_furthest_that_is_there_is_told() -> None:
    place = find(RECORD, ["fields.none.name", "fields.nothing", "log[id=9].items"])
    assert place is not None
    assert not place.is_whole
    assert place.path == "fields.none"
    assert find(RECORD, ["nothing.at.all"]) is None


@pytest.mark.parametrize("path", ["a..b", "[x", "a]", "[=", ".".join("a" * 40), "a[1"])
def test_what_is_no_path_leads_nowhere(path: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        steps_of(path)
    assert find(RECORD, [path]) is None


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"id"', '{"id": ', '{"id": [', "null", "[]", '{"id" 1}', "[" * 100_000, '{"a": 1,'],
)
def test_what_is_no_json_has_no_places(text: str) -> None:
    assert find(text, ["id.x", "id", "[0]"]) is None


def test_a_number_longer_than_python_reads_is_passed_over() -> None:
    text = '{"n": ' + "9" * 10_000 + ', "m": 1}'
    place = find(text, ["m"])
    assert place is not None
    assert text[place.value_start : place.end] == "1"


PLAIN = st.none() | st.booleans() | st.integers() | st.text()
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.text('ab" \\', min_size=1, max_size=5)


def nested(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(parts, max_size=4) | st.dictionaries(NAMES, parts, max_size=4)


@settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(PLAIN | NUMBERS, nested, max_leaves=20))
def test_every_part_of_any_json_is_found_where_it_stands(value: Any) -> None:
    for text in (json.dumps(value), msgspec.json.format(json.dumps(value), indent=2)):
        for path, part in parts("", value):
            place = find(text, [path])
            assert place is not None
            assert value_at(text, place) == part


def parts(path: str, value: Any) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [(path, value)] if path else []
    if isinstance(value, dict):
        for name, inner in value.items():
            found += parts(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += parts(f"{path}[{index}]", inner)
    return found
