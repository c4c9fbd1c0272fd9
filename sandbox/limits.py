"""Rate limits of both systems, in real time, and who asked while told not to."""

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from starlette.datastructures import Headers

from sandbox import refusals
from sandbox.exchange import Exchange

Kind = Literal[
    "jira-burst-based",
    "jira-quota-global-based",
    "jira-quota-tenant-based",
    "jira-cost-based",
    "jira-per-issue-on-write",
    "jira-gateway",
    "jira-datacenter",
    "github-primary",
    "github-secondary",
    "github-secondary-bare",
]
_IN_POINTS = ("jira-quota-global-based", "jira-quota-tenant-based", "github-primary")
_BY_ENDPOINT = ("jira-burst-based", "jira-per-issue-on-write")
_KINDS: tuple[str, ...] = Kind.__args__  # type: ignore[attr-defined]
_GRACE_SECONDS = 0.25
_UNANNOUNCED_SECONDS = 1.0
_LONGEST_SECONDS = 3_600.0


@dataclass
class Rule:
    """A limit: so many requests (or points, where the kind counts them) in so many seconds.

    match: the requests it is about, a regular expression on `METHOD /system/path?query`.
    headers: whether a refusal says when to come back. status: that of a refusal; 200 is how
    GraphQL can refuse. reset_format: how Jira writes the reset.
    """

    kind: Kind
    limit: int
    window_seconds: float = 3_600.0
    match: str = ""
    headers: bool = True
    status: int = 429
    reset_format: Literal["seconds", "minutes"] = "seconds"

    @property
    def system(self) -> str:
        """Whose limit it is."""
        return self.kind.partition("-")[0]

    def is_about(self, exchange: Exchange) -> bool:
        """Tell whether it counts this request."""
        return self.system == exchange.system and bool(re.search(self.match, exchange.line))

    def bucket(self, exchange: Exchange) -> str:
        """Return what is counted together."""
        if self.kind in _BY_ENDPOINT:
            return f"{exchange.method} {endpoint(exchange)}"
        if self.kind == "jira-quota-tenant-based":
            return ""
        if self.kind == "github-primary":
            return f"{exchange.owner} {exchange.resource}"
        return exchange.owner


@dataclass
class Window:
    """How much of a limit is used, since when (of the limits' own clock)."""

    since: float
    used: int = 0


@dataclass(frozen=True)
class State:
    """How a limit stands: remaining of limit, for so many seconds more."""

    limit: int
    used: int
    seconds_left: float

    @property
    def remaining(self) -> int:
        """What may still be asked."""
        return max(0, self.limit - self.used)


@dataclass(frozen=True)
class Forbidden:
    """A time in which an owner was told not to ask. scope: "" for everything of the system."""

    scope: str
    sent: float
    until: float


