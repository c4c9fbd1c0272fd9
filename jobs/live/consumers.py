"""The WebSocket of a run: a snapshot on connect, then its progress. See docs/websocket.md."""

import asyncio
import logging
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from common import tracing
from jobs.live.publishing import group_of, publisher
from jobs.models import JobRun
from jobs.progress import RunProgress, progress_of
from tenants.permissions import access_for
from tenants.scope import every_tenant, tenant_scope

logger = logging.getLogger(__name__)

NOT_FOUND: Final = 4404
"""Closes a socket whose run does not exist, or that the user may not or no longer see."""
CHECK_SECONDS: Final = 3.0


class RunConsumer(AsyncJsonWebsocketConsumer):  # type: ignore[misc]
    """Sends the progress of the run in its address; takes no messages.

    The right to see it is checked on connect and every CHECK_SECONDS: a log-out, a new password,
    a lost membership closes the socket.
    """

    check_seconds = CHECK_SECONDS

    async def connect(self) -> None:
        self.run_id: int = self.scope["url_route"]["kwargs"]["run_id"]
        self.checking: asyncio.Task[None] | None = None
        handshake = tracing.bind_on(tracing.accepted(self._header(b"x-request-id")))
        await self.accept()
        progress = await database_sync_to_async(self._progress)()
        if progress is None:
            await self.close(NOT_FOUND)
            return
        # From here on the socket is one of the run's, whatever process it is in.
        tracing.bind_on(progress["trace_id"] or handshake, run=self.run_id, request=handshake)
        logger.info("a page watches the run")
        publisher.attach(asyncio.get_running_loop())
        await self._follow()
        # Joined first and read afterwards, so that nothing between the two is missed.
        progress = await database_sync_to_async(self._progress)()
        if progress is None:
            await self.close(NOT_FOUND)
            return
        await self.send_json(progress)
        self.checking = asyncio.create_task(self._check())

    async def disconnect(self, code: int) -> None:
        if self.checking is not None:
            self.checking.cancel()
        logger.info("a socket was closed (%s)", code)
        with suppress(Exception):
            await self.channel_layer.group_discard(group_of(self.run_id), self.channel_name)

    async def receive(self, *args: Any, **kwargs: Any) -> None:
        """Ignore whatever the page says."""

    async def run_progress(self, message: dict[str, Any]) -> None:
        """Pass on what the publisher sent to the group."""
        await self.send_json(message["progress"])

    def _header(self, name: bytes) -> str:
        headers: dict[bytes, bytes] = dict(self.scope["headers"])
        return headers.get(name, b"").decode("latin-1")

    async def _follow(self) -> None:
        """Join the run's group; without a channel layer the page polls what it misses."""
        try:
            await self.channel_layer.group_add(group_of(self.run_id), self.channel_name)
        except Exception:
            await self.send_json({"type": "not_live"})

    async def _check(self) -> None:
        while True:
            await asyncio.sleep(self.check_seconds)
            if not await database_sync_to_async(self._may_see)():
                await self.close(NOT_FOUND)
                return

    def _progress(self) -> RunProgress | None:
        run = self._visible_run()
        if run is None:
            return None
        with tenant_scope(run.tenant_id):
            return progress_of(run)

    def _may_see(self) -> bool:
        return self._visible_run() is not None

    def _visible_run(self) -> JobRun | None:
        access = access_for(self._user())
        if access is None:
            return None
        with every_tenant("finds the tenant of a run before there is a scope"):
            run: JobRun | None = JobRun.objects.filter(pk=self.run_id).first()
        return run if run is not None and access.may_read_tenant(run.tenant_id) else None

    def _user(self) -> Any:
        """Return the user of the session as it is now, not as it was on connect."""
        engine = import_module(settings.SESSION_ENGINE)
        request = HttpRequest()
        request.session = engine.SessionStore(self.scope["session"].session_key)
        return get_user(request)
