"""Checks of the servers beside the database: RabbitMQ, Redis, Qdrant."""

from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pika
import redis
from django.conf import settings
from pika.exceptions import AMQPError, ChannelClosedByBroker
from redis.backoff import NoBackoff
from redis.retry import Retry

from etl_project.checkup.finding import (
    TIMEOUT_SECONDS,
    Finding,
    first_line,
    masked,
    ok,
    problem,
    warning,
)
from jobs.actors import queue_name
from jobs.models import Stage


def broker() -> Iterator[Finding]:
    """Check that RabbitMQ is there, has our queues, and that workers listen to them."""
    if not settings.BROKER_URL:
        yield ok(
            "broker",
            "embedded: no BROKER_URL, steps are worked inside `manage.py demo`, `import_raw` "
            "and `retransform`",
            public="embedded",
        )
        return
    try:
        connection = pika.BlockingConnection(_parameters())
    except Exception as error:  # pika raises errors of many families
        told = f"RabbitMQ at {masked(settings.BROKER_URL)} cannot be reached: {_reason(error)}"
        remedy = "start RabbitMQ, or mend BROKER_URL (RABBITMQ_*)"
        yield problem("broker", told, remedy, public="RabbitMQ cannot be reached")
        return
    try:
        told = f"RabbitMQ {_version(connection)} at {masked(settings.BROKER_URL)}"
        yield ok("broker", told, public="RabbitMQ answers")
        yield from _queues(connection)
    finally:
        connection.close()


def _parameters() -> pika.URLParameters:
    parameters = pika.URLParameters(settings.BROKER_URL)
    parameters.socket_timeout = parameters.stack_timeout = TIMEOUT_SECONDS
    parameters.blocked_connection_timeout = TIMEOUT_SECONDS
    parameters.connection_attempts = 1
    return parameters


def _reason(error: BaseException) -> str:
    """Return why there is no connection; pika wraps the reason, or leaves the text empty."""
    inner: Any = error
    while getattr(inner, "args", None) and isinstance(inner.args[0], BaseException):
        inner = inner.args[0]
    inner = getattr(inner, "exception", inner)
    told = first_line(inner)
    return told if told == type(inner).__name__ else f"{type(inner).__name__}: {told}"


def _version(connection: Any) -> str:
    properties = getattr(connection._impl, "server_properties", None) or {}
    return str(properties.get("version", ""))


def _queues(connection: Any) -> Iterator[Finding]:
    missing, idle, waiting, consumers = [], [], 0, 0
    for stage in Stage:
        name = queue_name(stage)
        found = _look_up(connection, name)
        if found is None:
            missing.append(name)
            continue
        consumers += found.consumer_count
        if not found.consumer_count:
            idle.append(name)
            waiting += found.message_count
    if missing:
        remedy = "run `manage.py doctor --declare`; workers and the scheduler declare them, too"
        told = f"not declared: {', '.join(missing)}"
        yield problem("queues", told, remedy, public=told)
    if idle:
        told = f"nobody listens to {', '.join(idle)}"
        if waiting:
            told += f", where {waiting:,} hints wait"
            yield problem("workers", told, "start `manage.py worker`", public=told)
        else:
            yield warning("workers", told, "start `manage.py worker`", public=told)
    if not missing and not idle:
        told = f"{len(Stage)} queues, {consumers} consumers"
        yield ok("workers", told, public=told)


def _look_up(connection: Any, name: str) -> Any:
    """Return what the broker says of a queue, None if there is no such queue."""
    channel = connection.channel()
    try:
        found = channel.queue_declare(name, passive=True).method
    except ChannelClosedByBroker as error:
        if error.reply_code != 404:
            raise
        return None
    channel.close()
    return found


def declare() -> Finding:
    """Declare the queues of all stages at the broker, and say what came of it."""
    from etl_project.broker import declare_queues, embedded

    try:
        if not embedded():
            pika.BlockingConnection(_parameters()).close()  # fails sooner than a declaration
        names = declare_queues()
    except (AMQPError, OSError) as error:
        return problem("declare", f"no queue was declared: {_reason(error)}", "see broker below")
    return ok("declare", f"declared {', '.join(names)}")


def channel_layer() -> Iterator[Finding]:
    """Check that Redis, which carries live progress to the browsers, is there."""
    url = settings.CHANNEL_LAYER_URL
    if not url and settings.BROKER_URL:
        yield warning(
            "channel layer",
            "in memory, so progress of other processes reaches a run page only as it polls",
            "set CHANNEL_LAYER_URL=redis://… for every process",
            public="in memory",
        )
        return
    if not url:
        told = "embedded: in memory, live progress within one process"
        yield ok("channel layer", told, public=told)
        return
    yield _redis("channel layer", url, "CHANNEL_LAYER_URL")


def cache() -> Iterator[Finding]:
    """Check that Redis, in which requests of the API are counted, is there."""
    url = settings.CACHE_URL
    if not url:
        told = "embedded: in memory, requests are counted by each web process for itself"
        yield ok("cache", told, public=told)
        return
    yield _redis("cache", url, "CACHE_URL")


def _redis(name: str, url: str, variable: str) -> Finding:
    try:
        client = redis.Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        found: Any = client.info("server")
        client.close()
    except (redis.RedisError, OSError, ValueError) as error:
        told = f"Redis at {masked(url)} cannot be reached: {first_line(error)}"
        remedy = f"start Redis, or mend {variable}"
        return problem(name, told, remedy, public="Redis cannot be reached")
    told = f"Redis {found['redis_version']} at {masked(url)}"
    return ok(name, told, public="Redis answers")


def qdrant() -> Iterator[Finding]:
    """Check that Qdrant answers, if one is configured; nothing uses it yet."""
    url = settings.QDRANT_URL.rstrip("/")
    if not url:
        yield ok("qdrant", "not configured; nothing uses it in this version")
        return
    remedy = "start Qdrant, or unset QDRANT_URL: nothing uses it in this version"
    if not url.startswith(("http://", "https://")):
        yield problem("qdrant", f"{masked(url)} is no http or https address", remedy)
        return
    try:
        with urlopen(Request(f"{url}/readyz"), timeout=TIMEOUT_SECONDS):  # noqa: S310
            pass
    except (HTTPError, URLError, HTTPException, OSError, ValueError) as error:
        told = f"Qdrant at {masked(url)} is not ready: {first_line(error)}"
        yield problem("qdrant", told, remedy)
        return
    yield ok("qdrant", f"ready at {masked(url)}; nothing uses it in this version")
