"""Bodies that are no JSON are cut by their brackets, or not at all."""

import pytest

from common.brackets import cut, mended


def test_entities_are_cut_at_the_commas_between_them() -> None:
    page = b' {"a": [1, 2], "issues": [{"x": NaN, "y": [1, 2]} , {"z": "a,]}\\"{"}, 3], "t": "b"}'
    found = cut(page, "issues")
    assert found is not None
    assert found.entities == [b'{"x": NaN, "y": [1, 2]}', b'{"z": "a,]}\\"{"}', b"3"]
    assert found.head == b' {"a": [1, 2], "issues": [], "t": "b"}'


def test_a_list_by_itself_is_cut() -> None:
    found = cut(b"[1, [2, 3], {}]")
    assert found is not None
    assert (found.head, found.entities) == (b"[]", [b"1", b"[2, 3]", b"{}"])


def test_an_empty_list_has_no_entities() -> None:
    found = cut(b'{"issues": [ ]}', "issues")
    assert found is not None
    assert found.entities == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"7",
        b'{"issues": 7}',
        b'{"inner": {"issues": [1, 2]}}',
        b'{"x": "issues", "y": [1, 2]}',
        b'{"issues": [{"a": 1}, {"b": "brok',
        b'{"issues": [{"a": 1}, {"b": "x}]}',
        b'{"issues": [{"a": 1}, {"b": 2}]',
        b'{"issues": [{"a": 1], {"b": 2}}',
    ],
)
def test_what_has_no_such_list_or_breaks_off_is_not_cut(body: bytes) -> None:
    assert cut(body, "issues") is None


def test_what_is_no_json_in_a_list_becomes_null_wherever_the_list_is() -> None:
    page = b'{"data": {"node": {"nodes": [{"a": 1}, {"a": NaN}, [[}]], 2]}}, "nodes": [-]}'
    assert mended(page, "nodes") is None
    page = b'{"data": {"node": {"nodes": [{"a": 1}, {"a": NaN}, 2]}}, "nodes": [-, 3 ]}'
    whole = b'{"data": {"node": {"nodes": [{"a": 1},null, 2]}}, "nodes": [null, 3 ]}'
    assert mended(page, "nodes") == whole


def test_no_more_than_the_innermost_entity_is_given_up() -> None:
    page = b'{"nodes": [{"id": 1, "inner": {"nodes": [7, NaN]}}, {"id": +, "nodes": [1]}]}'
    whole = b'{"nodes": [{"id": 1, "inner": {"nodes": [7,null]}},null]}'
    assert mended(page, "nodes") == whole


@pytest.mark.parametrize("body", [b"", b"[NaN]", b'{"nodes": [1]}', b'{"x": NaN, "nodes": [NaN]}'])
def test_what_is_whole_or_broken_elsewhere_is_not_mended(body: bytes) -> None:
    assert mended(body, "nodes") is None
