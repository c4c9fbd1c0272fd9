"""A ticket opens one socket, once, within seconds, for whoever asked for it, and no longer."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from jobs.live import hub
from jobs.live.messages import NOT_SIGNED_IN
from jobs.models import JobRun, Stage
from tenants import api_tokens, sign_ins, socket_tickets
from tenants.api import jwt
from tenants.models import ApiToken, Membership, Role, SignIn, SocketTicket
from tenants.permissions import access_for
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.progress_world import make_run, make_step
from tests.jobs.socket_client import Page, converse, publish

ADDRESS = "/api/v1/socket-tickets/"


@pytest.fixture
def run(transactional_db: None) -> JobRun:
    return make_run("acme")


@pytest.fixture
def ada(run: JobRun) -> User:
    user = User.objects.create_user("ada", password="a long password")
    with tenant_scope(run.tenant_id):
        Membership.objects.create(tenant_id=run.tenant_id, user=user, role=Role.EDITOR)
    return user


def token_of(user: User, run: JobRun, *scopes: str) -> str:
    """Make an API token of the user."""
    with tenant_scope(run.tenant_id):
        access = access_for(user, run.tenant_id)
        assert access is not None
        expires_at = timezone.now() + timedelta(days=1)
        return api_tokens.make(access, run.tenant, "t", scopes, expires_at)[1]


def ask_for_ticket(bearer: str) -> Any:
    """Ask for a ticket with a token."""
    return Client().post(ADDRESS, headers={"Authorization": f"Bearer {bearer}"})


def ticket_by(kind: str, user: User, run: JobRun) -> str:
    """Ask for a ticket with one of the ways to sign in."""
    if kind == "session":
        client = Client()
        client.force_login(user)
        answer = client.post(ADDRESS)
    else:
        pair = jwt.pair_for(sign_ins.begin(user), user) if kind == "sign-in" else None
        answer = ask_for_ticket(pair.access if pair else token_of(user, run, "read"))
    assert answer.status_code == 201
    return str(answer.json()["ticket"])


async def present(ticket: object) -> Page:
    """Open a program's socket and show a ticket."""
    page = Page(origin=None)
    assert await page.connect()
    assert (await page.next())["authenticated"] is False
    await page.ask(type="authenticate", ticket=ticket)
    return page


async def refused(ticket: object) -> bool:
    """Whether a ticket opens nothing."""
    page = await present(ticket)
    told = await page.next()
    if told["type"] == "hello":
        await page.leave()
        return False
    assert told["code"] == "ticket_refused"
    return await page.closed_with() == NOT_SIGNED_IN


@pytest.mark.parametrize("kind", ["session", "sign-in", "token"])
def test_a_ticket_opens_a_socket_once(run: JobRun, ada: User, kind: str) -> None:
    ticket = ticket_by(kind, ada, run)

    async def conversation() -> None:
        page = await present(ticket)
        assert (await page.next())["authenticated"] is True
        await page.ask(type="subscribe", topic=f"run:{run.pk}")
        assert (await page.next())["type"] == "snapshot"
        await database_sync_to_async(make_step)(run, "a", Stage.TRANSFORM, "queued")
        await publish()
        assert (await page.next())["set"]["open"] == 1
        assert await refused(ticket)
        await page.leave()

    converse(conversation())


def test_of_two_who_show_a_ticket_at_once_one_is_let_in(run: JobRun, ada: User) -> None:
    ticket = ticket_by("token", ada, run)

    async def conversation() -> None:
        assert sorted(await asyncio.gather(refused(ticket), refused(ticket))) == [False, True]

    converse(conversation())


