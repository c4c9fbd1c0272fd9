import json
from typing import Any

import pytest

from common.errors import RecordError
from integrations.providers.github.connector import connector
from integrations.providers.github.tests.samples import ENTITIES, PULL, encoded, normalized, split


@pytest.mark.parametrize(("stream", "entity"), ENTITIES.items())
def test_lines_an_array_and_a_single_entity_are_split_alike(stream: str, entity: Any) -> None:
    other = entity | {"extra": 1}
    both = [(0, entity), (1, other)]
    lines = encoded(entity) + b"\n" + encoded(other) + b"\n"
    assert split(stream, lines, is_lines=True) == both
    assert split(stream, [entity, other]) == both
    assert split(stream, json.dumps([entity, other], indent=2).encode()) == both
    assert split(stream, entity) == [(0, entity)]
    assert split(stream, json.dumps(entity, indent=2).encode()) == [(0, entity)]


@pytest.mark.parametrize(
    ("stream", "member"),
    [("pulls", "items"), ("repositories", "repositories"), ("deployments", "deployments")],
)
def test_an_object_around_an_array_is_a_page(stream: str, member: str) -> None:
    page = {"total_count": 2, member: [{"id": 1}, {"id": 2}]}
    assert split(stream, page) == [(0, {"id": 1}), (1, {"id": 2})]


def test_a_page_of_nothing_has_no_records() -> None:
    assert split("pulls", b"[]") == []
    assert split("pulls", {"total_count": 0, "items": []}) == []


def test_empty_lines_are_skipped_but_counted() -> None:
    body = b'\n{"id": 1}\r\n\r\n  \n{"id": 2}'
    assert split("pulls", body, is_lines=True) == [(1, {"id": 1}), (4, {"id": 2})]


@pytest.mark.parametrize(
    "page",
    [b'[{"id": 1}, {"id": 2}]', b'{"total_count": 2, "items": [{"id": 1}, {"id": 2}]}'],
)
def test_a_line_that_is_a_page_gives_its_records_at_the_line(page: bytes) -> None:
    body = b"\n" + page + b"\n" + page
    one, two = {"id": 1}, {"id": 2}
    assert split("pulls", body, is_lines=True) == [(1, one), (1, two), (2, one), (2, two)]


def test_a_line_that_is_a_graphql_response_gives_its_nodes_at_the_line() -> None:
    nodes = [{"databaseId": 1}, {"databaseId": 2}]
    page = encoded({"data": {"repository": {"pullRequests": {"nodes": nodes}}}})
    records = split("pulls", b"\n" + page, is_lines=True)
    assert [(place, record["node"]) for place, record in records] == [(1, n) for n in nodes]


def test_a_line_that_is_no_page_is_a_record_to_be_refused() -> None:
    for line in (b'{"data": null, "errors": []}', b'{"items": [{"id": 1}', b"[" * 100_000):
        (record,) = connector.split("pulls", line, is_lines=True)
        assert (record.position, record.body) == (0, line)
        with pytest.raises(RecordError):
            normalized("pulls", record.body)


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    body = b'\xef\xbb\xbf{"id": 1}\n{"id": 2}'
    assert split("pulls", body, is_lines=True) == [(0, {"id": 1}), (1, {"id": 2})]


@pytest.mark.parametrize(
    "broken",
    [
        b'{"id": 1, "title": "cut',
        b"<html>",
        b'{"id": NaN}',
        b'{"id": 1, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_broken_line_costs_only_itself(broken: bytes, place: int) -> None:
    good = encoded(PULL)
    texts = [good, good]
    texts.insert(place, broken)
    records = list(connector.split("pulls", b"\n".join(texts), is_lines=True))
    assert [(record.position, record.body) for record in records] == list(enumerate(texts))
    with pytest.raises(RecordError):
        normalized("pulls", records[place].body)


def test_half_a_surrogate_pair_does_not_cost_the_page() -> None:
    body = encoded([{"id": 1, "title": "x"}, {"id": 2}]).replace(b'"x"', b'"\\ud800"')
    assert [record["id"] for _, record in split("pulls", body)] == [1, 2]
    assert [r["id"] for _, r in split("pulls", b'{"items": ' + body + b"}")] == [1, 2]


@pytest.mark.parametrize("stream", ENTITIES)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n\n",
        b"<html>Sign in</html>",
        b'{"message": "Not Found", "documentation_url": "https://docs.github.com"}',
        b"null",
        b'"text"',
        b"7",
        b"{}",
        b'[{"id": 1}, {"id": 2',
        b'{\n  "items": [\n    {"id": 1\n',
        '{"id": 1}'.encode("utf-16"),
        b"[" * 100_000,
        b'{"data": null, "errors": [{"type": "RATE_LIMITED"}]}',
        b'{"data": {"repository": null}}',
        b'{"data": [[[7]]]}',
        b'{"errors": "x"}',
    ],
)
def test_what_is_no_page_is_refused(stream: str, body: bytes) -> None:
    with pytest.raises(RecordError):
        split(stream, body)
