"""Reads a record that has a value of a wrong type, member by member: the wrong value is null."""

from functools import cache
from typing import Any, TypeVar, get_args

import msgspec

from common import jsontext
from common.errors import RecordError

from .shapes import Shape

T = TypeVar("T")


class Loose:
    """A record as far as it can be read, and what was wrong or cleaned in it."""

    def __init__(self) -> None:
        self.errors: list[tuple[RecordError, bytes]] = []
        self.cleaned: set[str] = set()

    def decode(self, body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
        """Decode; members of the wrong type are left out of shapes, also of nested ones.

        Raises RecordError with its path in the body if a needed member or the whole is wrong.
        """
        try:
            value, cleaned = jsontext.decode(body, decoder)
        except RecordError as error:
            shape = _shape_of(decoder.type)
            if error.reason != "unexpected_shape" or shape is None:
                raise
            members: T = self._members(body, shape)
            return members
        self.cleaned.update(cleaned)
        return value

    def _members(self, body: bytes, shape: type[Shape]) -> Any:
        raws, cleaned = jsontext.decode(body, _MEMBERS)
        self.cleaned.update(cleaned)
        values: dict[str, Any] = {}
        for field in msgspec.structs.fields(shape):
            name = field.encode_name
            if name not in raws:
                continue
            known = len(self.errors)
            try:
                values[field.name] = self.decode(bytes(raws[name]), _decoder(field.type))
            except RecordError as error:
                placed = error_within(name, error)
                if name in shape.needed:
                    raise placed from None
                self.errors.append((placed, bytes(raws[name])))
            else:
                self.errors[known:] = [(error_within(name, e), b) for e, b in self.errors[known:]]
        return shape(**values)


_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@cache
def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type_)


def _shape_of(type_: Any) -> type[Shape] | None:
    """Return the shape that a type is, or is besides null."""
    for candidate in (type_, *get_args(type_)):
        if isinstance(candidate, type) and issubclass(candidate, Shape):
            return candidate
    return None


def error_within(path: str, error: RecordError) -> RecordError:
    """Return the same error with its place seen from outside of `path`."""
    return RecordError(error.reason, error.detail, place_within(path, error.path))


def place_within(path: str, place: str) -> str:
    """Return a place as seen from outside of `path`."""
    return f"{path}{place}" if place.startswith("[") else ".".join(filter(None, (path, place)))
