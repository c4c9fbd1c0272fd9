"""Bodies: strict JSON, read up to a limit."""

import json
import math
from collections.abc import Mapping
from typing import IO, Any, Final

from rest_framework.parsers import BaseParser

from common import sizes
from tenants.api.problems import Problem

MOST_BYTES: Final = sizes.JSON
DEEPEST: Final = 64
"""Levels of nesting that a body may have."""
_INTEGERS: Final = (-(2**63), 2**63 - 1)


class StrictJSONParser(BaseParser):
    """Reads JSON that every database can keep.

    Refused: more than MOST_BYTES, more than DEEPEST levels, NUL characters and lone surrogates,
    numbers beyond 64 bits, NaN and infinities, names that stand twice.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise Problem(413, "too-large", f"The body is larger than {MOST_BYTES:,} bytes.")
        return loads(body)


def loads(body: bytes) -> Any:
    """Return the value of a JSON body; raise Problem (400) that says what is wrong with it."""
    try:
        value = json.loads(
            body.decode(),
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
            object_pairs_hook=_object,
        )
        _check(value, DEEPEST)
    except UnicodeDecodeError as error:
        raise malformed(f"it is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise malformed(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise malformed(f"it is nested more than {DEEPEST} levels deep") from None
    return value


def malformed(why: str) -> Problem:
    """Return the problem of a body that cannot be read."""
    return Problem(400, "malformed", f"The body cannot be read: {why}.")


def _integer(text: str) -> int:
    if len(text) > 20 or not _INTEGERS[0] <= int(text) <= _INTEGERS[1]:
        raise malformed(f"the number {text[:30]} is beyond 64 bits")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise malformed(f"the number {text[:30]} is out of range")
    return number


def _constant(text: str) -> float:
    raise malformed(f"{text} is no JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise malformed(f"“{name[:50]}” stands twice in an object")
        found[name] = value
    return found


def _check(value: Any, levels: int) -> None:
    if levels < 0:
        raise RecursionError
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check(inner, levels - 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, levels - 1)
    elif isinstance(value, str):
        _check_text(value)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise malformed("text holds a NUL character")
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise malformed("text holds half of a surrogate pair")
