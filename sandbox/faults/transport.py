"""Failures on the way: what arrives is cut off, too slow or far too large."""

import asyncio
import gzip
import socket
import struct
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults.answers import start, wait_or_leave
from sandbox.faults.capture import capture

TRANSPORT = "sandbox.transport"
"""The member of a connection's scope that holds its transport, where the server gives it."""
_MIB = 1 << 20
_BOMB_BYTES = 10 << 30


class CutOffError(Exception):
    """An answer that ends in the middle on purpose."""


async def _truncated(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Send half of the body (or as many bytes as the value says) as if it were all."""
    answer = await capture(app, scope, receive)
    answer.body = answer.body[: value or len(answer.body) // 2]
    await answer.send(send)


async def _short_body(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Announce the whole body, send half of it, and close the connection."""
    answer = await capture(app, scope, receive)
    await start(send, answer.status, answer.pairs())
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    raise CutOffError("the answer ends before its announced length")


async def _reset(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Send half of the body and reset the connection."""
    answer = await capture(app, scope, receive)
    await start(send, answer.status, answer.pairs())
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    transport = scope.get(TRANSPORT)
    if transport is not None:
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    raise CutOffError("the connection is reset")


async def _gzip_bomb(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Send white space, packed a thousandfold, that unpacks to so many bytes (10 GiB)."""
    await _bomb(send, 200, [("content-type", "application/json")], value or _BOMB_BYTES)


async def _redirect(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the client elsewhere (the value is the location), with a body that is a bomb."""
    await _bomb(send, 302, [("location", value or "http://elsewhere.example/")], _BOMB_BYTES)


async def _bomb(send: Send, status: int, headers: list[tuple[str, str]], size: int) -> None:
    packed = gzip.compress(b" " * _MIB, compresslevel=9)
    await start(send, status, [*headers, ("content-encoding", "gzip")])
    for _ in range(size // _MIB):
        # Members of one gzip stream: unpacked, they follow each other.
        await send({"type": "http.response.body", "body": packed, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": gzip.compress(b"{}")})


async def _drip(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the body byte by byte, one in so many seconds (1)."""
    answer = await capture(app, scope, receive)
    await start(send, answer.status, answer.pairs())
    for place in range(len(answer.body)):
        byte = answer.body[place : place + 1]
        await send({"type": "http.response.body", "body": byte, "more_body": True})
        if await wait_or_leave(receive, float(value or 1)):
            return
    await send({"type": "http.response.body", "body": b""})


KINDS = {
    "truncated": _truncated,
    "short_body": _short_body,
    "reset": _reset,
    "gzip_bomb": _gzip_bomb,
    "redirect": _redirect,
    "drip": _drip,
}
