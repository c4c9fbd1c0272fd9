"""Hints on RabbitMQ when connections come and go, and when the database is away."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import dramatiq
import pytest
from django.db import OperationalError, connection
from dramatiq.brokers.rabbitmq import RabbitmqBroker

from etl_project.broker import DatabaseConnections
from jobs.actors import ACTORS
from jobs.models import Stage
from tests.jobs.conftest import until
from tests.jobs.test_rabbitmq import broker_url, rabbit

__all__ = ("broker_url", "rabbit")

QUEUE = "etl.transform.v1"


@pytest.fixture
def consumers(rabbit: RabbitmqBroker) -> Iterator[list[Any]]:
    """Consumers to be made by the test; closed afterwards."""
    made: list[Any] = []
    yield made
    for consumer in made:
        with suppress(dramatiq.BrokerConnectionError):  # it is closed
            consumer.close()


def taken(broker: RabbitmqBroker, made: list[Any]) -> Any:
    """Take a message by a consumer of its own connection."""
    made.append(broker.consume(QUEUE, prefetch=1, timeout=100))
    found: list[Any] = []

    def has_one() -> bool:
        found.append(next(made[-1]))
        return found[-1] is not None

    until(has_one)
    return found[-1]


@pytest.mark.rabbitmq
def test_a_message_of_a_lost_connection_settles_none_of_the_next(
    rabbit: RabbitmqBroker, consumers: list[Any]
) -> None:
    rabbit.enqueue(ACTORS[Stage.TRANSFORM].message(1))
    old = taken(rabbit, consumers)
    consumers[0].close()
    new = taken(rabbit, consumers)
    assert new._tag == old._tag
    consumers[1].ack(old)
    consumers[1].close()
    until(lambda: rabbit.get_queue_message_counts(QUEUE)[0] == 1)


@pytest.mark.rabbitmq
def test_a_hint_that_fails_leaves_nothing_at_the_broker(
    rabbit: RabbitmqBroker, consumers: list[Any]
) -> None:
    rabbit.enqueue(ACTORS[Stage.TRANSFORM].message(1))
    message = taken(rabbit, consumers)
    consumers[0].nack(message)
    consumers[0].close()
    assert rabbit.get_queue_message_counts(QUEUE) == (0, 0, 0)


@pytest.mark.rabbitmq
def test_a_deleted_queue_is_made_again_by_the_next_who_consumes_it(
    rabbit: RabbitmqBroker, consumers: list[Any]
) -> None:
    rabbit.enqueue(ACTORS[Stage.TRANSFORM].message(1))
    taken(rabbit, consumers)
    rabbit.channel.queue_delete(QUEUE)
    with pytest.raises(StopIteration):
        while True:
            next(consumers[0])
    consumers.append(rabbit.consume(QUEUE, prefetch=1, timeout=100))
    assert next(consumers[1]) is None


class Away:
    """A database that is away for so many looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def __call__(self) -> None:
        self.looks -= 1
        if self.looks >= 0:
            raise OperationalError("the database system is starting up")


@pytest.mark.django_db
def test_a_worker_keeps_its_hint_until_the_database_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = Away(3)
    monkeypatch.setattr("etl_project.broker.DATABASE_SECONDS", 0.01)
    monkeypatch.setattr(connection, "ensure_connection", away)
    message: Any = ACTORS[Stage.TRANSFORM].message(1)
    DatabaseConnections().before_process_message(dramatiq.get_broker(), message)
    assert away.looks < 0


@pytest.mark.django_db
def test_a_worker_that_stops_waits_for_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl_project.broker.DATABASE_SECONDS", 60)
    monkeypatch.setattr(connection, "ensure_connection", Away(10**9))
    middleware, message = DatabaseConnections(), ACTORS[Stage.TRANSFORM].message(1)
    broker: Any = dramatiq.get_broker()
    waits = threading.Timer(0.05, middleware.before_worker_shutdown, (broker, None))
    waits.start()
    middleware.before_process_message(broker, message)  # type: ignore[arg-type]
    waits.join()
