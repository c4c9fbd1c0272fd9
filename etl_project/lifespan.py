"""What a web process does when its server starts and stops: it says that it is there."""

from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from jobs.models import Process
from jobs.presence import Presence

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def lifespan(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve the lifespan protocol of ASGI. Without a broker everything is this one process."""
    presence = Presence(Process.Role.WEB) if settings.BROKER_URL else None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            if presence is not None:
                presence.start()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            if presence is not None:
                presence.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return
