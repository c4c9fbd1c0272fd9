"""Decodes a record that has bad values: what can be null becomes null and is named."""

import json
import re
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from common.errors import RecordError
from common.jsontext import decode

T = TypeVar("T")

MOST_BAD_VALUES: Final = 30
"""A record with more of them is refused."""

_ANY: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder()
_STEP: Final = re.compile(r"\[([0-9]+)\]|([^.\[\]]+)")
_EXCERPT: Final = 100

Steps = tuple[str | int, ...]


class LeftOut(NamedTuple):
    """A value that was taken as null. error: what is wrong with it, and where."""

    steps: Steps
    error: RecordError
    excerpt: str


def decode_forgiving(
    body: bytes, decoder: msgspec.json.Decoder[T]
) -> tuple[T, list[str], list[LeftOut]]:
    """Decode a record; return the value, what was cleaned (`decode`) and what was left out.

    A bad value becomes null; where null is bad too, what holds it does. Raises the RecordError of
    the value if nothing but the record itself could be left out for it.
    """
    try:
        return *decode(body, decoder), []
    except RecordError as error:
        if error.reason != "unexpected_shape" or not error.path:
            raise
        refused = error
    try:
        whole, cleaned = decode(body, _ANY)
    except RecordError:
        raise refused from None
    left_out: list[LeftOut] = []
    while len(left_out) < MOST_BAD_VALUES:
        _leave_out(whole, refused, left_out)
        try:
            return decode(json.dumps(whole).encode(), decoder)[0], cleaned, left_out
        except RecordError as error:
            refused = error
    raise refused


def _leave_out(whole: Any, refused: RecordError, left_out: list[LeftOut]) -> None:
    """Make null what was refused or, if it is, what holds it; raise for the record itself."""
    steps = _steps(refused.path)
    first = next((known.error for known in left_out if known.steps == steps), refused)
    while steps and _value(whole, steps) is None:
        steps = steps[:-1]
    if not steps:
        raise first
    excerpt = json.dumps(_value(whole, steps))[:_EXCERPT]
    left_out[:] = [known for known in left_out if known.steps[: len(steps)] != steps]
    left_out.append(LeftOut(steps, first, excerpt))
    _value(whole, steps[:-1])[steps[-1]] = None


def _steps(path: str) -> Steps:
    return tuple(int(index) if index else name for index, name in _STEP.findall(path))


def _value(whole: Any, steps: Steps) -> Any:
    """Return the value at a place; None if it is not there, as when members were repeated."""
    for step in steps:
        match whole, step:
            case dict(), str():
                whole = whole.get(step)
            case list(), int() if step < len(whole):
                whole = whole[step]
            case _:
                return None
    return whole