@dataclass
class Limits:
    """The limits in force, what is used of them, and the requests that came against them.

    has_primary: whether GitHub's primary limit holds without a rule.
    """

    now: Callable[[], float] = time.monotonic
    rules: list[Rule] = field(default_factory=list)
    violations: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    has_primary: bool = True
    _windows: dict[tuple[str, str], Window] = field(default_factory=dict)
    _forbidden: dict[tuple[str, str], list[Forbidden]] = field(default_factory=dict)

    def set_rules(self, rules: list[Rule]) -> None:
        """Put these rules in force instead of others, with nothing used of them."""
        self.rules = rules
        self._windows.clear()

    def primary(self, owner: str, resource: str) -> State:
        """Return how GitHub's primary limit stands for an owner and a resource (core, graphql)."""
        rule = self._primary()
        return self._state(rule, f"{owner} {resource}")

    def _primary(self) -> Rule:
        own = (rule for rule in self.rules if rule.kind == "github-primary")
        return next(own, _DEFAULT_PRIMARY)

    def _state(self, rule: Rule, bucket: str) -> State:
        window = self._windows.get((rule.kind + rule.match, bucket))
        now = self.now()
        if window is None or now >= window.since + rule.window_seconds:
            return State(rule.limit, 0, rule.window_seconds)
        return State(rule.limit, window.used, window.since + rule.window_seconds - now)

    def _use(self, rule: Rule, bucket: str, points: int) -> State:
        key, now = (rule.kind + rule.match, bucket), self.now()
        window = self._windows.get(key)
        if window is None or now >= window.since + rule.window_seconds:
            window = self._windows[key] = Window(now)
        window.used += points
        return self._state(rule, bucket)

    def _rules_of(self, exchange: Exchange) -> list[Rule]:
        rules = [rule for rule in self.rules if rule.is_about(exchange)]
        is_unruled = not any(rule.kind == "github-primary" for rule in rules)
        if exchange.system == "github" and self.has_primary and is_unruled:
            rules.append(_DEFAULT_PRIMARY)
        return rules

    def arrive(self, exchange: Exchange) -> refusals.Refusal | None:
        """Count a request that arrives; return how it is refused, None if it may go on."""
        self._watch(exchange)
        rules = self._rules_of(exchange)
        for rule in rules:
            state = self._state(rule, rule.bucket(exchange))
            if state.remaining < 1:
                self.refused += 1
                return refusals.refusal(rule.kind, state, rule, exchange)
        for rule in rules:
            self._use(rule, rule.bucket(exchange), 1)
        return None

    def leave(self, exchange: Exchange) -> list[tuple[str, str]]:
        """Charge what an answered request cost beyond 1; return headers on how limits stand."""
        headers: list[tuple[str, str]] = []
        for rule in self._rules_of(exchange):
            extra = exchange.points - 1 if rule.kind in _IN_POINTS else 0
            state = self._use(rule, rule.bucket(exchange), extra)
            headers += refusals.standing(rule.kind, state, rule, exchange)
        return headers

    def observe(
        self, exchange: Exchange, status: int, headers: Headers, *, is_refusal: bool
    ) -> None:
        """Note an answer that goes out: one that refuses for a while opens a forbidden window.

        is_refusal: a limit here made it; others (faults, say) are told by status and headers.
        """
        if not is_refusal and not refusals.refuses(exchange.system, status, headers):
            return
        seconds = refusals.announced_seconds(headers)
        # With 200 GraphQL refuses for a limit of its own, whatever the headers say.
        is_spent = headers.get("x-ratelimit-remaining") == "0" or status == 200
        if exchange.system == "github" and is_spent:
            self.forbid(exchange, seconds, exchange.resource)
        elif headers.get("ratelimit-reason") in _BY_ENDPOINT:
            self.forbid(exchange, seconds, f"{exchange.method} {endpoint(exchange)}")
        else:
            self.forbid(exchange, seconds)

    def forbid(self, exchange: Exchange, seconds: float | None, scope: str = "") -> None:
        """Open a window in which the owner of the request may not ask; None: not announced."""
        wait = _UNANNOUNCED_SECONDS if seconds is None else min(seconds, _LONGEST_SECONDS)
        now = self.now()
        windows = self._forbidden.setdefault((exchange.system, exchange.owner), [])
        windows[:] = [each for each in windows if each.until > now]
        windows.append(Forbidden(scope, now, now + wait))

    def _watch(self, exchange: Exchange) -> None:
        """Note a violation if the request comes while its owner was told not to ask."""
        now = self.now()
        places = ("", exchange.resource, f"{exchange.method} {endpoint(exchange)}")
        for each in self._forbidden.get((exchange.system, exchange.owner), ()):
            if each.scope in places and each.sent + _GRACE_SECONDS < now < each.until:
                early = math.ceil((each.until - now) * 1_000)
                self.violations.append(
                    {"owner": exchange.owner, "request": exchange.line, "early_ms": early}
                )
                return


_DEFAULT_PRIMARY = Rule("github-primary", 5_000, 3_600.0, status=403)
_VARIABLE = re.compile(r"/(\d+|[A-Z][A-Z0-9_]*-\d+|[0-9a-f]{8}-[0-9a-f-]{27})(?=/|$)")


def endpoint(exchange: Exchange) -> str:
    """Return the path with its ids left out."""
    return _VARIABLE.sub("/{id}", exchange.path)


def rule_of(values: dict[str, Any]) -> Rule:
    """Return a rule of a JSON object; raise ValueError on what it does not know."""
    known = {each.name for each in fields(Rule)}
    if unknown := set(values) - known:
        raise ValueError(f"a limit has no {', '.join(sorted(unknown))}")
    if values.get("kind") not in _KINDS:
        raise ValueError(f"the kind of a limit is one of {', '.join(_KINDS)}")
    if not isinstance(values.get("limit"), int) or values["limit"] < 0:
        raise ValueError("a limit needs a whole number as its limit")
    try:
        re.compile(values.get("match", ""))
    except (re.error, TypeError) as error:
        raise ValueError(f"match is no regular expression: {error}") from error
    return Rule(**values)
