"""The words of the protocol, version 1: see docs/websocket.md."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

PROTOCOL: Final = 1
HEARTBEAT_SECONDS: Final = 15.0
MOST_TOPICS: Final = 50
"""Topics that one socket may watch."""
MOST_CHARS: Final = 4096
"""Of a message of a client."""
MESSAGES_A_SECOND: Final = 10
MESSAGES_AT_ONCE: Final = 60

NOT_SIGNED_IN: Final = 4401
"""Nobody, or nobody any more: the session ended, the ticket was refused or never came."""
NOT_FOUND: Final = 4404
"""The right to watch one of the topics was lost."""
SILENT: Final = 4408
TOO_BIG: Final = 1009
TOO_SLOW: Final = 4413
TOO_MANY: Final = 4429
TRY_AGAIN: Final = 1013


def encoded(message: Mapping[str, Any]) -> str:
    """Return a message as it is sent."""
    return msgspec.json.encode(message).decode()


def decoded(text: str) -> dict[str, Any] | None:
    """Return what a client sent; None for what is no JSON object."""
    try:
        message = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def hello(*, is_authenticated: bool, is_live: bool) -> str:
    """Return the first message of a socket, and the answer to a ticket."""
    return encoded(
        {
            "type": "hello",
            "protocol": PROTOCOL,
            "heartbeat_seconds": HEARTBEAT_SECONDS,
            "authenticated": is_authenticated,
            "live": is_live,
        }
    )


def error(code: str, text: str, topic: str | None = None) -> str:
    """Return what tells of something that cannot be done. topic: as the client named it."""
    named = {} if topic is None else {"topic": topic}
    return encoded({"type": "error", "code": code, **named, "text": text})


def not_found(topic: str) -> str:
    """Return the answer for a topic that is not there, or not for this client."""
    return error("not_found", "There is no such topic, or you may not watch it.", topic)


PING: Final = encoded({"type": "ping"})
LIVE: Final = encoded({"type": "live"})
NOT_LIVE: Final = encoded({"type": "not_live"})
