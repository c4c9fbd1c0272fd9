"""Pages of Jira that are no JSON are cut, so that a bad entity costs only itself."""

import pytest

from common.errors import RecordError

from ..connector import connector
from ..settings import JiraSettings


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
