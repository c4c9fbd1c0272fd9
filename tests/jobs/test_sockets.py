"""The socket lets in whoever may watch, tells them all, and closes when that ends."""

from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from jobs.live import hub
from jobs.live.messages import NOT_FOUND, NOT_SIGNED_IN
from jobs.models import JobRun, Stage
from tenants import api_tokens, sign_ins
from tenants.api import jwt
from tenants.models import Membership, Role
from tenants.permissions import access_for
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.progress_world import make_run, make_step
from tests.jobs.socket_client import Page, converse, log_in, publish

MISSING = 987_654_321
TOKEN_NAMES = ("token", "access_token", "jwt", "ticket", "authorization")


@pytest.fixture
def run(transactional_db: None) -> JobRun:
    return make_run("acme")


def test_a_member_gets_a_snapshot_and_then_what_changed(run: JobRun) -> None:
    session = log_in(run.tenant_id)
    make_step(run, "a", Stage.TRANSFORM, "queued")

    async def conversation() -> None:
        topic = f"run:{run.pk}"
        page = await Page(session).enter(topic)
        assert page.states[topic]["open"] == 1
        await database_sync_to_async(make_step)(run, "b", Stage.TRANSFORM, "queued")
        await publish()
        delta = await page.next()
        assert delta["type"] == "delta"
        assert delta["set"]["open"] == 2
        assert "trace_id" not in delta["set"]
        assert "log" not in delta
        assert page.states[topic]["open"] == 2
        await page.leave()

    converse(conversation())


@pytest.mark.parametrize("kind", ["job", "tenant"])
def test_who_watches_a_job_or_a_tenant_has_the_cards_of_its_runs(run: JobRun, kind: str) -> None:
    session = log_in(run.tenant_id)
    make_step(run, "a", Stage.TRANSFORM, "queued")
    make_run("globex")

    async def conversation() -> None:
        topic = f"{kind}:{run.job_id if kind == 'job' else run.tenant_id}"
        page = await Page(session).enter(topic)
        assert [card["id"] for card in page.states[topic]["runs"]] == [run.pk]
        await database_sync_to_async(end)(run)
        await publish()
        await page.next()
        (card,) = page.states[topic]["runs"]
        assert (card["is_finished"], card["state"]) == (True, "completed")
        await page.leave()

    converse(conversation())


def end(run: JobRun) -> None:
    """End a run, and count what the other tenant has as published."""
    now = timezone.now()
    with every_tenant("the test ends a run"):
        JobRun.objects.exclude(pk=run.pk).update(progress_at=now + timedelta(hours=1))
        JobRun.objects.filter(pk=run.pk).update(state="completed", finished_at=now)


@pytest.mark.parametrize("kind", ["run", "job", "tenant"])
def test_a_foreign_topic_is_answered_like_a_missing_one(run: JobRun, kind: str) -> None:
    session = log_in(run.tenant_id)
    foreign = make_run("globex")
    key = {"run": foreign.pk, "job": foreign.job_id, "tenant": foreign.tenant_id}[kind]

    async def conversation() -> None:
        page = await Page(session).enter()
        answers = []
        for topic in (f"{kind}:{key}", f"{kind}:{MISSING}"):
            await page.ask(type="subscribe", topic=topic)
            answer = await page.next()
            assert answer.pop("topic") == topic
            answers.append(answer)
        assert answers[0] == answers[1]
        assert answers[0]["code"] == "not_found"
        await page.leave()

    converse(conversation())


@pytest.mark.parametrize("session", ["no-session-of-ours", ""])
def test_a_stranger_is_told_so_and_closed_out(
    run: JobRun, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.live.socket.AUTHENTICATE_SECONDS", 0.05)

    async def conversation() -> None:
        page = Page(session)
        assert await page.connect()
        assert (await page.next())["authenticated"] is False
        await page.ask(type="subscribe", topic=f"run:{run.pk}")
        assert (await page.next())["code"] == "not_authenticated"
        assert await page.closed_with() == NOT_SIGNED_IN

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


def test_no_token_opens_a_socket_by_its_address_or_a_header(run: JobRun) -> None:
    tokens = tokens_of(run)
    for token in tokens:
        headers = {"Authorization": f"Bearer {token}"}
        assert Client().get(f"/api/v1/runs/{run.pk}/", headers=headers).status_code == 200

    async def conversation() -> None:
        for token in tokens:
            query = "&".join(f"{name}={token}" for name in TOKEN_NAMES)
            page = Page(headers=[(b"authorization", f"Bearer {token}".encode())], query=query)
            assert await page.connect()
            assert (await page.next())["authenticated"] is False
            await page.leave()

    converse(conversation())


@pytest.mark.parametrize(
    "origin", [b"https://evil.example", b"null", b"http://localhost.evil", b""]
)
def test_another_origin_is_refused(run: JobRun, origin: bytes | None) -> None:
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        assert not await Page(session, origin).connect()

    converse(conversation())


def test_a_session_counts_for_nothing_without_an_origin(run: JobRun) -> None:
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        page = Page(session, origin=None)
        assert await page.connect()
        assert (await page.next())["authenticated"] is False
        await page.leave()

    converse(conversation())


@pytest.mark.parametrize("loss", ["membership", "session", "active", "password"])
def test_a_socket_closes_when_the_right_to_see_is_lost(
    run: JobRun, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 2 * hub.RIGHTS_SECONDS < 5
    monkeypatch.setattr(hub, "RIGHTS_SECONDS", 0.01)
    session = log_in(run.tenant_id)

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
        page = await Page(session).enter(f"run:{run.pk}")
        await database_sync_to_async(lose)()
        assert await page.closed_with() == NOT_SIGNED_IN

    converse(conversation())


def test_an_operator_watches_every_tenant_until_they_are_none(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RIGHTS_SECONDS", 0.01)
    session, other = log_in(run.tenant_id), make_run("globex")
    User.objects.update(is_superuser=True)

    async def conversation() -> None:
        page = await Page(session).enter(f"run:{run.pk}", f"tenant:{other.tenant_id}")
        await database_sync_to_async(User.objects.update)(is_superuser=False)
        assert await page.closed_with() == NOT_FOUND

    converse(conversation())
