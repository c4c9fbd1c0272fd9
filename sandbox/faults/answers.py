"""Failures that answer in place of the application."""

import asyncio
import base64
import binascii
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

_LOGIN = (
    b"<!DOCTYPE html><html><head><title>Log in</title></head><body>"
    b'<form action="/login" method="post"><input name="password" type="password"></form>'
    b"</body></html>"
)
_DEEP = 100_000
_DIGITS = 5_000
HOSTILE = {
    "nul": b'{"issues":[{"id":"1","key":"A-1","fields":{"summary":"be\\u0000fore"}}]}',
    "nul_key": b'{"issues":[{"id":"1","fields":{"custom\\u0000field":1}}]}',
    "lone_surrogate": b'{"issues":[{"id":"1","fields":{"summary":"half \\ud83d"}}]}',
    "nan": b'{"issues":[{"id":"1","fields":{"customfield_10026":NaN}}]}',
    "infinite": b'{"issues":[{"id":"1","fields":{"customfield_10026":1e999}}]}',
    "many_digits": b'{"issues":[{"id":' + b"7" * _DIGITS + b"}]}",
    "deep": b"[" * _DEEP + b"]" * _DEEP,
    "deep_object": b'{"a":' * _DEEP + b"1" + b"}" * _DEEP,
    "duplicate_keys": b'{"issues":[],"issues":[{"id":"1","id":"2"}],"isLast":true}',
    "array": b"[1,2,3]",
    "null": b"null",
    "number": b"17",
    "utf16": '{"issues":[]}'.encode("utf-16"),
    "bom": b'\xef\xbb\xbf{"issues":[],"isLast":true}',
    "latin1": b'{"issues":[{"id":"1","key":"caf\xe9"}]}',
    "null_items": b'{"issues":[null,null],"isLast":true}',
    "no_items": b"{}",
}


async def respond(
    send: Send,
    status: int,
    body: bytes,
    headers: Iterable[tuple[str, str]] = (),
    content_type: str | None = "application/json;charset=UTF-8",
) -> None:
    """Send a whole answer."""
    pairs = [("content-length", str(len(body))), *headers]
    if content_type is not None and not any(n.lower() == "content-type" for n, _ in headers):
        pairs.append(("content-type", content_type))
    await start(send, status, pairs)
    await send({"type": "http.response.body", "body": body})


async def start(send: Send, status: int, headers: Iterable[tuple[str, str]]) -> None:
    """Send the head of an answer."""
    pairs = [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _status(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with a status: a number, or {"status", "headers", "body"} (text or JSON)."""
    given: dict[str, Any] = value if isinstance(value, dict) else {"status": value or 500}
    body = given.get("body", {"errorMessages": ["Something went wrong."], "errors": {}})
    text = body.encode() if isinstance(body, str) else msgspec.json.encode(body)
    headers = [(name, str(each)) for name, each in dict(given.get("headers", {})).items()]
    await respond(send, int(given.get("status", 500)), text, headers)


async def _html(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the login page of a proxy; the value is another status than 200."""
    await respond(send, value or 200, _LOGIN, content_type="text/html; charset=utf-8")


async def _empty(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200 with no body."""
    await respond(send, 200, b"")


async def _retry_after(
    app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send
) -> None:
    """Refuse with 429 and this text as `Retry-After`; None: without the header."""
    headers = [] if value is None else [("retry-after", str(value))]
    await respond(send, 429, b'{"message":"Rate limit exceeded"}', headers)


async def _unauthorized(
    app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send
) -> None:
    """Refuse as if the credential had been revoked."""
    text = "Client must be authenticated to access this resource."
    body = {"errorMessages": [text], "errors": {}, "message": "Bad credentials"}
    await respond(send, 401, msgspec.json.encode(body))


async def _many_headers(
    app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send
) -> None:
    """Answer 200 with so many headers, 10,000 if nothing is said."""
    headers = [(f"x-noise-{number}", "1") for number in range(value or 10_000)]
    await respond(send, 200, b"{}", headers)


async def _hostile(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 200 with a body of HOSTILE, by its name, or with the text itself."""
    body = HOSTILE.get(value) if isinstance(value, str) else None
    await respond(send, 200, body if body is not None else str(value or "").encode())


async def _echo(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the credential in the message; the value is another status than 400."""
    given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    opened = given
    with suppress(binascii.Error, UnicodeDecodeError):  # not basic: it holds the token as it is
        opened = base64.b64decode(given.partition(" ")[2], validate=True).decode()
    text = f"Cannot use Authorization: {given} ({opened})"
    body = {"errorMessages": [text], "errors": {}, "message": text}
    await respond(send, value or 400, msgspec.json.encode(body), [("x-echo", given)])


async def _stall(app: ASGIApp, value: Any, scope: Scope, receive: Receive, send: Send) -> None:
    """Say nothing for so many seconds (30), or until the client leaves, then answer."""
    await wait_or_leave(receive, float(value or 30))
    await app(scope, receive, send)


async def wait_or_leave(receive: Receive, seconds: float) -> bool:
    """Wait; return True at once when the client leaves meanwhile."""

    async def leaves() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    try:
        await asyncio.wait_for(leaves(), seconds)
    except TimeoutError:
        return False
    return True


KINDS = {
    "status": _status,
    "html": _html,
    "empty": _empty,
    "retry_after": _retry_after,
    "unauthorized": _unauthorized,
    "many_headers": _many_headers,
    "hostile": _hostile,
    "echo_authorization": _echo,
    "stall": _stall,
}
