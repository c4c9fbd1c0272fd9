"""The socket of a run lets in whoever may see it, tells them all, and closes when that ends."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client
from django.utils import timezone

from etl_project.asgi import application
from jobs.live.consumers import NOT_FOUND, RunConsumer
from jobs.live.publishing import publisher
from jobs.models import JobRun, Stage
from tenants import api_tokens, sign_ins
from tenants.api import jwt
from tenants.models import Membership, Role
from tenants.permissions import access_for
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.progress_world import make_run, make_step

MISSING = 987_654_321
TOKEN_NAMES = ("token", "access_token", "jwt", "ticket", "authorization")


@pytest.fixture
def run(transactional_db: None) -> JobRun:
    return make_run("acme")


def log_in(run: JobRun, role: Role = Role.VIEWER) -> str:
    """Make a member of the run's tenant and return the cookie of a session of theirs."""
    user = User.objects.create(username="ada")
    with tenant_scope(run.tenant_id):
        Membership.objects.create(tenant_id=run.tenant_id, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value


class Page:
    """A browser's end of the socket. (`channels.testing` needs daphne, which is not installed.)"""

    def __init__(
        self,
        run_id: int,
        session: str,
        origin: bytes | None = b"http://localhost",
        token: str = "",
    ) -> None:
        headers = [(b"cookie", f"sessionid={session}".encode())]
        headers += [(b"origin", origin)] if origin is not None else []
        headers += [(b"authorization", f"Bearer {token}".encode())] if token else []
        path, query = f"/ws/runs/{run_id}/", "&".join(f"{name}={token}" for name in TOKEN_NAMES)
        scope = {"type": "websocket", "path": path, "query_string": query.encode()}
        scope |= {"headers": headers}
        make: Any = ApplicationCommunicator
        self.end = make(application, {**scope, "subprotocols": []})

    async def connect(self) -> bool:
        """Open the socket; tell whether it was accepted."""
        await self.end.send_input({"type": "websocket.connect"})
        message = await self.end.receive_output(5)
        return bool(message["type"] == "websocket.accept")

    async def next(self) -> dict[str, Any]:
        """Return the next message."""
        message = await self.end.receive_output(5)
        assert message["type"] == "websocket.send", message
        told: dict[str, Any] = json.loads(message["text"])
        return told

    async def closed_with(self) -> int:
        """Return the code with which the other side closes now."""
        message = await self.end.receive_output(5)
        assert message["type"] == "websocket.close", message
        code: int = message["code"]
        return code

    async def leave(self) -> None:
        """Close the socket from this side."""
        await self.end.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.end.wait(5)


def converse(conversation: Any) -> None:
    """Run a conversation to its end in a loop of its own."""

    async def whole() -> None:
        try:
            await conversation
        finally:
            await database_sync_to_async(connections.close_all)()

    asyncio.run(whole())


def test_a_member_gets_a_snapshot_and_then_what_is_published(run: JobRun) -> None:
    session = log_in(run)
    make_step(run, "a", Stage.TRANSFORM, "queued")

    async def conversation() -> None:
        page = Page(run.pk, session)
        assert await page.connect()
        assert (await page.next())["open"] == 1
        await database_sync_to_async(make_step)(run, "b", Stage.TRANSFORM, "queued")
        publisher._due.clear()
        assert await database_sync_to_async(publisher.publish_due)() == 1
        assert (await page.next())["open"] == 2
        await page.leave()

    converse(conversation())


def test_a_foreign_run_closes_like_a_missing_one(run: JobRun) -> None:
    session = log_in(run)
    foreign = make_run("globex")

    async def conversation() -> None:
        codes = []
        for run_id in (foreign.pk, MISSING):
            page = Page(run_id, session)
            assert await page.connect()
            codes.append(await page.closed_with())
        assert codes == [NOT_FOUND, NOT_FOUND]

    converse(conversation())


def test_a_stranger_is_closed_out(run: JobRun) -> None:
    async def conversation() -> None:
        page = Page(run.pk, "no-session-of-ours")
        assert await page.connect()
        assert await page.closed_with() == NOT_FOUND

    converse(conversation())


def tokens_of(run: JobRun) -> list[str]:
    """An access token and an API token of a member who may see the run."""
    user = User.objects.create_user("bob", password="a long password")
    with tenant_scope(run.tenant_id):
        Membership.objects.create(tenant_id=run.tenant_id, user=user, role=Role.VIEWER)
        access = access_for(user, run.tenant_id)
        assert access is not None
        expires_at = timezone.now() + timedelta(days=1)
        _, text = api_tokens.make(access, run.tenant, "t", ["read"], expires_at)
    return [jwt.pair_for(sign_ins.begin(user), user).access, text]


def test_no_token_opens_a_socket_wherever_it_stands(run: JobRun) -> None:
    tokens = tokens_of(run)
    for token in tokens:
        headers = {"Authorization": f"Bearer {token}"}
        assert Client().get(f"/api/v1/runs/{run.pk}/", headers=headers).status_code == 200

    async def conversation() -> None:
        for token in tokens:
            page = Page(run.pk, "no-session-of-ours", token=token)
            assert await page.connect()
            assert await page.closed_with() == NOT_FOUND

    converse(conversation())


@pytest.mark.parametrize(
    "origin", [b"https://evil.example", b"null", b"http://localhost.evil", b"", None]
)
def test_another_origin_is_refused(run: JobRun, origin: bytes | None) -> None:
    session = log_in(run)

    async def conversation() -> None:
        page = Page(run.pk, session, origin)
        assert not await page.connect()

    converse(conversation())


@pytest.mark.parametrize("loss", ["membership", "session", "active", "password"])
def test_a_socket_closes_when_the_right_to_see_is_lost(
    run: JobRun, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert RunConsumer.check_seconds < 4  # and with what a check takes, within five seconds
    monkeypatch.setattr(RunConsumer, "check_seconds", 0.01)
    session = log_in(run)

    def lose() -> None:
        user = User.objects.get(username="ada")
        if loss == "membership":
            with every_tenant("the test takes the membership away"):
                Membership.objects.all().delete()
        elif loss == "session":
            Session.objects.all().delete()
        elif loss == "active":
            User.objects.filter(pk=user.pk).update(is_active=False)
        else:
            user.set_password("another password")
            user.save()

    async def conversation() -> None:
        page = Page(run.pk, session)
        assert await page.connect()
        await page.next()
        await database_sync_to_async(lose)()
        assert await page.closed_with() == NOT_FOUND

    converse(conversation())
