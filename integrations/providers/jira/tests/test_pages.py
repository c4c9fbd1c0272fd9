"""Bodies are split by what they hold."""

import json

import pytest

from common.errors import RecordError
from integrations.contract import Record

from ..connector import connector


def split(stream: str, body: bytes, *, is_lines: bool = False) -> list[tuple[int, object]]:
    records = connector.split(stream, body, is_lines=is_lines)
    return [(record.position, json.loads(record.body)) for record in records]


@pytest.mark.parametrize(
    ("stream", "body"),
    [
        ("issues", b'[{"id": "1"}, {"id": "2"}]'),
        ("issues", b'{"issues": [{"id": "1"}, {"id": "2"}], "nextPageToken": "x"}'),
        ("issues", b'{"startAt": 0, "total": 2, "issues": [{"id": "1"}, {"id": "2"}]}'),
        ("issues", b'{"issues": [{"id": "1"}, {"id": "2"}], "issueErrors": []}'),
        ("issues", b'{\n  "issues": [\n    {"id": "1"},\n    {"id": "2"}\n  ]\n}\n'),
        ("issues", b'\xef\xbb\xbf[{"id": "1"}, {"id": "2"}]'),
        ("projects", b'{"values": [{"id": "1"}, {"id": "2"}], "isLast": true}'),
        ("sprints", b'{"maxResults": 50, "values": [{"id": "1"}, {"id": "2"}]}'),
        ("statuses", b'{"values": [{"id": "1"}, {"id": "2"}]}'),
        ("issue_types", b'{"issueTypes": [{"id": "1"}, {"id": "2"}]}'),
    ],
)
def test_every_form_of_a_page_gives_its_records(stream: str, body: bytes) -> None:
    assert split(stream, body) == [(0, {"id": "1"}), (1, {"id": "2"})]


def test_one_entity_is_a_page_of_one() -> None:
    assert split("issues", b'{"id": "1", "fields": {}}') == [(0, {"id": "1", "fields": {}})]
    assert split("users", b'{"accountId": "ann"}') == [(0, {"accountId": "ann"})]
    assert split("users", b'{"name": "ann"}') == [(0, {"name": "ann"})]


def test_an_entity_that_lists_others_is_still_one_entity() -> None:
    project = {"id": "1", "key": "PAY", "issueTypes": [{"id": "7"}], "values": []}
    assert split("projects", json.dumps(project).encode()) == [(0, project)]


def test_a_page_without_entities_gives_no_records() -> None:
    assert split("issues", b'{"issues": []}') == []
    assert split("users", b"[]") == []


@pytest.mark.parametrize("broken", [b'{"id": "9", "fie', b"", b'{"id": NaN}', b"\xff\xfe{"])
@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_broken_line_is_a_record_of_its_own_and_moves_no_other(broken: bytes, line: int) -> None:
    lines = [b'{"id": "1"}', b'{"id": "2"}']
    lines.insert(line, broken)
    records = list(connector.split("issues", b"\n".join(lines) + b"\n", is_lines=True))
    expected = [Record(place, body) for place, body in enumerate(lines) if body]
    assert records == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "1"}\n\n{"id": "2"}\n',
        b'{"id": "1"}\r\n \r\n{"id": "2"}',
        b'\xef\xbb\xbf{"id": "1"}\n\n\xef\xbb\xbf{"id": "2"}\n',
    ],
)
def test_empty_lines_and_marks_are_passed_over_and_counted(body: bytes) -> None:
    assert split("issues", body, is_lines=True) == [(0, {"id": "1"}), (2, {"id": "2"})]


@pytest.mark.parametrize(
    ("stream", "page"),
    [
        ("issues", b'{"issues": [{"id": "1"}, {"id": "2"}]}'),
        ("issues", b'[{"id": "1"}, {"id": "2"}]'),
        ("projects", b'{"values": [{"id": "1"}, {"id": "2"}]}'),
        ("issue_types", b'{"issueTypes": [{"id": "1"}, {"id": "2"}]}'),
    ],
)
def test_a_line_that_is_a_page_gives_its_records_at_the_line(stream: str, page: bytes) -> None:
    assert split(stream, page, is_lines=True) == [(0, {"id": "1"}), (0, {"id": "2"})]
    records = split(stream, b"\n" + page + b"\n" + page, is_lines=True)
    assert [place for place, _ in records] == [1, 1, 2, 2]


def test_a_line_that_is_an_entity_with_a_list_is_one_record() -> None:
    project = {"id": "1", "key": "PAY", "values": [{"id": "7"}]}
    assert split("projects", json.dumps(project).encode(), is_lines=True) == [(0, project)]


def test_a_line_that_is_no_page_of_the_stream_is_a_record_to_be_refused() -> None:
    for line in (b'{"issues": {"id": "1"}}', b'{"issues": [{"id": "1"}', b"[" * 100_000, b"<p>"):
        assert list(connector.split("issues", line, is_lines=True)) == [Record(0, line)]


@pytest.mark.parametrize(
    ("stream", "body", "reason"),
    [
        ("issues", b"", "malformed"),
        ("issues", b" \n\n", "malformed"),
        ("issues", b"<html><body>Log in</body></html>", "malformed"),
        ("issues", b'{"issues": [{"id": "1"}', "malformed"),
        ("issues", '{"issues": []}'.encode("utf-16"), "malformed"),
        ("issues", b'{"issues": ' + b"[" * 100_000, "too_deep"),
        ("issues", b'{"errorMessages": ["no"], "errors": {}}', "unexpected_shape"),
        ("issues", b'{"values": [{"id": "1"}]}', "unexpected_shape"),
        ("issues", b'{"issues": {"id": "1"}}', "unexpected_shape"),
        ("projects", b'{"issues": [{"id": "1"}]}', "unexpected_shape"),
        ("projects", b'{"values": null}', "unexpected_shape"),
    ],
)
def test_what_is_no_page_of_the_stream_is_refused(stream: str, body: bytes, reason: str) -> None:
    with pytest.raises(RecordError) as refused:
        connector.split(stream, body)
    assert refused.value.reason == reason
