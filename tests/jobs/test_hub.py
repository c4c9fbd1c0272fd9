"""The hub looks after all sockets of a process: one reading, one look at rights, none forgotten."""

import asyncio
import json
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.layers import InMemoryChannelLayer
from django.test import Client
from django.utils import timezone

from jobs.live import hub, messages, socket, topics
from jobs.live.hub import hub_here
from jobs.live.socket import Socket
from jobs.live.topics import Reading, Topic
from jobs.models import JobRun, Stage
from tenants.models import Membership
from tenants.scope import every_tenant
from tenants.socket_access import Holder, Reach, SessionHolder, reaches
from tests.jobs.progress_world import make_run, make_step
from tests.jobs.socket_client import Page, converse, log_in, publish


@pytest.fixture
def run(transactional_db: None) -> JobRun:
    return make_run("acme")


def publish_unheard(run: JobRun) -> None:
    """Take the next number for an event that never arrives."""
    make_step(run, "unheard", Stage.TRANSFORM, "done", record_count=5)
    with every_tenant("the test is a publisher"):
        JobRun.objects.filter(pk=run.pk).update(progress_seq=41, progress_at=timezone.now())


def test_a_topic_is_read_once_however_many_begin_to_watch_it(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, read_of, read = log_in(run.tenant_id), topics.read, []

    def counted(topic: Topic, tenant_id: int) -> Reading | None:
        read.append(topic)
        return read_of(topic, tenant_id)

    monkeypatch.setattr(topics, "read", counted)

    async def conversation() -> None:
        pages = [Page(session) for _ in range(20)]
        await asyncio.gather(*[page.enter(f"run:{run.pk}") for page in pages])
        assert len(read) == 1
        assert len(hub_here().watched) == 1
        for page in pages:
            await page.leave()

    converse(conversation())


@pytest.mark.parametrize("number", [1, 30])
def test_rights_take_the_same_few_queries_however_many_sockets_there_are(
    run: JobRun, number: int, django_assert_num_queries: Any
) -> None:
    holders: list[Holder] = [
        SessionHolder(log_in(run.tenant_id, name=f"ada {each}")) for each in range(number)
    ]
    with django_assert_num_queries(3):
        found = reaches(holders)
    assert {holder: reach.tenants for holder, reach in found.items()} == dict.fromkeys(
        holders, frozenset([run.tenant_id])
    )


def test_an_event_that_was_missed_is_read_instead(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RIGHTS_SECONDS", 0.01)
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        page = await Page(session).enter(f"run:{run.pk}", f"tenant:{run.tenant_id}")
        await database_sync_to_async(publish_unheard)(run)
        told = [await page.next(), await page.next()]
        assert {each["topic"] for each in told} == {f"run:{run.pk}", f"tenant:{run.tenant_id}"}
        assert page.states[f"run:{run.pk}"]["records"] == 5
        assert page.states[f"tenant:{run.tenant_id}"]["runs"][0]["records"] == 5
        await page.leave()

    converse(conversation())


def test_a_run_of_which_nothing_is_heard_is_read_again_though_nobody_publishes(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RIGHTS_SECONDS", 0.01)
    monkeypatch.setattr(hub, "QUIET_SECONDS", 0.01)
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        page = await Page(session).enter(f"run:{run.pk}")
        await database_sync_to_async(make_step)(run, "a", Stage.TRANSFORM, "queued")
        assert (await page.next())["set"]["open"] == 1
        await page.leave()

    converse(conversation())


def test_a_client_that_missed_something_asks_and_gets_a_snapshot(run: JobRun) -> None:
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        page = await Page(session).enter(f"run:{run.pk}")
        await page.ask(type="resync", topic=f"run:{run.pk}")
        assert (await page.next())["type"] == "snapshot"
        await page.leave()

    converse(conversation())


def test_who_stops_watching_is_sent_nothing_more_and_the_topic_is_let_go(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RIGHTS_SECONDS", 0.01)
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        topic = f"run:{run.pk}"
        page = await Page(session).enter(topic)
        await page.ask(type="unsubscribe", topic=topic)
        while hub_here().watched:
            await asyncio.sleep(0.01)
        await database_sync_to_async(make_step)(run, "a", Stage.TRANSFORM, "queued")
        await publish()
        await page.ask(type="subscribe", topic=topic)
        told = await page.next()
        assert (told["type"], told["state"]["open"]) == ("snapshot", 1)
        await page.leave()

    converse(conversation())


def test_without_events_pages_are_told_so_and_begin_anew_when_they_are_back(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "LAYER_SECONDS", 0.05)
    session = log_in(run.tenant_id)

    async def refuse(*given: Any) -> None:
        raise ConnectionError("redis is down")

    async def conversation() -> None:
        page = await Page(session).enter(f"run:{run.pk}")
        with monkeypatch.context() as broken:
            broken.setattr(InMemoryChannelLayer, "group_send", refuse)
            assert (await page.next())["type"] == "not_live"
            late = Page(session)
            assert await late.connect()
            assert (await late.next())["live"] is False
            await late.leave()
            await database_sync_to_async(make_step)(run, "a", Stage.TRANSFORM, "queued")
        assert (await page.next())["type"] == "live"
        while page.states[f"run:{run.pk}"]["open"] != 1:
            await page.next()
        await page.leave()

    converse(conversation())


def test_a_member_who_loses_one_of_two_tenants_is_closed_out_of_its_topics(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "RIGHTS_SECONDS", 0.01)
    session, other = log_in(run.tenant_id), make_run("globex")

    def membership(lost: bool) -> None:
        with every_tenant("the test changes memberships"):
            theirs = Membership.objects.filter(tenant_id=other.tenant_id)
            if lost:
                theirs.delete()
            else:
                user = Membership.objects.get(tenant_id=run.tenant_id).user
                Membership.objects.create(tenant_id=other.tenant_id, user=user, role="viewer")

    async def conversation() -> None:
        await database_sync_to_async(membership)(lost=False)
        kept = await Page(session).enter(f"run:{run.pk}")
        page = await Page(session).enter(f"run:{run.pk}", f"run:{other.pk}")
        await database_sync_to_async(membership)(lost=True)
        assert await page.closed_with() == messages.NOT_FOUND
        await kept.ask(type="subscribe", topic=f"run:{other.pk}")
        assert (await kept.next())["code"] == "not_found"
        await kept.leave()

    converse(conversation())


def test_while_rights_cannot_be_looked_up_nobody_goes_on_watching(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub.RIGHTS_SECONDS * hub.BLIND_ROUNDS < 5
    monkeypatch.setattr(hub, "RIGHTS_SECONDS", 0.01)
    session = log_in(run.tenant_id)

    def away(holders: Any) -> Any:
        raise ConnectionError("the database is away")

    async def conversation() -> None:
        page = await Page(session).enter(f"run:{run.pk}")
        monkeypatch.setattr(hub, "reaches", away)
        assert await page.closed_with() == messages.TRY_AGAIN

    converse(conversation())


def test_a_silent_client_is_closed_and_one_that_answers_is_not(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(hub, "SILENT_SECONDS", 0.2)
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        silent, answering = await Page(session).enter(), await Page(session).enter()

        async def answer() -> None:
            while True:
                message = await answering.end.receive_output(5)
                assert json.loads(message["text"])["type"] == "ping"
                await answering.ask(type="pong")

        answers = asyncio.create_task(answer())
        assert await silent.closed_with() == messages.SILENT
        assert not answers.done()
        answers.cancel()

    converse(conversation())


def test_a_slow_client_is_dropped_and_holds_back_no_other(run: JobRun) -> None:
    async def story() -> None:
        sent: list[dict[str, Any]] = []
        reads = asyncio.Event()

        async def send(message: dict[str, Any]) -> None:
            await reads.wait()
            sent.append(message)

        async def receive() -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError

        slow = Socket(hub_here(), send)
        slow.reach = Reach(1, True, frozenset())
        serving = asyncio.create_task(slow.run(receive, None))
        for number in range(10 * socket.OUTBOX_MESSAGES):
            slow.say(str(number))
            await asyncio.sleep(0)
            assert len(slow._outbox) <= socket.OUTBOX_MESSAGES
        reads.set()
        await asyncio.wait_for(serving, 5)
        assert sent[-1] == {"type": "websocket.close", "code": messages.TOO_SLOW}
        assert slow not in hub_here().sockets

    asyncio.run(story())


def test_a_client_that_never_reads_again_is_cut_off(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "LAST_WORD_SECONDS", 0.01)

    class Connection:
        """What the server's `send` is a method of."""

        is_aborted = False

        @property
        def transport(self) -> "Connection":
            return self

        def abort(self) -> None:
            self.is_aborted = True

        async def send(self, message: dict[str, Any]) -> None:
            await asyncio.Event().wait()

        async def receive(self) -> dict[str, Any]:
            await asyncio.Event().wait()
            raise AssertionError

    async def story() -> None:
        connection = Connection()
        slow = Socket(hub_here(), connection.send)
        serving = asyncio.create_task(slow.run(connection.receive, None))
        slow.say("x" * socket.OUTBOX_CHARS)
        slow.say("one more")
        await asyncio.wait_for(serving, 5)
        assert connection.is_aborted

    asyncio.run(story())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "bad_message"),
        ("[]", "bad_message"),
        ("{}", "bad_message"),
        ('{"type": 7}', "bad_message"),
        ("[" * 4000, "bad_message"),
        ('{"type": "explode"}', "unknown_type"),
        ('{"type": "subscribe"}', "bad_topic"),
        ('{"type": "subscribe", "topic": "run:x"}', "bad_topic"),
        ('{"type": "resync", "topic": ["run:1"]}', "bad_topic"),
        ('{"type": "authenticate", "ticket": "x"}', "already_authenticated"),
    ],
)
def test_a_message_that_is_none_is_answered_clearly_and_the_socket_goes_on(
    run: JobRun, text: str, code: str
) -> None:
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        page = await Page(session).enter()
        await page.say(text)
        told = await page.next()
        assert (told["type"], told["code"]) == ("error", code)
        assert told["text"]
        await page.ask(type="subscribe", topic=f"run:{run.pk}")
        assert (await page.next())["type"] == "snapshot"
        await page.leave()

    converse(conversation())


def test_a_client_that_says_too_much_is_closed(run: JobRun) -> None:
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        page = await Page(session).enter()
        for _ in range(2 * messages.MESSAGES_AT_ONCE):
            await page.ask(type="pong")
        assert await page.closed_with() == messages.TOO_MANY
        page = await Page(session).enter()
        await page.say('{"type": "' + "x" * messages.MOST_CHARS)
        assert await page.closed_with() == messages.TOO_BIG

    converse(conversation())


def test_a_socket_watches_so_many_topics_and_no_more(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "MOST_TOPICS", 2)
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        page = await Page(session).enter(f"run:{run.pk}", f"job:{run.job_id}")
        await page.ask(type="subscribe", topic=f"tenant:{run.tenant_id}")
        assert (await page.next())["code"] == "too_many_topics"
        await page.ask(type="subscribe", topic=f"run:{run.pk}")
        assert (await page.next())["type"] == "snapshot"
        await page.ask(type="unsubscribe", topic=f"run:{run.pk}")
        await page.ask(type="subscribe", topic=f"tenant:{run.tenant_id}")
        assert (await page.next())["type"] == "snapshot"
        await page.leave()

    converse(conversation())


def test_polling_gives_the_state_that_a_snapshot_has(run: JobRun) -> None:
    session = log_in(run.tenant_id)
    client = Client()
    client.cookies["sessionid"] = session
    make_step(run, "a", Stage.TRANSFORM, "done", record_count=7)
    asked = {
        f"{kind}:{key}": client.get(f"/live/{kind}/{key}/").json()
        for kind, key in (("run", run.pk), ("job", run.job_id), ("tenant", run.tenant_id))
    }

    async def conversation() -> None:
        page = await Page(session).enter(*asked)
        for topic, polled in asked.items():
            for state in (polled, page.states[topic]):
                for each in (state, *state.get("runs", ())):
                    for clock in ("version", "seconds", "rate"):
                        each.pop(clock, None)
        assert page.states == asked
        await page.leave()

    converse(conversation())
