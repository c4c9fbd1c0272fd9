"""The Dramatiq broker that BROKER_URL names; an in-process one when it is empty."""

import logging
import threading
from typing import Any, Final

import dramatiq
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections
from dramatiq.broker import Broker
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Middleware, TimeLimit

from etl_project.hints import HintBroker
from jobs.heartbeat import Heartbeat, give_back
from jobs.models import Process
from jobs.presence import Presence

HEARTBEAT_SECONDS: Final = 10
BLOCKED_SECONDS: Final = 10
CONNECT_SECONDS: Final = 5
DATABASE_SECONDS: Final = 0.5
"""How often a worker looks whether a database that is away has come back."""

logger = logging.getLogger(__name__)


class DatabaseConnections(Middleware):
    """Keeps one database connection a worker thread, and drops it when it is broken."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def after_worker_boot(self, broker: Broker, worker: dramatiq.Worker) -> None:
        """Begin to wait for the database whenever it is away."""
        self._stopping.clear()

    def before_worker_shutdown(self, broker: Broker, worker: dramatiq.Worker) -> None:
        """Wait for it no longer."""
        self._stopping.set()

    def before_process_message(self, broker: Broker, message: dramatiq.MessageProxy) -> None:
        """See to it that a step can be claimed: wait while the database is away.

        Hints would be used up meanwhile, and their steps wait until they are missed.
        """
        is_told = False
        while not self._stopping.is_set():
            try:
                _connect()
                return
            except (DatabaseError, InterfaceError) as error:
                if not is_told:
                    logger.warning("the database is away, its steps wait: %s", error)
                is_told = True
                self._stopping.wait(DATABASE_SECONDS)

    def before_worker_thread_shutdown(self, broker: Broker, thread: Any) -> None:
        """Close the thread's connections: nobody else can."""
        connections.close_all()


def _connect() -> None:
    """Have this thread connected to a database that answers; raise its error if none does."""
    for each in connections.all(initialized_only=True):
        # CONN_MAX_AGE is for web requests; a worker thread lives as long as its process.
        each.close_at = None
        each.close_if_unusable_or_obsolete()
    connection.close_if_health_check_failed()
    connection.ensure_connection()


class LeaseRenewal(Middleware):
    """Runs the heartbeat of this process as long as its worker runs."""

    def __init__(self) -> None:
        self._heartbeat: Heartbeat | None = None

    def after_worker_boot(self, broker: Broker, worker: dramatiq.Worker) -> None:
        """Start the heartbeat."""
        self._heartbeat = Heartbeat()
        self._heartbeat.start()

    def after_worker_shutdown(self, broker: Broker, worker: dramatiq.Worker) -> None:
        """Give back the steps that have not ended in time, and stop."""
        give_back()
        if self._heartbeat is not None:
            self._heartbeat.stop()


class WorkerPresence(Middleware):
    """Says of this process that it is there, as long as its worker runs."""

    def __init__(self) -> None:
        self._presence: Presence | None = None

    def after_worker_boot(self, broker: Broker, worker: dramatiq.Worker) -> None:
        """Say so from now on."""
        from jobs.actors import ACTORS  # needs the broker to be set

        queues = worker.consumer_whitelist
        stages = [
            stage.value
            for stage, actor in ACTORS.items()
            if not queues or actor.queue_name in queues
        ]
        self._presence = Presence(Process.Role.WORKER, stages, worker.worker_threads)
        self._presence.start()

    def after_worker_shutdown(self, broker: Broker, worker: dramatiq.Worker) -> None:
        """Take it back."""
        if self._presence is not None:
            self._presence.stop()


def build(url: str) -> Broker:
    """Return a broker for the URL, without connecting to it.

    There is no Retries middleware: retries and delays are rows of the queue, and so nothing ever
    waits in Dramatiq's delayed and dead letter queues.
    """
    middleware: list[Middleware] = [TimeLimit(), DatabaseConnections(), LeaseRenewal()]
    if not url:
        return StubBroker(middleware=middleware)
    logging.getLogger("pika").setLevel(logging.CRITICAL)  # it logs what dramatiq logs again
    middleware.append(WorkerPresence())  # the embedded engine is no process of its own
    broker = HintBroker(url=url, confirm_delivery=True, middleware=middleware)
    parameters = broker.parameters
    for server in parameters if isinstance(parameters, list) else [parameters]:
        server.heartbeat = HEARTBEAT_SECONDS
        server.blocked_connection_timeout = BLOCKED_SECONDS
        server.socket_timeout = server.stack_timeout = CONNECT_SECONDS
    return broker


def setup() -> None:
    """Make the configured broker the global one, to which actors bind when they are imported."""
    dramatiq.set_broker(build(settings.BROKER_URL))


def embedded() -> bool:
    """Say whether steps are worked inside the process that makes them."""
    return not settings.BROKER_URL


def declare_queues() -> list[str]:
    """Declare the queues of all stages at the broker; return their names.

    Raises dramatiq.BrokerConnectionError when the broker cannot be reached.
    """
    broker = dramatiq.get_broker()
    names = sorted(broker.get_declared_queues())
    for name in names:
        if isinstance(broker, RabbitmqBroker):
            broker.declare_queue(name, ensure=True)
        else:
            broker.declare_queue(name)
    return names


def queue_depths() -> dict[str, int]:
    """Return, by stage, the hints that wait at the broker. Raises what the broker raises."""
    from jobs import relay  # imports the actors, which need the broker to be set

    return relay.queue_depths()
