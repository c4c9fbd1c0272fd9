"""Progress is published while a run changes, at most four times a second, and once at its end."""

import asyncio
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from channels.layers import get_channel_layer
from django.db import InterfaceError, OperationalError
from django.utils import timezone
from redis.exceptions import RedisError

from jobs.live.publishing import Publisher
from jobs.live.topics import Topic
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from jobs.progress import progress_of
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import until
from tests.jobs.progress_world import make_run, make_step
from tests.services import REDIS_URL, has_redis


@pytest.fixture
def run(transactional_db: None) -> JobRun:
    return make_run("acme")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in another thread, as that of a web server does."""
    serving = asyncio.new_event_loop()
    thread = threading.Thread(target=serving.run_forever)
    thread.start()
    yield serving
    asyncio.run_coroutine_threadsafe(asyncio.sleep(0), serving).result(5)  # what was sent, is
    serving.call_soon_threadsafe(serving.stop)
    thread.join()
    serving.close()


class Watcher:
    """A member of the run's group that lives in the server's loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, run: JobRun, topic: Topic | None = None
    ) -> None:
        self.loop = loop
        self.layer = get_channel_layer()
        self.channel = self.wait(self.layer.new_channel())
        group = (topic or Topic("run", run.pk)).group
        self.wait(self.layer.group_add(group, self.channel))

    def wait(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(5)

    def event(self) -> dict[str, Any]:
        message: dict[str, Any] = self.wait(asyncio.wait_for(self.layer.receive(self.channel), 4))
        return message

    def next(self) -> dict[str, Any]:
        progress: dict[str, Any] = self.event()["progress"]
        return progress


def an_interval_later(run: JobRun) -> None:
    """Make it as long ago as need be that the run was last published."""
    with every_tenant("the test moves the clock"):
        JobRun.objects.filter(pk=run.pk).update(progress_at=timezone.now() - timedelta(seconds=1))


def test_progress_sums_up_steps_log_and_dead_ends(run: JobRun) -> None:
    make_step(run, "a", Stage.TRANSFORM, "done", record_count=40)
    make_step(run, "b", Stage.TRANSFORM, "running")
    make_step(run, "c", Stage.LOAD, "dead", error="no such table", attempts=3)
    with tenant_scope(run.tenant_id):
        RunLog.objects.create(tenant_id=run.tenant_id, run=run, message="started")
        progress = progress_of(run)
    assert (progress["records"], progress["open"], progress["dead"]) == (40, 1, 1)
    assert (progress["is_total_known"], progress["percent"]) == (True, 50)
    assert [step["error"] for step in progress["dead_steps"]] == ["no such table"]
    assert [line["message"] for line in progress["log"]] == ["started"]
    assert progress["seconds_left"] is not None


def test_time_left_is_not_guessed_while_extracting_goes_on(run: JobRun) -> None:
    make_step(run, "x", Stage.EXTRACT, "running")
    make_step(run, "a", Stage.TRANSFORM, "done", record_count=40)
    make_step(run, "b", Stage.TRANSFORM, "queued")
    with tenant_scope(run.tenant_id):
        progress = progress_of(run)
    assert progress["seconds_left"] is None
    assert (progress["is_total_known"], progress["percent"]) == (False, None)


def test_a_change_is_published_and_no_change_is_not(
    run: JobRun, loop: asyncio.AbstractEventLoop
) -> None:
    watcher, ours = Watcher(loop, run), Publisher()
    ours.attach(loop)
    step = make_step(run, "a", Stage.TRANSFORM, "queued")
    assert ours.publish_due() == 1
    assert watcher.next()["open"] == 1
    an_interval_later(run)
    ours._due.clear()
    assert ours.publish_due() == 0
    with tenant_scope(run.tenant_id):
        QueueEntry.objects.filter(pk=step.pk).update(state="done", record_count=7)
    ours._due.clear()
    assert ours.publish_due() == 1
    assert watcher.next()["records"] == 7


def test_of_two_publishers_one_publishes_within_an_interval(
    run: JobRun, loop: asyncio.AbstractEventLoop
) -> None:
    make_step(run, "a", Stage.TRANSFORM, "queued")
    one, other = Publisher(), Publisher()
    one.attach(loop)
    other.attach(loop)
    assert one.publish_due() + other.publish_due() == 1
    an_interval_later(run)
    other._due.clear()
    assert other.publish_due() == 1


def test_events_of_two_publishers_are_numbered_without_a_gap_and_none_twice(
    run: JobRun, loop: asyncio.AbstractEventLoop
) -> None:
    watcher, publishers = Watcher(loop, run), (Publisher(), Publisher())
    for number in range(6):
        make_step(run, f"step {number}", Stage.TRANSFORM, "queued")
        an_interval_later(run)
        for ours in publishers[:: 1 if number % 2 else -1]:
            ours.attach(loop)
            ours._due.clear()
            ours.publish_due()
    told = [watcher.event() for _ in range(6)]
    assert [event["seq"] for event in told] == [1, 2, 3, 4, 5, 6]
    assert [event["progress"]["open"] for event in told] == [1, 2, 3, 4, 5, 6]


def test_a_publisher_that_read_the_run_before_anothers_event_publishes_nothing(
    run: JobRun, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Publisher(), Publisher()
    for ours in (one, other):
        ours.attach(loop)
    make_step(run, "a", Stage.TRANSFORM, "queued")
    with every_tenant("the test reads before the other publishes"):
        read_before = other._candidates()
    assert one.publish_due() == 1
    an_interval_later(run)
    monkeypatch.setattr(other, "_candidates", lambda: read_before)
    assert other.publish_due() == 0


@pytest.mark.parametrize("kind", ["job", "tenant"])
def test_who_watches_a_job_or_a_tenant_is_sent_the_card_of_its_run(
    run: JobRun, loop: asyncio.AbstractEventLoop, kind: Any
) -> None:
    topic = Topic(kind, run.job_id if kind == "job" else run.tenant_id)
    watcher, ours = Watcher(loop, run, topic), Publisher()
    ours.attach(loop)
    make_step(run, "a", Stage.TRANSFORM, "done", record_count=40)
    assert ours.publish_due() == 1
    event = watcher.event()
    assert (event["topic"], event["run"], event["seq"]) == (topic.name, run.pk, 1)
    card = event["card"]
    assert (card["id"], card["job"], card["records"]) == (run.pk, run.job_id, 40)
    assert (card["integration_name"], card["state"]) == ("jira", "running")


def test_the_end_is_published_once_even_right_after_an_event(
    run: JobRun, loop: asyncio.AbstractEventLoop
) -> None:
    watcher, one, other = Watcher(loop, run), Publisher(), Publisher()
    for ours in (one, other):
        ours.attach(loop)
    make_step(run, "a", Stage.TRANSFORM, "done")
    assert one.publish_due() == 1
    watcher.next()
    with tenant_scope(run.tenant_id):
        JobRun.objects.filter(pk=run.pk).update(state="completed", finished_at=timezone.now())
    assert one.publish_due() + other.publish_due() == 1
    assert watcher.next()["is_finished"] is True
    assert one.publish_due() + other.publish_due() == 0


def test_an_event_written_while_the_run_finishes_does_not_hide_its_end(
    run: JobRun, loop: asyncio.AbstractEventLoop
) -> None:
    watcher, ours = Watcher(loop, run), Publisher()
    ours.attach(loop)
    finished_at = timezone.now()
    with tenant_scope(run.tenant_id):
        JobRun.objects.filter(pk=run.pk).update(
            state="completed",
            finished_at=finished_at,
            progress_at=finished_at + timedelta(milliseconds=40),
        )
    assert ours.publish_due() == 1
    assert watcher.next()["is_finished"] is True
    assert ours.publish_due() == 0


def test_a_channel_layer_that_is_down_is_swallowed_and_said_once(
    run: JobRun,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def refuse(*args: Any) -> None:
        raise ConnectionError("redis is down")

    monkeypatch.setattr(get_channel_layer(), "group_send", refuse)
    ours = Publisher()
    ours.attach(loop)
    for key in ("a", "b", "c"):
        make_step(run, key, Stage.TRANSFORM, "queued")
        an_interval_later(run)
        ours._due.clear()
        assert ours.publish_due() == 1
        with pytest.raises(ConnectionError):
            ours._sending[run.pk].result(5)
    said = [record for record in caplog.records if "redis is down" in record.getMessage()]
    assert len(said) == 1


def test_nothing_is_asked_of_the_database_where_nobody_can_listen(
    run: JobRun, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(0):
        assert Publisher().publish_due() == 0


@pytest.fixture
def redis_url() -> str:
    """A Redis that answers; in CI one that does not is a failure."""
    if not has_redis():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"Redis cannot be reached at {REDIS_URL}")
    return REDIS_URL


@pytest.mark.redis
def test_over_redis_progress_reaches_a_page_of_another_process(
    run: JobRun, settings: Any, loop: asyncio.AbstractEventLoop, redis_url: str
) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [redis_url], "prefix": f"progress-test-{run.pk}"},
        }
    }
    watcher, ours = Watcher(loop, run), Publisher()
    make_step(run, "a", Stage.TRANSFORM, "queued")
    assert ours.publish_due() == 1
    assert watcher.next()["open"] == 1


def test_with_redis_gone_publishing_neither_raises_nor_waits(
    run: JobRun, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},
        }
    }
    make_step(run, "a", Stage.TRANSFORM, "queued")
    ours = Publisher()
    assert ours.publish_due() == 1
    with pytest.raises((OSError, RedisError, TimeoutError)):
        ours._sending[run.pk].result(5)
    until(lambda: "progress is not published" in caplog.text)


@pytest.mark.django_db
@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("already closed")])
def test_a_database_that_is_away_does_not_end_the_publishing(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(publisher: Publisher) -> list[JobRun]:
        raise error

    monkeypatch.setattr(Publisher, "_candidates", away)
    assert Publisher().publish_due() == 0