def test_what_was_read_before_another_used_it_up_opens_nothing(
    run: JobRun, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = ticket_by("token", ada, run)
    row = SocketTicket.objects.get()
    assert socket_tickets.redeem(ticket) is not None
    monkeypatch.setattr("django.db.models.query.QuerySet.first", lambda rows: row)
    assert socket_tickets.redeem(ticket) is None


@pytest.mark.parametrize("ticket", ["", "none-of-ours", "x" * 3000, None, 7])
def test_what_is_no_ticket_is_refused(run: JobRun, ticket: object) -> None:
    async def conversation() -> None:
        assert await refused(ticket)

    converse(conversation())


def test_a_ticket_is_worth_nothing_after_thirty_seconds(run: JobRun, ada: User) -> None:
    ticket = ticket_by("token", ada, run)
    left = SocketTicket.objects.get().expires_at - timezone.now()
    assert timedelta(seconds=25) < left <= timedelta(seconds=30)
    SocketTicket.objects.update(expires_at=timezone.now())

    async def conversation() -> None:
        assert await refused(ticket)

    converse(conversation())
    assert ask_for_ticket(token_of(ada, run, "read")).status_code == 201
    assert SocketTicket.objects.count() == 1  # the one that ended is forgotten


def test_a_ticket_is_kept_as_a_digest_only_and_stored_by_nobody_on_the_way(
    run: JobRun, ada: User
) -> None:
    answer = ask_for_ticket(token_of(ada, run, "read"))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["ticket"] not in str(SocketTicket.objects.values().get())


def test_a_token_that_may_not_read_gets_no_ticket(run: JobRun, ada: User) -> None:
    assert ask_for_ticket(token_of(ada, run, "run")).status_code == 403
    assert Client().post(ADDRESS).status_code == 401


def test_a_ticket_in_the_address_opens_nothing(run: JobRun, ada: User) -> None:
    ticket = ticket_by("token", ada, run)

    async def conversation() -> None:
        page = Page(origin=None, query=f"ticket={ticket}")
        assert await page.connect()
        assert (await page.next())["authenticated"] is False
        await page.leave()

    converse(conversation())


def test_a_token_opens_its_own_tenant_only(run: JobRun, ada: User) -> None:
    other = make_run("globex")
    with tenant_scope(other.tenant_id):
        Membership.objects.create(tenant_id=other.tenant_id, user=ada, role=Role.ADMIN)
    tickets = {kind: ticket_by(kind, ada, run) for kind in ("token", "sign-in")}

    async def conversation() -> None:
        for kind, answer in (("token", "error"), ("sign-in", "snapshot")):
            page = await present(tickets[kind])
            await page.next()
            await page.ask(type="subscribe", topic=f"run:{other.pk}")
            assert (await page.next())["type"] == answer
            await page.leave()

    converse(conversation())


def lose(user: User, loss: str) -> None:
    """Take away what the sockets of the user stand on."""
    with every_tenant("the test takes rights away"):
        if loss == "membership":
            Membership.objects.all().delete()
        elif loss == "active":
            User.objects.update(is_active=False)
        elif loss == "password":
            user.set_password("another password")
            user.save()
        elif loss == "session":
            Session.objects.all().delete()
        elif loss == "sign-in":
            SignIn.objects.update(revoked_at=timezone.now())
        elif loss == "revoked":
            ApiToken.objects.update(revoked_at=timezone.now())
        elif loss == "expired":
            ApiToken.objects.update(expires_at=timezone.now())
        elif loss == "scope":
            ApiToken.objects.update(scopes=["run"])


LOSSES = [
    *[(kind, loss) for kind in ("session", "sign-in") for loss in ("membership", "password")],
    *[("token", loss) for loss in ("membership", "active", "revoked", "expired", "scope")],
    *[("session", "session"), ("sign-in", "sign-in"), ("sign-in", "active")],
]


@pytest.mark.parametrize(("kind", "loss"), LOSSES)
def test_a_lost_right_opens_nothing_and_closes_what_is_open(
    run: JobRun, ada: User, kind: str, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RIGHTS_SECONDS", 0.01)
    used, unused = ticket_by(kind, ada, run), ticket_by(kind, ada, run)

    async def conversation() -> None:
        page = await present(used)
        assert (await page.next())["authenticated"] is True
        await database_sync_to_async(lose)(ada, loss)
        assert await page.closed_with() == NOT_SIGNED_IN
        assert await refused(unused)

    converse(conversation())
