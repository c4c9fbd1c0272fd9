"""The relay publishes each due step once, the best first, and forgets nothing."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import dramatiq
import pytest
from django.db import connection, connections
from django.utils import timezone
from dramatiq.brokers.stub import StubBroker

from jobs import queue, relay
from jobs.models import JobRun, QueueEntry, Stage
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import add_steps, fresh, in_threads, make_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubBroker]:
    """An in-process broker of the test's own, with the queues of all stages and no worker."""
    stub = StubBroker(middleware=[])
    for stage in Stage:
        stub.declare_queue(f"etl.{stage}.v1")
    monkeypatch.setattr(dramatiq, "get_broker", lambda: stub)
    yield stub
    stub.flush_all()


def hints(broker: StubBroker, stage: Stage = Stage.TRANSFORM) -> list[int]:
    """Take the step ids of the hints that wait, in their order."""
    waiting = broker.queues[f"etl.{stage}.v1"]
    found = []
    while not waiting.empty():
        found.append(dramatiq.Message.decode(waiting.get_nowait()).args[0])
        waiting.task_done()
    return found


def test_due_steps_are_published_once_and_to_the_queue_of_their_stage(
    run: JobRun, broker: StubBroker
) -> None:
    first, second = add_steps(run, "page:1", "page:2")
    (load,) = add_steps(run, "load:1", stage=Stage.LOAD)
    assert relay.dispatch() == (3, False)
    assert relay.dispatch() == (0, False)
    assert hints(broker) == [first.pk, second.pk]
    assert hints(broker, Stage.LOAD) == [load.pk]
    assert fresh(first).dispatched_at is not None


def test_a_step_is_published_when_its_time_has_come(run: JobRun, broker: StubBroker) -> None:
    with tenant_scope(run.tenant_id):
        queue.enqueue(
            run,
            [
                queue.NewStep(
                    Stage.EXTRACT, "issues", "page:1", run_at=timezone.now() + timedelta(hours=1)
                )
            ],
        )
    assert relay.dispatch() == (0, False)
    with every_tenant("test"):
        QueueEntry.objects.update(run_at=timezone.now())
    assert relay.dispatch() == (1, False)


def test_higher_tiers_are_published_first(broker: StubBroker) -> None:
    (free,) = add_steps(make_run("free", tier="free"), "page:1")
    (paying,) = add_steps(make_run("paying", tier="enterprise"), "page:1")
    relay.dispatch()
    assert hints(broker) == [paying.pk, free.pk]


def test_a_tenant_with_many_asks_leaves_room_for_those_of_others(broker: StubBroker) -> None:
    large, small = make_run("large"), make_run("small")
    add_steps(large, *(f"page:{n}" for n in range(relay.BATCH + 1)), stage=Stage.EXTRACT)
    (only,) = add_steps(small, "page:1", stage=Stage.EXTRACT)
    assert relay.dispatch()[0] == relay.BATCH
    found = hints(broker, Stage.EXTRACT)
    assert (len(found), only.pk in found) == (relay.BATCH, True)


def test_hints_under_way_are_limited_for_each_tier_alone(
    broker: StubBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "OUTSTANDING", 3)
    add_steps(make_run("free", tier="free"), *(f"page:{n}" for n in range(10)))
    while relay.dispatch()[0]:
        pass
    assert len(hints(broker)) == 3
    assert relay.dispatch() == (0, True)
    (paying,) = add_steps(make_run("paying", tier="enterprise"), "page:1")
    assert relay.dispatch()[0] == 1
    assert hints(broker) == [paying.pk]


def test_what_cannot_be_published_stays_to_be_published(
    run: JobRun, broker: StubBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = add_steps(run, "page:1", "page:2", "page:3")
    publish = broker.enqueue

    def breaks(message: dramatiq.Message[None], **options: object) -> dramatiq.Message[None]:
        if message.args[0] == steps[1].pk:
            raise ConnectionResetError
        return publish(message)

    with monkeypatch.context() as patch:
        patch.setattr(broker, "enqueue", breaks)
        with pytest.raises(ConnectionResetError):
            relay.dispatch()
    assert [fresh(step).dispatched_at is None for step in steps] == [False, True, True]
    assert relay.dispatch() == (2, False)
    assert hints(broker) == [step.pk for step in steps]


def test_two_relays_publish_each_step_once(run: JobRun, broker: StubBroker) -> None:
    steps = add_steps(run, *(f"page:{n}" for n in range(450)))

    def work(number: int) -> None:
        while relay.dispatch()[0]:
            pass

    in_threads(2, work)
    published = hints(broker)
    assert sorted(published) == [step.pk for step in steps]


def test_the_depth_of_the_in_process_broker_counts_what_nobody_has_done(
    run: JobRun, broker: StubBroker
) -> None:
    add_steps(run, "page:1", "page:2")
    relay.dispatch()
    assert relay.queue_depths() == {"extract": 0, "transform": 2, "load": 0, "index": 0}


def test_a_running_relay_publishes_at_a_commit_and_survives_a_broker_that_goes(
    run: JobRun, broker: StubBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "BACKOFF_SECONDS", (0.01,))
    published, failed, back = threading.Event(), threading.Event(), threading.Event()
    publish = broker.enqueue

    def comes_and_goes(message: dramatiq.Message[None], **_: object) -> dramatiq.Message[None]:
        if not back.is_set():
            failed.set()
            raise ConnectionResetError
        published.set()
        return publish(message)

    monkeypatch.setattr(broker, "enqueue", comes_and_goes)
    stop = threading.Event()

    def relay_runs() -> None:
        relay.Relay().run(stop)
        connections.close_all()

    thread = threading.Thread(target=relay_runs)
    thread.start()
    try:
        (step,) = add_steps(run, "page:1")
        assert failed.wait(5)
        back.set()
        assert published.wait(5)
        assert hints(broker) == [step.pk]
    finally:
        stop.set()
        queue.WAKE.set()
        thread.join(5)
    assert not thread.is_alive()


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the database is not PostgreSQL")
def test_a_commit_of_another_process_is_heard_at_once(run: JobRun) -> None:
    other = connection.get_new_connection(connection.get_connection_params())
    listener = relay._Listener()
    try:
        with other, other.cursor() as cursor:
            cursor.execute("NOTIFY etl_queue")
        sent = time.monotonic()
        listener.wait(10)
        assert time.monotonic() - sent < 5
    finally:
        listener.close()
        other.close()
