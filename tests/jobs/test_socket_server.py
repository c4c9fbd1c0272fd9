"""A client that does not read, on the real server: it is dropped, and what it costs is bounded."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from jobs.live import messages
from jobs.live.hub import hub_here
from jobs.live.socket import OUTBOX_CHARS, Receive, Send, Socket

LARGE = "x" * 50_000


class Flood:
    """An application that says as much as it can to each client, and tells how that ended."""

    def __init__(self) -> None:
        self.said = 0
        self.transport: Any = None
        self.ended = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        self.transport = send.__self__.transport  # type: ignore[attr-defined]
        socket = Socket(hub_here(), send)
        serving = asyncio.create_task(socket.run(receive, None))
        while not serving.done():
            socket.say(LARGE)
            self.said += 1
            assert self.waiting(socket) < OUTBOX_CHARS + 3 * len(LARGE)
            await asyncio.sleep(0.001)
        await serving
        self.ended.set()

    def waiting(self, socket: Socket) -> int:
        """How much is kept of what the client has not read."""
        return socket._chars + int(self.transport.get_write_buffer_size())


async def flooded(read: Any) -> None:
    """Serve the flood, and have a client do with its socket what `read` does."""
    flood: Any = Flood()
    config = uvicorn.Config(flood, port=0, lifespan="off", log_level="error")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with connect(f"ws://127.0.0.1:{port}/", compression=None, max_queue=1) as client:
        await read(client, flood)
    server.should_exit = True
    await serving


def test_a_client_that_does_not_read_is_cut_off_and_little_is_kept_for_it(
    transactional_db: None,
) -> None:
    async def sleep(client: ClientConnection, flood: Flood) -> None:
        client.transport.pause_reading()
        async with asyncio.timeout(30):
            await flood.ended.wait()
        assert flood.transport.is_closing()
        assert flood.transport.get_write_buffer_size() == 0
        client.transport.abort()

    asyncio.run(flooded(sleep))


def test_a_client_that_reads_again_in_time_is_told_why_it_is_dropped(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.live.socket.LAST_WORD_SECONDS", 10.0)

    async def wake(client: ClientConnection, flood: Flood) -> None:
        client.transport.pause_reading()
        while not flood.said or hub_here().sockets:  # until it is dropped
            await asyncio.sleep(0.01)
        client.transport.resume_reading()
        with suppress(ConnectionClosed):
            async for _ in client:
                pass
        assert client.close_code == messages.TOO_SLOW

    asyncio.run(flooded(wake))
