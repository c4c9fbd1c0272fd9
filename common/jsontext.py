"""JSON from outside: decoded strictly, with every refusal named.

PostgreSQL's jsonb takes values that Python cannot read back, and text types refuse NUL; so what
cannot be kept everywhere is refused or cleaned here, before anything is stored as a value.
"""

import re
from collections.abc import Iterator
from typing import Any, TypeVar

import msgspec

from common.errors import RecordError

T = TypeVar("T")

# Every digit becomes 0 and E becomes e: two searches in such a copy find suspects in 1/30 of the
# time of a regular expression.
_SHAPE = bytes(48 if chr(b) in "0123456789" else 101 if chr(b) in "eE" else b for b in range(256))
_HUGE = b"0" * 309
_HUGE_EXPONENT = b"0e000"
_LONE_SURROGATE = re.compile(
    rb"(?<!\\)((?:\\\\)*)"
    rb"(?:(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_NUL = b"\\u0000"
_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def lines(body: bytes) -> Iterator[bytes]:
    """Yield the lines of a body that holds one JSON value a line; empty lines are kept."""
    if body:
        yield from body.removesuffix(b"\n").split(b"\n")


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> tuple[T, list[str]]:
    """Decode one record; return the value and what had to be cleaned (`nul`, `surrogate`).

    Raises RecordError: `malformed`, `too_deep`, `bad_number`, `unexpected_shape`.
    Text of the value may still hold NUL when `nul` is returned: use `strip_nul`.
    """
    cleaned: list[str] = []
    shape = body.translate(_SHAPE, b"+")
    if _HUGE in shape or _HUGE_EXPONENT in shape:
        _refuse_unreadable_numbers(body)
    try:
        value = _decode(body, decoder)
    except UnicodeDecodeError as error:
        raise RecordError("malformed", f"not UTF-8: {error.reason}") from None
    except RecordError as error:
        repaired = _LONE_SURROGATE.sub(_replace_surrogate, body)
        if error.reason != "malformed" or repaired == body:
            raise
        value = _decode(repaired, decoder)
        cleaned.append("surrogate")
    if _NUL in body:
        cleaned.append("nul")
    return value, cleaned


def _decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise RecordError("unexpected_shape", message, path.strip(".`")) from None
    except msgspec.DecodeError as error:
        raise RecordError("malformed", str(error)) from None
    except RecursionError:
        raise RecordError("too_deep", "nested too deeply to be read") from None


def _replace_surrogate(match: re.Match[bytes]) -> bytes:
    return match[0] if match["pair"] else match[1] + b"\\ufffd"


def _refuse_unreadable_numbers(body: bytes) -> None:
    """Raise `bad_number` if a number outside of strings is out of range of a double."""
    try:
        _ANY.decode(body)
    except msgspec.ValidationError as error:
        raise RecordError("bad_number", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # the typed decoding says it better


def strip_nul(value: Any) -> Any:
    """Return the value with NUL removed from every text in it, keys included."""
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        return [strip_nul(item) for item in value]
    if isinstance(value, dict):
        return {strip_nul(key): strip_nul(item) for key, item in value.items()}
    return value
