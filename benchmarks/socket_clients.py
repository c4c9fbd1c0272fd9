"""Clients of the WebSocket that check all they are told, many in one event loop."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE: Final = 60.0


def applied(state: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    """Return a state as a delta makes it; see docs/websocket.md."""
    made = {**state, **delta["set"]}
    if "log" in delta:
        made["log"] = state["log"][delta["log"]["dropped"] :] + delta["log"]["added"]
    if "runs" in delta:
        known = {card["id"]: card for card in state["runs"] + delta["runs"]["changed"]}
        made["runs"] = [known[key] for key in delta["runs"]["order"]]
    return made


@dataclass
class Client:
    """One socket that watches topics. arrivals: when each count of records came, by topic.

    gaps: deltas that did not follow on what was there.
    """

    address: str
    session: str
    topics: list[str]
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    arrivals: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    gaps: int = 0
    deltas: int = 0
    _seqs: dict[str, int] = field(default_factory=dict)
    _socket: ClientConnection | None = None
    _listening: "asyncio.Task[None] | None" = None

    async def enter(self) -> None:
        """Connect, and return with a snapshot of each topic; go on listening."""
        headers = {"Cookie": f"sessionid={self.session}"}
        origin: Any = self.address.replace("ws://", "http://").removesuffix("/ws/v1/")
        self._seqs.clear()
        self._socket = await connect(
            self.address,
            origin=origin,
            additional_headers=headers,
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE,
        )
        assert json.loads(await self._socket.recv())["authenticated"]
        for topic in self.topics:
            await self._say(type="subscribe", topic=topic)
        async with asyncio.timeout(PATIENCE):
            while len(self._seqs) < len(self.topics):
                await self._take(await self._socket.recv())
        self._listening = asyncio.create_task(self._listen(self._socket))

    def cut(self) -> None:
        """Lose the connection, as when a network goes."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def leave(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            await self._socket.close()

    async def watch(self, topic: str) -> None:
        """Watch another topic."""
        self.topics.append(topic)
        await self._say(type="subscribe", topic=topic)

    async def _say(self, **message: str) -> None:
        assert self._socket is not None
        await self._socket.send(json.dumps(message))

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                await self._take(text)
        except ConnectionClosed:
            return

    async def _take(self, text: str | bytes) -> None:
        came, told = time.monotonic(), json.loads(text)
        topic = told.get("topic", "")
        if told["type"] == "ping":
            await self._say(type="pong")
            return
        if told["type"] == "snapshot":
            self.states[topic] = told["state"]
        elif told["type"] == "delta" and told["base"] == self._seqs[topic]:
            self.deltas += 1
            self.states[topic] = applied(self.states[topic], told)
        else:
            self.gaps += 1
            return
        self._seqs[topic] = told["seq"]
        if "records" in self.states[topic]:
            records = self.states[topic]["records"]
            self.arrivals.setdefault(topic, []).append((records, came))
