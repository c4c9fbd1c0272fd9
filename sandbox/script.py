"""Mutations that happen at a certain request, so that they fall between two pages."""

import re
from dataclasses import dataclass, field
from typing import Any

from sandbox.exchange import Exchange

Operation = dict[str, Any]


@dataclass
class Cue:
    """What is done once the nth request that matches was answered, before the client sees it."""

    path: re.Pattern[str]
    nth: int
    do: list[Operation]
    seen: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it has happened."""
        return self.seen >= self.nth


@dataclass
class Script:
    """The cues that are still to come."""

    cues: list[Cue] = field(default_factory=list)

    def add(self, values: dict[str, Any]) -> None:
        """Add `{"after_request": {"path": REGEX, "nth": N}, "do": [...]}`; raise ValueError.

        The regular expression is searched for in `METHOD /system/path?query`.
        """
        try:
            after, do = values["after_request"], values["do"]
            cue = Cue(re.compile(after["path"]), int(after.get("nth", 1)), list(do))
        except (KeyError, TypeError, AttributeError, re.error) as error:
            example = '{"after_request": {"path": "search/jql", "nth": 2}, "do": [...]}'
            raise ValueError(f"a script is {example}: {error!r}") from error
        if cue.nth < 1:
            raise ValueError("nth counts from 1")
        self.cues.append(cue)

    def due(self, exchange: Exchange) -> list[Operation]:
        """Count a request that was answered; return what is to be done now."""
        due: list[Operation] = []
        for cue in self.cues:
            if cue.path.search(exchange.line):
                cue.seen += 1
                due += cue.do if cue.is_over else []
        self.cues = [cue for cue in self.cues if not cue.is_over]
        return due
