"""One socket: takes the messages of a client, and sends it what it watches.

What is to be sent waits in a bounded outbox, and who does not read is dropped.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

from common import tracing
from jobs.live import messages, topics
from jobs.live.hub import Hub
from jobs.live.topics import Topic
from tenants.socket_access import Holder, Reach

logger = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

AUTHENTICATE_SECONDS: Final = 5.0
OUTBOX_MESSAGES: Final = 100
OUTBOX_CHARS: Final = 1_000_000
LAST_WORD_SECONDS: Final = 1.0
"""For so long a client may take to read what it is sent last."""


class Socket:
    """A client. reach: what it may watch, renewed by the hub; None until it is known."""

    def __init__(self, hub: Hub, send: Send) -> None:
        self.holder: Holder | None = None
        self.reach: Reach | None = None
        self.topics: set[Topic] = set()
        self.heard_at = time.monotonic()
        self._hub = hub
        self._send = send
        self._outbox: deque[str] = deque()
        self._chars = 0
        self._wake = asyncio.Event()
        self._code: int | None = None
        self._closing = asyncio.Event()
        self._allowance = float(messages.MESSAGES_AT_ONCE)

    def say(self, text: str) -> None:
        """Have a message sent; a client for which too many wait already is dropped instead."""
        if self._code is not None:
            return
        self._outbox.append(text)
        self._chars += len(text)
        # One message, however large, may always wait: else it could never be sent.
        is_full = self._chars > OUTBOX_CHARS and len(self._outbox) > 1
        if is_full or len(self._outbox) > OUTBOX_MESSAGES:
            self._outbox.clear()
            self.close(messages.TOO_SLOW)
        self._wake.set()

    def close(self, code: int) -> None:
        """End the socket with this code, once what was said is sent."""
        if self._code is None:
            self._code = code
            self._closing.set()

    async def run(self, receive: Receive, holder: Holder | None) -> None:
        """Serve the client until either side closes."""
        work = [
            asyncio.create_task(each)
            for each in (self._send_all(), self._read_all(receive, holder), self._closing.wait())
        ]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            if work[1].done() and (error := work[1].exception()) is not None:
                logger.warning("a socket failed: %s: %s", type(error).__name__, error)
                self.close(messages.TRY_AGAIN)
        finally:
            self._hub.leave(self)
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
        if self._code is not None:
            await self._end(self._code)
        logger.info("a socket was closed (%s)", self._code or "by the client")

    async def _end(self, code: int) -> None:
        try:
            async with asyncio.timeout(LAST_WORD_SECONDS):
                await self._send_waiting()
                await self._send({"type": "websocket.close", "code": code})
        except TimeoutError:
            # The server would wait for the client to read before it hangs up.
            transport = getattr(getattr(self._send, "__self__", None), "transport", None)
            if transport is not None:
                transport.abort()
        except Exception as error:
            logger.debug("a client was gone already: %s", error)

    async def _send_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._send_waiting()

    async def _send_waiting(self) -> None:
        while self._outbox:
            await self._send({"type": "websocket.send", "text": self._outbox[0]})
            if self._outbox:
                self._chars -= len(self._outbox.popleft())

    async def _read_all(self, receive: Receive, holder: Holder | None) -> None:
        await self._hub.join(self)
        if holder is not None:
            await self._admit(holder)
        self._hello()
        asyncio.get_running_loop().call_later(AUTHENTICATE_SECONDS, self._close_out_strangers)
        while self._code is None:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return
            await self._take(event.get("text"))

    def _close_out_strangers(self) -> None:
        if self.reach is None:
            self.close(messages.NOT_SIGNED_IN)

    def _hello(self) -> None:
        is_in = self.reach is not None
        self.say(messages.hello(is_authenticated=is_in, is_live=self._hub.is_live))

    async def _admit(self, holder: Holder) -> bool:
        """Let a holder in; False if there is nothing that they may watch."""
        reach = await self._hub.admissions.admit(holder)
        if reach is not None:
            self.holder, self.reach = holder, reach
        return reach is not None

    async def _authenticate(self, ticket: object) -> None:
        if self.reach is not None:
            self.say(messages.error("already_authenticated", "You are signed in already."))
            return
        holder = await self._hub.redeem(ticket) if isinstance(ticket, str) else None
        if holder is None or not await self._admit(holder):
            text = "The ticket is none, was used, or has ended: ask for another one."
            self.say(messages.error("ticket_refused", text))
            self.close(messages.NOT_SIGNED_IN)
        else:
            self._hello()

    async def _take(self, text: str | None) -> None:
        """Do what a client asks."""
        now = time.monotonic()
        earned = (now - self.heard_at) * messages.MESSAGES_A_SECOND
        self._allowance = min(self._allowance + earned, messages.MESSAGES_AT_ONCE) - 1
        self.heard_at = now
        if self._allowance < 0:
            self.close(messages.TOO_MANY)
            return
        if text is not None and len(text) > messages.MOST_CHARS:
            self.close(messages.TOO_BIG)
            return
        message = messages.decoded(text) if text is not None else None
        kind = message.get("type") if message is not None else None
        if message is None or not isinstance(kind, str):
            self.say(messages.error("bad_message", 'Send JSON objects with a "type".'))
        elif kind == "pong":
            return
        elif kind == "authenticate":
            await self._authenticate(message.get("ticket"))
        elif kind not in ("subscribe", "unsubscribe", "resync"):
            self.say(messages.error("unknown_type", f"There is no message {kind[:40]!r}."))
        elif self.reach is None:
            self.say(messages.error("not_authenticated", "Sign in first."))
        else:
            await self._take_of_topic(kind, message.get("topic"))

    async def _take_of_topic(self, kind: str, name: object) -> None:
        topic = topics.parse(name)
        if topic is None:
            self.say(messages.error("bad_topic", 'A topic is "run:12", "job:3" or "tenant:1".'))
        elif kind == "unsubscribe":
            self._hub.unsubscribe(self, topic)
        elif topic not in self.topics and len(self.topics) >= messages.MOST_TOPICS:
            text = f"A socket watches {messages.MOST_TOPICS} topics at most."
            self.say(messages.error("too_many_topics", text, topic.name))
        else:
            await self._subscribe(topic)

    async def _subscribe(self, topic: Topic) -> None:
        watched = await self._hub.subscribe(self, topic)
        if watched is None:
            self.say(messages.not_found(topic.name))
            return
        if topic.kind == "run":
            handshake = tracing.current_trace()
            with tracing.bind(watched.newest["trace_id"], run=topic.key, request=handshake):
                logger.info("a page watches the run")
