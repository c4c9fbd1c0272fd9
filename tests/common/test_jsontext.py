from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from common.errors import RecordError
from common.jsontext import decode, lines, strip_nul
from common.times import parse_date, parse_time


class Item(msgspec.Struct):
    id: str


ITEM = msgspec.json.Decoder(Item)
ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"id": "1"', "malformed"),
        (b'{"id": "1", "x": NaN}', "malformed"),
        (b'{"id": "1", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
        (b'{"id": "1", "x": ' + b"9" * 5000 + b"}", "bad_number"),
        (b'{"id": "1", "x": 1e999}', "bad_number"),
        (b'["id"]', "unexpected_shape"),
        (b'{"id": 7}', "unexpected_shape"),
        (b'{"id": "\xff"}', "malformed"),
        (b'{"id": "\xff 1e999"}', "malformed"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(RecordError) as refused:
        decode(body, ITEM)
    assert refused.value.reason == reason


def test_a_refused_value_names_its_place() -> None:
    with pytest.raises(RecordError) as refused:
        decode(b'{"id": 7}', ITEM)
    assert refused.value.path == "id"


def test_long_digits_inside_a_text_are_no_number() -> None:
    value, cleaned = decode(b'{"id": "' + b"9" * 5000 + b'"}', ITEM)
    assert value.id == "9" * 5000
    assert cleaned == []


def test_a_lone_surrogate_becomes_the_replacement_character_and_a_pair_stays() -> None:
    value, cleaned = decode(rb'{"id": "a\ud800b \ud83d\ude80 \\ud800"}', ITEM)
    assert value.id == "a\ufffdb 🚀 \\ud800"
    assert cleaned == ["surrogate"]


def test_nul_is_reported_and_stripped_from_values_and_keys() -> None:
    value, cleaned = decode(rb'{"a\u0000": ["b\u0000c", 1]}', ANY)
    assert cleaned == ["nul"]
    assert strip_nul(value) == {"a": ["bc", 1]}


def test_lines_of_a_body_need_no_newline_at_the_end() -> None:
    assert list(lines(b"1\n\n2")) == list(lines(b"1\n\n2\n")) == [b"1", b"", b"2"]
    assert list(lines(b"")) == []


@pytest.mark.parametrize(
    "value",
    [
        "2020-06-12T08:13:13.360+0800",
        "2020-06-12T00:13:13.360Z",
        "2020-06-12T00:13:13.36+00:00",
        1591920793360,
    ],
)
def test_one_instant_in_every_form_is_one_utc_time(value: str | int) -> None:
    assert parse_time(value, "x") == datetime(2020, 6, 12, 0, 13, 13, 360000, UTC)


def test_epoch_seconds_are_told_from_milliseconds() -> None:
    assert parse_time(1591920793, "x") == datetime(2020, 6, 12, 0, 13, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "value", ["0000-00-00", "2024-02-30T00:00:00Z", "infinity", "10000-01-01T00:00:00Z", 1e30]
)
def test_an_impossible_time_is_refused_with_its_place(value: str | float) -> None:
    with pytest.raises(RecordError) as refused:
        parse_time(value, "fields.created")
    assert refused.value.path == "fields.created"


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(RecordError, match="no offset"):
        parse_time("2020-06-12T08:13:13", "x")


def test_an_impossible_date_is_refused() -> None:
    with pytest.raises(RecordError):
        parse_date("2024-02-30", "fields.duedate")
