"""Which request fails in which way."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.exchange import Exchange, in_scope
from sandbox.faults import answers, changes, transport

Fault = Callable[[ASGIApp, Any, Scope, Receive, Send], Awaitable[None]]

KINDS: dict[str, Fault] = {**answers.KINDS, **changes.KINDS, **transport.KINDS}


@dataclass
class FaultRule:
    """A failure. match: searched for in `METHOD /system/path?query`, a regular expression.

    of: what the requests are counted as, such as `items` or `pulls`; empty for any.
    skip: how many matching requests pass first; times: how many fail then, None for all.
    value: what the kind needs, such as a status or a number of bytes; None for its default.
    """

    kind: str
    match: re.Pattern[str]
    times: int | None = 1
    skip: int = 0
    value: Any = None
    of: str = ""
    seen: int = 0

    def strikes(self, exchange: Exchange) -> bool:
        """Count a request, and tell whether it fails."""
        if self.of not in ("", exchange.kind) or not self.match.search(exchange.line):
            return False
        self.seen += 1
        after = self.seen - self.skip
        return after > 0 and (self.times is None or after <= self.times)

    def state(self) -> dict[str, Any]:
        """Return the rule as JSON, with how many requests it saw."""
        return {
            "kind": self.kind,
            "match": self.match.pattern,
            "times": self.times,
            "skip": self.skip,
            "value": self.value,
            "of": self.of,
            "seen": self.seen,
        }


@dataclass
class Faults:
    """The failures that are scripted, the first that strikes being the one that happens."""

    rules: list[FaultRule] = field(default_factory=list)

    def add(self, values: dict[str, Any]) -> None:
        """Add `{"kind", "match", "times", "skip", "value", "of"}`; raise ValueError."""
        if unknown := set(values) - {"kind", "match", "times", "skip", "value", "of"}:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        if values.get("kind") not in KINDS:
            raise ValueError(f"the kind of a fault is one of {', '.join(sorted(KINDS))}")
        times, skip = values.get("times", 1), values.get("skip", 0)
        if not isinstance(skip, int) or not (times is None or isinstance(times, int)):
            raise ValueError("times (or null for all) and skip are whole numbers")
        try:
            match = re.compile(values.get("match", ""))
        except (re.error, TypeError) as error:
            raise ValueError(f"match is no regular expression: {error}") from error
        given = (values.get("value"), str(values.get("of", "")))
        self.rules.append(FaultRule(values["kind"], match, times, skip, *given))

    async def answer(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the application, or by the failure that strikes this request."""
        exchange = in_scope(scope)
        # Every rule counts the request, also those behind the one that strikes.
        striking = [rule for rule in self.rules if rule.strikes(exchange)]
        if not striking:
            await app(scope, receive, send)
            return
        rule = striking[0]
        await KINDS[rule.kind](app, rule.value, scope, receive, send)
