"""Where in a JSON text a path leads: `fields.status.name`, `labels[0]`, `histories[id=17].items`.

Nothing is decoded into values of ours, so every number, duplicate and character stays as it is.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Step: TypeAlias = str | int | tuple[str, str]
"""A member's name, an element's index, or (member, value): the first element that has it."""

_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d{1,9})\]|\[([^=\[\]]+)=([^\[\]]*)\]")
_SPACE: Final = re.compile(r"[ \t\r\n]*")
# Numbers stay text: they may be longer than Python reads.
_DECODER: Final = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)
_MOST_STEPS: Final = 32


@dataclass(frozen=True)
class Place:
    """A part of a text: from `start` up to `end`, a member with its name.

    value_start: where its value begins. path: how it was reached, with indexes for selections.
    is_whole: the whole path was followed; else this is the innermost part of it that is there.
    """

    start: int
    value_start: int
    end: int
    path: str
    is_whole: bool


def steps_of(path: str) -> list[Step]:
    """Return the steps of a path; raise ValueError for what is none."""
    steps: list[Step] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None or len(steps) == _MOST_STEPS:
            raise ValueError(f"no path: {path!r}")
        name, index, member, value = match.groups()
        steps.append(name if name is not None else int(index) if index else (member, value))
        at = match.end()
    return steps


def find(text: str, paths: Iterable[str]) -> Place | None:
    """Return where the first of the paths leads that leads somewhere.

    Where none does to its end, the one that is followed furthest; None where not even its first
    step is there, or the text is no JSON.
    """
    best: tuple[int, Place] | None = None
    for path in paths:
        try:
            found = _follow(text, steps_of(path))
        except (ValueError, IndexError, RecursionError):
            continue
        if found and found[1].is_whole:
            return found[1]
        if found and (best is None or found[0] > best[0]):
            best = found
    return best[1] if best else None


def value_at(text: str, place: Place) -> Any:
    """Return the value at a place, decoded; raise ValueError."""
    return json.loads(text[place.value_start : place.end], strict=False)


def _follow(text: str, steps: list[Step]) -> tuple[int, Place] | None:
    """Return how many steps could be gone, at least one, and where they lead."""
    value = _SPACE.match(text, 0).end()  # type: ignore[union-attr]
    found: Place | None = None
    path = ""
    for gone, step in enumerate(steps):
        part = _step(text, value, step)
        if part is None:
            return (gone, found) if found else None
        label, start, value, end = part
        path += label if label.startswith("[") or not path else f".{label}"
        found = Place(start, value, end, path, is_whole=gone + 1 == len(steps))
    return (len(steps), found) if found else None


def _step(text: str, at: int, step: Step) -> tuple[str, int, int, int] | None:
    """Return label, start, start of the value and end of a part of the container at `at`."""
    found = None
    if isinstance(step, str):
        if text[at] == "{":
            for name, start, value, end in _members(text, at):
                if name == step:  # the last of several, as decoders take it
                    found = (step, start, value, end)
    elif text[at] == "[":
        for index, (start, end) in enumerate(_elements(text, at)):
            if index == step or (isinstance(step, tuple) and _has(text, start, step)):
                return f"[{index}]", start, start, end
    return found


def _has(text: str, at: int, selection: tuple[str, str]) -> bool:
    name, wanted = selection
    if text[at] != "{":
        return False
    value = _DECODER.raw_decode(text, at)[0].get(name)
    return value is not None and str(value) == wanted


def _members(text: str, at: int) -> Iterator[tuple[str, int, int, int]]:
    """Yield name, start, start of the value and end of each member of an object."""
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, end = _DECODER.raw_decode(text, at)
        value = _skip(text, _skip(text, end) + 1)
        stop = _DECODER.raw_decode(text, value)[1]
        yield name, at, value, stop
        at = _after_comma(text, stop)


def _elements(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield start and end of each element of a list."""
    at = _skip(text, at + 1)
    while text[at] != "]":
        stop = _DECODER.raw_decode(text, at)[1]
        yield at, stop
        at = _after_comma(text, stop)


def _after_comma(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
