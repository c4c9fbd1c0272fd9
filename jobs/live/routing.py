"""The address of the WebSocket, and who is let in: a page of the site, or a program."""

from typing import Any
from urllib.parse import ParseResult

from channels.routing import URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.http import parse_cookie
from django.urls import path

from common import tracing
from jobs.live.hub import hub_here
from jobs.live.socket import Receive, Send, Socket
from tenants.socket_access import SessionHolder


async def serve(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Serve a socket. A session counts only for a browser, which says where its page is from."""
    await receive()
    await send({"type": "websocket.accept"})
    headers: dict[bytes, bytes] = dict(scope["headers"])
    tracing.bind_on(tracing.accepted(headers.get(b"x-request-id", b"").decode("latin-1")))
    cookies = parse_cookie(headers.get(b"cookie", b"").decode("latin-1"))
    key = cookies.get(settings.SESSION_COOKIE_NAME) if b"origin" in headers else None
    await Socket(hub_here(), send).run(receive, SessionHolder(key) if key else None)


class OriginCheck(OriginValidator):  # type: ignore[misc]
    """Refuses pages of other sites. A program names no origin, and has to bring a ticket."""

    def __init__(self) -> None:
        hosts = settings.ALLOWED_HOSTS
        local = ["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG and not hosts else []
        socket: Any = serve
        super().__init__(URLRouter([path("ws/v1/", socket)]), hosts or local)

    def valid_origin(self, parsed_origin: ParseResult | None) -> bool:
        """Whether a socket of this origin may be opened; None: it came without one."""
        return parsed_origin is None or bool(super().valid_origin(parsed_origin))


websocket = OriginCheck()
