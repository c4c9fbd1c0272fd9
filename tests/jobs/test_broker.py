"""The broker is the one that BROKER_URL names, with what we rely on switched on."""

from typing import Any

import pytest
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Retries

from etl_project import broker as project_broker
from jobs.actors import ACTORS


@pytest.mark.parametrize("url", ["", "amqp://guest:guest@broker.invalid/vhost"])
def test_dramatiq_itself_never_retries(url: str) -> None:
    broker = project_broker.build(url)
    assert not any(isinstance(middleware, Retries) for middleware in broker.middleware)


def test_an_empty_url_means_the_in_process_broker() -> None:
    assert isinstance(project_broker.build(""), StubBroker)


def test_rabbitmq_confirms_what_is_published_and_is_not_waited_for_in_vain() -> None:
    broker = project_broker.build("amqp://guest:guest@broker.invalid/vhost")
    assert isinstance(broker, RabbitmqBroker)
    assert broker.confirm_delivery
    parameters: Any = broker.parameters
    assert parameters.heartbeat == 10
    assert parameters.blocked_connection_timeout == 10
    assert parameters.virtual_host == "vhost"


def test_each_stage_has_a_versioned_queue_of_its_own() -> None:
    assert {stage.value: actor.queue_name for stage, actor in ACTORS.items()} == {
        "extract": "etl.extract.v1",
        "transform": "etl.transform.v1",
        "load": "etl.load.v1",
        "index": "etl.index.v1",
    }
