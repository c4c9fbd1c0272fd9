"""What every request to Jira or GitHub passes on its way in and out."""

import asyncio
import time
from hashlib import sha256
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import exchange as exchanges
from sandbox.exchange import Exchange, System
from sandbox.faults.answers import respond
from sandbox.faults.transport import CutOffError
from sandbox.github.kinds import kind_of as github_kind
from sandbox.jira.kinds import kind_of as jira_kind
from sandbox.mutations import perform
from sandbox.request_log import Entry

if TYPE_CHECKING:
    from sandbox.organisation import Organisation

_CUT_OFF = 599
_KINDS = {"jira": jira_kind, "github": github_kind}
_SYSTEMS: dict[str, System] = {"jira": "jira", "github": "github"}


class Gate:
    """Tells who asks for what, delays, limits, lets fail, logs, and plays the script.

    A request of another path than `/jira/…` and `/github/…` passes untouched.
    """

    def __init__(self, app: ASGIApp, organisation: "Organisation") -> None:
        self._app = app
        self._organisation = organisation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a connection."""
        system = _SYSTEMS.get(scope.get("path", "").split("/")[1]) if "path" in scope else None
        if scope["type"] != "http" or system is None:
            await self._app(scope, receive, send)
            return
        exchange = await self._exchange(system, scope, receive)
        exchanges.begin(scope, exchange)
        await asyncio.sleep(self._organisation.options.latency_ms / 1_000)
        out = _Out(self._organisation, exchange, send)
        try:
            await self._answer(exchange, scope, _Body(exchange, receive), out)
        except CutOffError:
            if "sandbox.transport" not in scope:
                raise
        finally:
            out.log()

    async def _exchange(self, system: System, scope: Scope, receive: Receive) -> Exchange:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        exchange = Exchange(
            system=system,
            method=scope["method"],
            path=scope["path"].removeprefix(f"/{system}"),
            query=scope["query_string"].decode("latin-1"),
            body=body,
            token=self._organisation.accounts.identify(Headers(scope=scope)),
        )
        exchange.kind = _KINDS[system](exchange)
        return exchange

    async def _answer(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: "_Out"
    ) -> None:
        limits = self._organisation.limits
        limits.has_primary = not self._organisation.options.github_enterprise
        refused = limits.arrive(exchange)
        if refused is not None:
            await respond(send, refused.status, refused.body, refused.headers)
            return
        send.is_admitted = True
        await self._organisation.faults.answer(self._app, scope, receive, send)


class _Body:
    """Gives the buffered body once, as it is when it is asked for, then what really comes."""

    def __init__(self, exchange: Exchange, receive: Receive) -> None:
        self._exchange = exchange
        self._receive = receive
        self._is_given = False

    async def __call__(self) -> Message:
        if self._is_given:
            return await self._receive()
        self._is_given = True
        return {"type": "http.request", "body": self._exchange.body, "more_body": False}


class _Out:
    """Sends an answer: adds headers, notes what it is, and plays what is due before it is seen."""

    def __init__(self, organisation: "Organisation", exchange: Exchange, send: Send) -> None:
        self._organisation = organisation
        self._exchange = exchange
        self._send = send
        self._status = _CUT_OFF
        self.is_admitted = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._begin(message)
        await self._send(message)

    def _begin(self, message: Message) -> None:
        organisation = self._organisation
        self._status = message["status"]
        message["headers"] = list(message.get("headers", []))
        headers = MutableHeaders(raw=message["headers"])
        headers["date"] = organisation.clock.date_header
        if self.is_admitted:
            for name, value in organisation.limits.leave(self._exchange):
                headers.setdefault(name, value)
        organisation.limits.observe(
            self._exchange, self._status, headers, is_refusal=not self.is_admitted
        )
        perform(organisation, organisation.script.due(self._exchange))

    def log(self) -> None:
        """Count the request."""
        exchange = self._exchange
        query = f"?{exchange.query}" if exchange.query else ""
        self._organisation.log.add(
            Entry(
                at=time.time(),
                system=exchange.system,
                method=exchange.method,
                path=f"/{exchange.system}{exchange.path}{query}",
                kind=exchange.kind,
                status=self._status,
                account=exchange.token.account.name if exchange.token else "anonymous",
                asked=sha256(exchange.body).hexdigest()[:16] if exchange.body else "",
            )
        )
