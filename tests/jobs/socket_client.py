"""A client's end of the WebSocket. (`channels.testing` needs daphne, which is not installed.)"""

import asyncio
import json
from typing import Any

from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from etl_project.asgi import application
from jobs.live.publishing import publisher
from tenants.models import Membership, Role
from tenants.scope import tenant_scope

ORIGIN = b"http://localhost"


def log_in(tenant_id: int, role: Role = Role.VIEWER, name: str = "ada") -> str:
    """Make a member of the tenant and return the key of a session of theirs."""
    user = User.objects.create(username=name)
    with tenant_scope(tenant_id):
        Membership.objects.create(tenant_id=tenant_id, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


def applied(state: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    """Return the state as a delta makes it, as clients do."""
    made = {**state, **delta["set"]}
    if "log" in delta:
        made["log"] = state["log"][delta["log"]["dropped"] :] + delta["log"]["added"]
    if "runs" in delta:
        known = {card["id"]: card for card in state["runs"] + delta["runs"]["changed"]}
        made["runs"] = [known[key] for key in delta["runs"]["order"]]
    return made


class Page:
    """A browser's or a program's end of a socket, and the states as it has merged them."""

    def __init__(
        self, session: str = "", origin: bytes | None = ORIGIN, headers: Any = (), query: str = ""
    ) -> None:
        given = [*headers]
        given += [(b"cookie", f"sessionid={session}".encode())] if session else []
        given += [(b"origin", origin)] if origin is not None else []
        scope = {"type": "websocket", "path": "/ws/v1/", "query_string": query.encode()}
        make: Any = ApplicationCommunicator
        self.end = make(application, {**scope, "headers": given, "subprotocols": []})
        self.states: dict[str, dict[str, Any]] = {}
        self.seqs: dict[str, int] = {}

    async def connect(self) -> bool:
        """Open the socket; tell whether it was accepted."""
        await self.end.send_input({"type": "websocket.connect"})
        message = await self.end.receive_output(5)
        return bool(message["type"] == "websocket.accept")

    async def enter(self, *topics: str) -> "Page":
        """Open the socket, be let in and have a snapshot of each topic."""
        assert await self.connect()
        assert (await self.next())["authenticated"]
        for topic in topics:
            await self.ask(type="subscribe", topic=topic)
            assert (await self.next())["type"] == "snapshot"
        return self

    async def ask(self, **message: Any) -> None:
        """Send a message."""
        await self.say(json.dumps(message))

    async def say(self, text: str) -> None:
        """Send a text, whatever it is."""
        await self.end.send_input({"type": "websocket.receive", "text": text})

    async def next(self) -> dict[str, Any]:
        """Return the next message that is no heartbeat, once it is merged."""
        while True:
            message = await self.end.receive_output(5)
            assert message["type"] == "websocket.send", message
            told: dict[str, Any] = json.loads(message["text"])
            if told["type"] != "ping":
                self._merge(told)
                return told

    def _merge(self, told: dict[str, Any]) -> None:
        topic = told.get("topic", "")
        if told["type"] == "snapshot":
            assert told["seq"] >= self.seqs.get(topic, 0)
            self.states[topic] = told["state"]
        elif told["type"] == "delta":
            assert told["base"] == self.seqs[topic]
            assert told["seq"] > told["base"]
            self.states[topic] = applied(self.states[topic], told)
        else:
            return
        self.seqs[topic] = told["seq"]

    async def closed_with(self) -> int:
        """Return the code with which the other side closes, whatever it sends before."""
        while True:
            message = await self.end.receive_output(5)
            if message["type"] == "websocket.close":
                code: int = message["code"]
                return code

    async def leave(self) -> None:
        """Close the socket from this side."""
        await self.end.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.end.wait(5)


async def publish() -> None:
    """Publish what changed, as the scheduler does."""
    publisher._due.clear()
    assert await database_sync_to_async(publisher.publish_due)() == 1


def converse(conversation: Any) -> None:
    """Run a conversation to its end in a loop of its own."""

    async def whole() -> None:
        try:
            await conversation
        finally:
            await database_sync_to_async(connections.close_all)()

    asyncio.run(whole())
