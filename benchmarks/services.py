"""The database and the RabbitMQ vhost that the benchmark makes for itself and drops again."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote, urlsplit

import psycopg2
from processes import BenchError

DEFAULT_DATABASE_URL = "postgres://postgres@127.0.0.1:5432/etl_bench"
DEFAULT_BROKER = "amqp://guest:guest@127.0.0.1:5672"


class Database:
    """A database that is made anew for every contestant; its name has to end in `_bench`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = urlsplit(url).path.lstrip("/")
        if not self.name.endswith("_bench"):
            raise BenchError(
                f"The benchmark drops its database, so that its name must end in _bench; "
                f"DATABASE_URL names {self.name!r}."
            )
        self._server = urlsplit(url)._replace(path="/postgres").geturl()

    def renew(self) -> None:
        """Drop the database if it is there, and make it."""
        self.drop()
        self._on_server(f'CREATE DATABASE "{self.name}"')

    def make_if_missing(self) -> None:
        """Make the database unless it is there."""
        try:
            psycopg2.connect(self.url).close()
        except psycopg2.OperationalError:
            self._on_server(f'CREATE DATABASE "{self.name}"')

    def drop(self) -> None:
        """Drop the database."""
        self._on_server(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        connection = psycopg2.connect(self.url)
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT count(*) FROM {table}")
                row = cursor.fetchone()
        finally:
            connection.close()
        return int(row[0]) if row else 0

    def _on_server(self, statement: str) -> None:
        try:
            connection = psycopg2.connect(self._server)
        except psycopg2.OperationalError as error:
            raise BenchError(f"PostgreSQL cannot be reached: {error}") from error
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
        finally:
            connection.close()


@contextmanager
def vhost() -> Iterator[str | None]:
    """Make a vhost and give its address; None where no RabbitMQ can be administered."""
    name = f"etl_bench_{os.getpid()}"
    if shutil.which("rabbitmqctl") is None or not _rabbit("add_vhost", name):
        yield None
        return
    try:
        parts = urlsplit(os.environ.get("BROKER_URL") or DEFAULT_BROKER)
        _rabbit("set_permissions", "-p", name, parts.username or "guest", ".*", ".*", ".*")
        yield parts._replace(path=f"/{quote(name, safe='')}").geturl()
    finally:
        _rabbit("delete_vhost", name)


def has_consumers(broker_url: str) -> bool:
    """Return whether somebody listens on a queue of the vhost."""
    name = urlsplit(broker_url).path.lstrip("/")
    done = subprocess.run(
        ("rabbitmqctl", "-q", "list_consumers", "-p", name, "queue_name"),
        capture_output=True,
        text=True,
        check=False,
    )
    return "etl." in done.stdout


def _rabbit(*arguments: str) -> bool:
    done = subprocess.run(("rabbitmqctl", "-q", *arguments), capture_output=True, check=False)
    return done.returncode == 0
