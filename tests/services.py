"""Says which servers the tests can reach: `python -m tests.services` prints a name a line.

PostgreSQL at TEST_DATABASE_URL, RabbitMQ at TEST_BROKER_URL, Redis at TEST_REDIS_URL; each
has the usual local address as its default. Chromium is looked for on the path.
"""

import os
import shutil
import sys
from typing import Final

import pika
import psycopg2
import redis

DATABASE_URL: Final = os.environ.get(
    "TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres"
)
BROKER_URL: Final = os.environ.get("TEST_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672/")
REDIS_URL: Final = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


def has_postgresql() -> bool:
    try:
        psycopg2.connect(DATABASE_URL, connect_timeout=3).close()
    except psycopg2.Error:
        return False
    return True


def has_rabbitmq() -> bool:
    try:
        pika.BlockingConnection(pika.URLParameters(BROKER_URL)).close()
    except Exception:  # pika raises errors of many families
        return False
    return True


def has_redis() -> bool:
    try:
        return bool(redis.Redis.from_url(REDIS_URL, socket_connect_timeout=3).ping())
    except redis.RedisError:
        return False


def has_chromium() -> bool:
    return shutil.which("chromium") is not None


CHECKS: Final = {
    "PostgreSQL": has_postgresql,
    "RabbitMQ": has_rabbitmq,
    "Redis": has_redis,
    "Chromium": has_chromium,
}

if __name__ == "__main__":
    sys.stdout.write("".join(f"{name}\n" for name, check in CHECKS.items() if check()))
