"""What is known above this room of the servers that the site needs; see `etl_project/health.py`."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Report: TypeAlias = Mapping[str, Any]
"""status: `ok`, `degraded` or `unavailable`; dependencies: name, level (`ok`, `warning` or
`problem`) and message of each."""

_asks: list[Callable[[], Report]] = []


def register(ask: Callable[[], Report]) -> None:
    """Let `ask` make the report, in a few seconds whichever server does not answer."""
    _asks[:] = [ask]


def report() -> Report | None:
    """Return the report; None where nobody makes one."""
    return _asks[0]() if _asks else None
