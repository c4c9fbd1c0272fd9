"""Steering the servers from outside of their APIs: `POST /control/…`, each with a JSON body."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.accounts import Token
from sandbox.limits import rule_of
from sandbox.mutations import perform

if TYPE_CHECKING:
    from sandbox.organisation import Organisation

Command = Callable[["Organisation", dict[str, Any]], Any]


def control_routes(organisation: "Organisation") -> list[BaseRoute]:
    """Return the routes of `/control`."""

    async def accounts(request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        return JSONResponse(
            {
                system: [_shown(each, base) for each in organisation.accounts.tokens(system)]
                for system in ("jira", "github")
            }
        )

    async def state(request: Request) -> Response:
        return JSONResponse(
            {
                "clock": organisation.clock.now,
                "options": asdict(organisation.options),
                "limits": [asdict(rule) for rule in organisation.limits.rules],
                "faults": [rule.state() for rule in organisation.faults.rules],
                "script": len(organisation.script.cues),
            }
        )

    posts = [
        Route(f"/control/{name}", _handler(organisation, command), methods=["POST"])
        for name, command in COMMANDS.items()
    ]
    return [Route("/control/accounts", accounts), Route("/control", state), *posts]


def _handler(
    organisation: "Organisation", command: Command
) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        try:
            body = msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
            done = command(organisation, body)
        except (ValueError, KeyError, TypeError) as error:
            return JSONResponse({"error": str(error) or repr(error)}, status_code=400)
        return JSONResponse({"clock": organisation.clock.now, "done": done})

    return handle


def _mutate(organisation: "Organisation", body: dict[str, Any]) -> Any:
    """`{"do": [{"op": "jira.edit", …}]}`: change things now."""
    return perform(organisation, body["do"])


def _script(organisation: "Organisation", body: dict[str, Any]) -> Any:
    """`{"after_request": {"path", "nth"}, "do": [...]}`, or `{"clear": true}`."""
    if body.get("clear"):
        organisation.script.cues.clear()
    else:
        organisation.script.add(body)
    return len(organisation.script.cues)


def _clock(organisation: "Organisation", body: dict[str, Any]) -> Any:
    """`{"advance_seconds": N}`: let virtual time pass."""
    return organisation.clock.advance(body["advance_seconds"])


def _faults(organisation: "Organisation", body: dict[str, Any]) -> Any:
    """`{"rules": [{"kind", "match", "times", "skip", "value", "of"}], "clear": true}`."""
    if body.get("clear"):
        organisation.faults.rules.clear()
    for rule in body.get("rules", []):
        organisation.faults.add(rule)
    return [rule.state() for rule in organisation.faults.rules]


def _limits(organisation: "Organisation", body: dict[str, Any]) -> Any:
    """`{"rules": [{"kind", "limit", "window_seconds", …}]}`: these instead of others."""
    organisation.limits.set_rules([rule_of(rule) for rule in body.get("rules", [])])
    return [asdict(rule) for rule in organisation.limits.rules]


def _options(organisation: "Organisation", body: dict[str, Any]) -> Any:
    """`{"latency_ms": 100, …}`: change options of `sandbox.options`, but not the mode."""
    if "mode" in body or "user_zone" in body:
        raise ValueError("mode and user_zone are fixed at the start")
    organisation.options = organisation.options.changed(body)
    return asdict(organisation.options)


def _expire(organisation: "Organisation", body: dict[str, Any]) -> Any:
    """`{"token": T}`, or by `system`, `kind`, `account`; `{"search_tokens": true}` of Jira."""
    if body.get("search_tokens"):
        organisation.jira.page_tokens.expire_all()
        return "search tokens"
    accounts = organisation.accounts
    chosen = [
        token
        for token in accounts.tokens(
            body.get("system", ""), body.get("kind", ""), body.get("account", "")
        )
        if body.get("token", token.value) == token.value
    ]
    for token in chosen:
        token.expires_at = 0.0
    return len(chosen)


def _requests(organisation: "Organisation", body: dict[str, Any]) -> Any:
    """`{}`: begin to count requests, refusals and violations anew."""
    organisation.log.clear()
    organisation.limits.violations.clear()
    organisation.limits.refused = 0
    return True


COMMANDS: dict[str, Command] = {
    "mutate": _mutate,
    "script": _script,
    "clock": _clock,
    "faults": _faults,
    "limits": _limits,
    "options": _options,
    "expire": _expire,
    "requests/clear": _requests,
}


def steer(organisation: "Organisation", name: str, body: dict[str, Any]) -> Any:
    """Do what a POST to `/control/<name>` does; raise ValueError."""
    if name not in COMMANDS:
        raise ValueError(f"there is no {name!r}; there are {', '.join(COMMANDS)}")
    return COMMANDS[name](organisation, body)


def _shown(token: Token, base: str) -> dict[str, Any]:
    """Return a credential with where it is used."""
    extra = {name: value.replace("{base}", base) for name, value in token.extra.items()}
    return {
        "kind": token.kind,
        "account": token.account.name,
        "user": token.account.email,
        "token": token.value,
        "scopes": sorted(token.scopes),
        "is_expired": token.is_expired,
        "base_url": f"{base}/{token.system}",
        **extra,
    }
