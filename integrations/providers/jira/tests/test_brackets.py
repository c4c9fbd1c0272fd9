"""Pages that are no JSON are cut by their brackets, or not at all."""

import pytest

from common.errors import RecordError

from ..brackets import cut
from ..connector import connector
from ..settings import JiraSettings


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


def test_deep_nesting_is_cut_without_recursion() -> None:
    nested = b'{"fields": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    page = b'{"issues": [' + nested + b', {"id": "2"}]}'
    deep, other = connector.split("issues", page)
    assert other.body == b'{"id": "2"}'
    with pytest.raises(RecordError) as refused:
        connector.normalize("issues", deep, JiraSettings())
    assert refused.value.reason == "too_deep"


def test_a_page_that_breaks_off_is_refused_as_a_whole() -> None:
    with pytest.raises(RecordError, match="not JSON"):
        list(connector.split("issues", b'{"issues": [{"id": 1}, {"id": NaN'))


def test_a_page_is_split_around_an_entity_that_is_no_json() -> None:
    page = b'{"values": [{"id": 1}, {"id": NaN}, {"id": 3}]}'
    records = list(connector.split("statuses", page))
    assert [(record.position, record.body) for record in records] == [
        (0, b'{"id": 1}'),
        (1, b'{"id": NaN}'),
        (2, b'{"id": 3}'),
    ]
