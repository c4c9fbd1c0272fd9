"""Threads that begin together, each with its own database connection."""

import threading
from collections.abc import Callable

from django.db import connections


def in_threads(count: int, work: Callable[[int], object]) -> list[BaseException | None]:
    """Call work(0) … work(count - 1) at once; return what each raised, None if nothing."""
    barrier = threading.Barrier(count)
    raised: list[BaseException | None] = [None] * count

    def one(number: int) -> None:
        try:
            barrier.wait(10)
            work(number)
        except BaseException as error:
            raised[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return raised
