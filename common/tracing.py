"""One id for all that is done on behalf of one request, command or scheduled firing.

It is bound to the running thread or task and said by everything that happens there: log lines,
SQL, progress. A run keeps it, and its steps take it over, in whichever process they are worked.
"""

import contextlib
import re
import secrets
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

Field = str | int

MOST_CHARS: Final = 32
_GIVEN: Final = re.compile(r"[A-Za-z0-9-]{8,32}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9-]")
_NOTHING: Final[Mapping[str, Field]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Bound:
    """A trace with what else is known there. comment: for the beginning of an SQL statement."""

    trace: str
    fields: Mapping[str, Field]
    comment: str


_bound: ContextVar[_Bound | None] = ContextVar("trace", default=None)


def new_trace() -> str:
    """Return a new id: 64 random bits in 16 hex digits."""
    return secrets.token_hex(8)


def accepted(given: str | None) -> str:
    """Return an id that somebody outside gave, if it is sane, else a new one."""
    return given if given and _GIVEN.fullmatch(given) else new_trace()


def current_trace() -> str:
    """Return the id that is bound here, empty if none is."""
    bound = _bound.get()
    return bound.trace if bound else ""


def current_fields() -> Mapping[str, Field]:
    """Return the id as `trace`, and the fields that are bound with it."""
    bound = _bound.get()
    return {"trace": bound.trace, **bound.fields} if bound else _NOTHING


def sql_comment() -> str:
    """Return what every SQL statement sent from here begins with: an SQL comment, or nothing."""
    bound = _bound.get()
    return bound.comment if bound else ""


@contextlib.contextmanager
def bind(trace: str, **fields: Field) -> Iterator[str]:
    """Bind an id (an empty one is made anew) and fields such as tenant, run, step; give the id."""
    made = _make(trace, fields)
    token = _bound.set(made)
    try:
        yield made.trace
    finally:
        _bound.reset(token)


def bind_on(trace: str, **fields: Field) -> str:
    """Bind an id and fields to the rest of this thread or task; return the id."""
    made = _make(trace, fields)
    _bound.set(made)
    return made.trace


def _make(trace: str, fields: Mapping[str, Field]) -> _Bound:
    # Whatever a row holds: nothing that could end the SQL comment.
    trace = _UNSAFE.sub("", trace)[:MOST_CHARS] or new_trace()
    step = _UNSAFE.sub("", str(fields["step"]))[:MOST_CHARS] if "step" in fields else ""
    told = f"trace={trace} step={step}" if step else f"trace={trace}"
    return _Bound(trace, dict(fields), f"/* {told} */ ")
