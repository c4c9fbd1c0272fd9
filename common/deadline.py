"""A limit on how long one waits for something that may never answer."""

import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def asked(ask: Callable[[], T], name: str) -> "Future[T]":
    """Call `ask` in a thread of its own; return the future of what it returns or raises.

    The thread is a daemon: one that never ends, as in a call to a frozen server, keeps no process
    from ending. It has the context variables of the caller.
    """
    answer: Future[T] = Future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            answer.set_result(context.run(ask))
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=work, name=name, daemon=True).start()
    return answer
