"""HTTP under ASGI: each request whole in one thread, and threads that stay.

Django would give each request a new thread, and with it a new connection to the database, and
would go through the event loop at each middleware.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from etl_project.health import LIVE, READY

KEPT: Final = 8
"""Threads of a process that wait for the next request, and as many connections."""
AT_ONCE: Final = 32
"""Requests that a process answers at once, and connections that it needs for them; others wait."""


class WebThread(ThreadPoolExecutor):
    """One thread, in which a request is answered from its beginning to its end."""

    def __init__(self) -> None:
        super().__init__(max_workers=1, thread_name_prefix="web")
        self._last: Future[Any] | None = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self._last = super().submit(fn, *args, **kwargs)
        return self._last

    def when_free(self, call: Callable[[], None]) -> None:
        """Call once the thread has nothing to do: it may still work for a reader who left."""
        if self._last is None or self._last.done():
            call()
        else:
            self._last.add_done_callback(lambda _: call())


class WebThreads:
    """Lends threads. There is always one: those beyond KEPT end with their request."""

    def __init__(self) -> None:
        self._free: deque[WebThread] = deque()

    @contextmanager
    def lent(self) -> Iterator[WebThread]:
        """Give a thread that nobody else uses: that which was used last, if one is free."""
        try:
            thread = self._free.pop()
        except IndexError:
            thread = WebThread()
        try:
            yield thread
        finally:
            thread.when_free(lambda: self._take_back(thread))

    def _take_back(self, thread: WebThread) -> None:
        if len(self._free) < KEPT:
            self._free.append(thread)
        else:
            thread.submit(connections.close_all)
            thread.shutdown(wait=False)


class WebHandler(ASGIHandler):
    """Answers HTTP.

    The probes of health get a thread of their own: one that is kept may have to find out first
    whether its connection is still good, and that may take as long as the database hangs.
    """

    def __init__(self) -> None:
        self._threads = WebThreads()
        self._room = asyncio.Semaphore(AT_ONCE)
        super().__init__()

    def load_middleware(self, is_async: bool = False) -> None:
        """Have all middleware called as it is where the server is not asynchronous."""
        super().load_middleware(is_async=False)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") in (LIVE, READY):
            await super().__call__(scope, receive, send)
            return
        with self._threads.lent() as thread:
            async with ThreadSensitiveContext(executor=thread):
                await super().__call__(scope, receive, send)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer in the thread of the request, once there is room.

        Its body is there by now: whoever sends one slowly takes nobody's place.
        """
        async with self._room:
            return await sync_to_async(self.get_response, thread_sensitive=True)(request)
