"""Requests are answered in threads that stay, each by one thread alone."""

import asyncio
import threading
from contextlib import ExitStack
from typing import Any

from asgiref.sync import async_to_sync
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse

from etl_project.health import LIVE
from etl_project.web_threads import AT_ONCE, KEPT, WebHandler, WebThread, WebThreads

WAIT = 10


class Answering(WebHandler):
    """Answers anything, and notes in which threads."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[threading.Thread] = []

    def get_response(self, request: HttpRequest) -> HttpResponse:
        self.threads.append(threading.current_thread())
        return HttpResponse("answered")


async def _ask(handler: WebHandler, path: str) -> bytes:
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    asked: Any = ApplicationCommunicator(handler, scope)  # type: ignore[no-untyped-call]
    await asked.send_input({"type": "http.request"})
    await asked.receive_output(WAIT)
    body = await asked.receive_output(WAIT)
    await asked.wait(WAIT)
    return bytes(body["body"])


def _thread_of(lent: WebThread) -> threading.Thread:
    thread: threading.Thread = lent.submit(threading.current_thread).result(WAIT)
    return thread


def test_the_next_request_is_answered_in_the_same_thread() -> None:
    handler = Answering()

    async def ask_twice() -> None:
        assert await _ask(handler, "/one") == b"answered"
        assert await _ask(handler, "/two") == b"answered"

    async_to_sync(ask_twice)()
    one, two = handler.threads
    assert one is two
    assert one is not threading.current_thread()


def test_a_probe_is_answered_in_a_thread_that_no_request_had() -> None:
    handler = Answering()

    async def ask() -> None:
        await _ask(handler, "/one")
        await _ask(handler, LIVE)

    async_to_sync(ask)()
    one, probe = handler.threads
    assert one is not probe


def test_two_requests_at_once_have_a_thread_each() -> None:
    threads = WebThreads()
    with threads.lent() as one, threads.lent() as other:
        assert one is not other


def test_a_burst_is_answered_by_so_many_at_once_and_the_others_wait() -> None:
    class Slow(Answering):
        """Answers once as many are under way as may be."""

        full = threading.Barrier(AT_ONCE)
        lock = threading.Lock()
        now = most = 0

        def get_response(self, request: HttpRequest) -> HttpResponse:
            with self.lock:
                self.now += 1
                self.most = max(self.most, self.now)
            self.full.wait(WAIT)
            with self.lock:
                self.now -= 1
            return super().get_response(request)

    handler = Slow()

    async def ask_many() -> None:
        answers = await asyncio.gather(*(_ask(handler, f"/{n}") for n in range(2 * AT_ONCE)))
        assert answers == [b"answered"] * (2 * AT_ONCE)

    async_to_sync(ask_many)()
    assert handler.most == AT_ONCE


def test_threads_beyond_those_that_are_kept_end_with_their_request() -> None:
    threads = WebThreads()
    with ExitStack() as requests:
        lent = [requests.enter_context(threads.lent()) for _ in range(KEPT + 1)]
        of_first, of_last = _thread_of(lent[0]), _thread_of(lent[-1])
    of_first.join(WAIT)  # given back last
    assert not of_first.is_alive()
    assert of_last.is_alive()


def test_a_thread_that_still_works_for_a_reader_who_left_is_not_lent() -> None:
    threads, end = WebThreads(), threading.Event()
    with threads.lent() as one:
        work = one.submit(end.wait, WAIT)
    with threads.lent() as other:
        assert other is not one
        end.set()
        assert work.result(WAIT)
        _thread_of(one)  # what its thread does when it is free is done by now
        with threads.lent() as again:
            assert again is one
