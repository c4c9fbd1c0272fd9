"""Letting sockets in: those that come at the same time are looked up in one go."""

import asyncio

from channels.db import database_sync_to_async

from tenants.socket_access import Holder, Reach, reaches


class Admissions:
    """Finds what holders may watch, with a few queries for all that wait."""

    def __init__(self) -> None:
        self._waiting: dict[Holder, list[asyncio.Future[Reach | None]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def admit(self, holder: Holder) -> Reach | None:
        """Return what a holder may watch, None for nothing. Raises what the database raises."""
        future: asyncio.Future[Reach | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(holder, []).append(future)
        if self._task is None:
            self._task = asyncio.create_task(self._look_up())
        return await future

    async def _look_up(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            futures = [future for waiting in batch.values() for future in waiting]
            try:
                found = await database_sync_to_async(reaches)(list(batch))
            except Exception as error:
                for future in futures:
                    if not future.done():
                        future.set_exception(error)
                continue
            for holder, waiting in batch.items():
                for future in waiting:
                    if not future.done():
                        future.set_result(found.get(holder))
        self._task = None
