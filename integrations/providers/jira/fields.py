"""Which fields of an issue are asked for: those that are read, and every custom field."""

from collections.abc import Iterable
from typing import Final

import msgspec

from .shapes import Fields

READ_FIELDS: Final = tuple(field.encode_name for field in msgspec.structs.fields(Fields))

_CUSTOM: Final = "customfield_"


def packed(ids: Iterable[str]) -> str:
    """Return the numbers of custom fields as ranges (`10000-10002,10010`), short enough to carry.

    Ids of other fields are passed over.
    """
    parts = (name.removeprefix(_CUSTOM) for name in ids if name.startswith(_CUSTOM))
    numbers = sorted(
        {int(text) for text in parts if text.isascii() and text.isdigit() and len(text) < 12}
    )
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(f"{low}" if low == high else f"{low}-{high}" for low, high in ranges)


def asked_fields(custom: str) -> list[str]:
    """Return the names of the fields to ask for, with the packed custom fields."""
    names = list(READ_FIELDS)
    for part in filter(None, custom.split(",")):
        low, _, high = part.partition("-")
        names += (f"{_CUSTOM}{number}" for number in range(int(low), int(high or low) + 1))
    return names
