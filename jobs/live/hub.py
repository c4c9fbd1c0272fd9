"""The hub: what all sockets of one process share. One membership a topic, one state, one encoding.

It looks after all of them at once: who may still watch, whether events come through, and whether
one was missed.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer

from jobs.live import messages, topics
from jobs.live.admissions import Admissions
from jobs.live.publishing import publisher
from jobs.live.topics import Topic
from jobs.live.watched import Watched
from tenants import socket_tickets
from tenants.socket_access import Holder, reaches

if TYPE_CHECKING:
    from jobs.live.socket import Socket

logger = logging.getLogger(__name__)

LAYER_SECONDS: Final = 1.0
"""How often it is tried whether events come through, and how long one may take."""
RIGHTS_SECONDS: Final = 2.0
"""How often all rights are looked up: a lost one closes its sockets within twice this."""
QUIET_SECONDS: Final = 10.0
"""A run of which nothing was heard for so long is read again, in case nobody publishes."""
BLIND_ROUNDS: Final = 2
"""So often in a row rights may fail to be looked up before all sockets are sent away."""
SILENT_SECONDS: Final = 2.5 * messages.HEARTBEAT_SECONDS


class Hub:
    """All sockets of the event loop that it was made in, and what they watch.

    is_live: whether events come through, tried by sending one to itself.
    """

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self.watched: dict[Topic, Watched] = {}
        self.is_live = False
        self.admissions = Admissions()
        self._opening: dict[Topic, asyncio.Task[Watched | None]] = {}
        self._layer: Any = get_channel_layer()
        self._channel: str | None = None
        self._own_group = f"live.hub.{uuid.uuid4().hex}"
        self._echo = asyncio.Event()
        self._is_tried = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._expected: dict[tuple[Topic, int], int] = {}
        self._blind = 0

    async def join(self, socket: "Socket") -> None:
        """Take in a socket; returns once it is known whether events come through."""
        self.sockets.add(socket)
        if not self._tasks:
            publisher.attach(asyncio.get_running_loop())
            for seconds, work in (
                (LAYER_SECONDS, self._try_layer),
                (RIGHTS_SECONDS, self._look_after_all),
                (messages.HEARTBEAT_SECONDS, self._beat),
            ):
                # In a context of their own: they are not done for the first socket's request.
                task = asyncio.create_task(_again(seconds, work), context=Context())
                self._tasks.append(task)
        await self._is_tried.wait()

    def leave(self, socket: "Socket") -> None:
        """Forget a socket; what nobody watches any more is let go a little later."""
        self.sockets.discard(socket)
        for topic in list(socket.topics):
            self.unsubscribe(socket, topic)

    async def redeem(self, ticket: str) -> Holder | None:
        """Use up a ticket; see `tenants.socket_tickets`."""
        holder: Holder | None = await _ask(socket_tickets.redeem, ticket)
        return holder

    async def subscribe(self, socket: "Socket", topic: Topic) -> Watched | None:
        """Send a socket a topic, from a snapshot on; None if it may not, or there is none."""
        known = self.watched.get(topic)
        tenant_id = known.tenant_id if known else await _ask(topics.tenant_of, topic)
        if tenant_id is None or socket.reach is None or not socket.reach.covers(tenant_id):
            return None
        watched = self.watched.get(topic) or await self._open(topic, tenant_id)
        if watched is not None and socket in self.sockets:
            watched.sockets.add(socket)
            socket.topics.add(topic)
            socket.say(watched.snapshot())
        return watched

    def unsubscribe(self, socket: "Socket", topic: Topic) -> None:
        """Send a socket nothing more of a topic."""
        socket.topics.discard(topic)
        if topic in self.watched:
            self.watched[topic].sockets.discard(socket)

    async def _open(self, topic: Topic, tenant_id: int) -> Watched | None:
        if topic not in self._opening:
            self._opening[topic] = asyncio.create_task(self._begin(topic, tenant_id))
        return await asyncio.shield(self._opening[topic])

    async def _begin(self, topic: Topic, tenant_id: int) -> Watched | None:
        try:
            if self.is_live:
                # Joined first and read afterwards. What comes between is read, and its number
                # with it; should the reading be the older one, the next look finds out.
                await self._follow(topic)
            reading = await _ask(topics.read, topic, tenant_id)
            if reading is None:
                return None
            return self.watched.setdefault(topic, Watched(topic, tenant_id, reading))
        finally:
            del self._opening[topic]

    async def _follow(self, topic: Topic) -> None:
        """Join the group of a topic; where that fails, `_try_layer` does it again."""
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                await self._layer.group_add(topic.group, self._channel)
        except Exception as error:
            logger.info("%s is not followed now: %s", topic.name, error or type(error).__name__)

    async def _listen(self) -> None:
        while True:
            message = await self._layer.receive(self._channel)
            if message["type"] == "live.echo":
                self._echo.set()
            elif (topic := topics.parse(message["topic"])) in self.watched:
                self.watched[topic].heard(message)

    async def _try_layer(self) -> None:
        """Find out whether what is sent to a group arrives here, and tell when that changes."""
        if self._is_tried.is_set() and not self.sockets:
            return
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                await self._hear_oneself()
            is_live = True
        except Exception as error:
            is_live = False
            if self.is_live or not self._is_tried.is_set():
                logger.warning("no events come through: %s", error or type(error).__name__)
        was_live, self.is_live = self.is_live, is_live
        if not self._is_tried.is_set():
            self._is_tried.set()
        elif is_live != was_live:
            await self._tell_liveness()

    async def _hear_oneself(self) -> None:
        if self._channel is None:
            self._channel = await self._layer.new_channel()
            self._tasks.append(asyncio.create_task(self._listen()))
        # Joining again what is joined costs nothing, and mends what could not be joined.
        for group in (self._own_group, *[topic.group for topic in self.watched]):
            await self._layer.group_add(group, self._channel)
        self._echo.clear()
        await self._layer.group_send(self._own_group, {"type": "live.echo"})
        await self._echo.wait()

    async def _tell_liveness(self) -> None:
        if not self.is_live:
            self._say_all(messages.NOT_LIVE)
            return
        logger.info("events come through again")
        self._say_all(messages.LIVE)
        for watched in list(self.watched.values()):
            await self._read_again(watched)
            watched.begin_anew()

    async def _look_after_all(self) -> None:
        await self._let_go()
        if not self.sockets:
            return
        await self._look_up_rights()
        await self._look_for_missed()

    async def _let_go(self) -> None:
        for topic, watched in list(self.watched.items()):
            watched.forget_old_cards()
            if watched.sockets:
                continue
            watched.stop()
            del self.watched[topic]
            with suppress(Exception):
                async with asyncio.timeout(LAYER_SECONDS):
                    await self._layer.group_discard(topic.group, self._channel)

    async def _look_up_rights(self) -> None:
        asked = [socket for socket in self.sockets if socket.holder is not None]
        try:
            found = await _ask(reaches, {socket.holder for socket in asked if socket.holder})
        except Exception:
            self._blind += 1
            if self._blind >= BLIND_ROUNDS:
                for socket in asked:
                    socket.close(messages.TRY_AGAIN)
            raise
        self._blind = 0
        for socket in asked:
            socket.reach = found.get(socket.holder) if socket.holder else None
            if socket.reach is None:
                socket.close(messages.NOT_SIGNED_IN)
            elif any(
                not socket.reach.covers(self.watched[topic].tenant_id)
                for topic in socket.topics
                if topic in self.watched
            ):
                socket.close(messages.NOT_FOUND)

    async def _look_for_missed(self) -> None:
        """Read again what an event was missed of: by the next look it should have come."""
        now = time.monotonic()
        rows = await _ask(topics.numbers, list(self.watched))
        for topic, watched in list(self.watched.items()):
            missed = [
                run_id
                for run_id in rows.get(topic, {})
                if watched.seqs.get(run_id, -1) < self._expected.get((topic, run_id), -1)
            ]
            if missed or (watched.may_change and now - watched.heard_at > QUIET_SECONDS):
                await self._read_again(watched)
        self._expected = {
            (topic, run_id): seq for topic, seqs in rows.items() for run_id, seq in seqs.items()
        }

    async def _read_again(self, watched: Watched) -> None:
        reading = await _ask(topics.read, watched.topic, watched.tenant_id)
        if reading is not None:
            watched.read_again(reading)

    async def _beat(self) -> None:
        silent = time.monotonic() - SILENT_SECONDS
        for socket in list(self.sockets):
            if socket.heard_at < silent:
                socket.close(messages.SILENT)
        self._say_all(messages.PING)

    def _say_all(self, text: str) -> None:
        for socket in list(self.sockets):
            if socket.reach is not None:
                socket.say(text)


async def _again(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Work at once and every so many seconds; what fails is said and tried again."""
    while True:
        try:
            await work()
        except Exception as error:
            logger.warning("sockets are not looked after: %s: %s", type(error).__name__, error)
        await asyncio.sleep(seconds)


async def _ask(function: Callable[..., Any], *arguments: Any) -> Any:
    return await database_sync_to_async(function)(*arguments)


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub_here() -> Hub:
    """Return the hub of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
