"""Bodies that are too large are refused at the door: Django would keep all of them first."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from common.sizes import most_bytes
from tenants.api.problems import is_of_api, problem_response

Message = Mapping[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LINGER_SECONDS: Final = 5.0
"""For so long the rest of a refused body is thrown away, until its sender listens; then the
connection is closed."""
_REFUSED: Final = "etl.refused_above"


class BodyLimits:
    """Lets an application have bodies up to `common.sizes.most_bytes` of the path.

    A larger one ends before it is there: by its Content-Length before anything is read, without
    one as soon as too much has come. The application gets the request without it, marked for
    `RefusedBodyMiddleware`. A body without Content-Length is given one when it has ended, for
    what parses it takes it for empty otherwise.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        inner = {**scope, "headers": list(scope["headers"])}
        exchange = _Exchange(inner, receive, send)
        await self._app(inner, exchange.receive, exchange.send)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._most = most_bytes(scope["path"])
        self._size = 0
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"")
        self._is_declared = bool(declared)
        # Asked before it is sent: who is refused instead sends nothing.
        self._is_coming = headers.get(b"expect", b"").lower() != b"100-continue"
        self._has_ended = False
        if declared.isdigit() and (len(declared) > 18 or int(declared) > self._most):
            self._refuse()

    @property
    def _is_refused(self) -> bool:
        return _REFUSED in self._scope

    def _refuse(self) -> None:
        self._scope[_REFUSED] = self._most

    async def receive(self) -> Message:
        if not self._is_refused:
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._is_coming = True
            self._size += len(message.get("body", b""))
            if self._size <= self._most:
                self._note_end(message)
                return message
            self._refuse()
        if self._has_ended:
            await asyncio.Event().wait()  # until the answer is sent and this is cancelled
        self._has_ended = True
        return {"type": "http.request", "body": b"", "more_body": False}

    def _note_end(self, message: Message) -> None:
        if self._size and not (self._is_declared or message.get("more_body", False)):
            self._scope["headers"].append((b"content-length", str(self._size).encode()))

    async def send(self, message: Message) -> None:
        if not self._is_refused:
            await self._send(message)
        elif message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"connection", b"close")]
            await self._send({**message, "headers": headers})
        elif message.get("more_body", False):
            await self._send(message)
        else:
            await self._send({**message, "more_body": True})
            await self._linger()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _linger(self) -> None:
        """Throw away what is still sent: a connection closed before takes the answer with it."""
        if not self._is_coming:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while (await self._receive()).get("more_body", False):
                    pass


class RefusedBodyMiddleware:
    """Answers a request whose body was refused: 413."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        most = getattr(request, "scope", {}).get(_REFUSED)
        if most is None:
            return self.get_response(request)
        answer = too_large(request, most)
        return _at_once(answer) if iscoroutinefunction(self) else answer


async def _at_once(answer: HttpResponse) -> HttpResponse:
    return answer


def too_large(request: HttpRequest, most: int) -> HttpResponse:
    """Answer a body of more than so many bytes."""
    if is_of_api(request):
        answer = problem_response(413, "too-large", f"The body is larger than {most:,} bytes.")
    else:
        answer = render(request, "413.html", {"most": most}, status=413)
    # So that it has ended for its reader while the connection is still open.
    answer.headers["Content-Length"] = str(len(answer.content))
    return answer
