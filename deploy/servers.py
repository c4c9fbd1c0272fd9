"""The three servers: whether each answers, how it is started, what is made in it."""

import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final
from urllib.parse import unquote, urlsplit

import pika
import psycopg2
import redis
from pika.exceptions import AMQPError

from deploy.trouble import TroubleError, program, run_as

START_SECONDS: Final = 90.0
ANSWER_SECONDS: Final = 5


class Server(ABC):
    """A server of this machine at an address: who, where, and what in it."""

    name: ClassVar[str]
    usual_port: ClassVar[int]

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.url = url
        self.host = parts.hostname or "127.0.0.1"
        self.port = parts.port or self.usual_port
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.inside = parts.path.lstrip("/")

    def see_to_it(self) -> str:
        """Have the server answer, with what we need in it; return what was done about it.

        Raises TroubleError if it cannot be had.
        """
        done = "running"
        if not self._listens():
            self._start()
            self._wait(self._listens, "it was started and does not answer")
            done = "started"
        if made := self._make():
            done += f", made {made}"
        self._wait(self._answers, f"{self.host}:{self.port} does not take us in")
        return f"{done} ({self.host}:{self.port})"

    def _listens(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), ANSWER_SECONDS).close()
        except OSError:
            return False
        return True

    def _wait(self, is_so: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                raise TroubleError(otherwise)
            time.sleep(0.3)

    @abstractmethod
    def _answers(self) -> bool:
        """Say whether it does for us what we need it for."""

    @abstractmethod
    def _start(self) -> None:
        """Start it."""

    def _make(self) -> str:
        """Make in it what is not there; return what was made."""
        return ""


class PostgreSQL(Server):
    """Debian's cluster on the port, the role and its database."""

    name = "PostgreSQL"
    usual_port = 5432

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.url, connect_timeout=ANSWER_SECONDS).close()
        except psycopg2.Error:
            return False
        return True

    def _start(self) -> None:
        starter = program("pg_ctlcluster", "postgresql")
        listed = run_as("root", [program("pg_lsclusters", "postgresql"), "--no-header"])
        for line in listed.splitlines():
            version, cluster, port, *_ = line.split()
            if int(port) == self.port:
                run_as("root", [starter, version, cluster, "start"])
                return
        raise TroubleError(
            f"no cluster has port {self.port}: pg_createcluster --port {self.port} …"
        )

    def _make(self) -> str:
        if self._answers():
            return ""
        made = []
        if not self._ask("SELECT 1 FROM pg_roles WHERE rolname = {}", self.user):
            self._do(f'CREATE ROLE "{self.user}" LOGIN PASSWORD {_quoted(self.password)}')
            made.append(f"role {self.user}")
        if not self._ask("SELECT 1 FROM pg_database WHERE datname = {}", self.inside):
            self._do(f'CREATE DATABASE "{self.inside}" OWNER "{self.user}"')
            made.append(f"database {self.inside}")
        return ", ".join(made)

    def _ask(self, question: str, value: str) -> bool:
        return bool(self._do(question.format(_quoted(value))).strip())

    def _do(self, statement: str) -> str:
        """Run a statement as the server's own superuser, who is let in by the local socket."""
        command = [program("psql", "postgresql-client"), "-X", "-w", "-p", str(self.port)]
        return run_as("postgres", [*command, "-d", "postgres", "-Atqc", statement])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class RabbitMQ(Server):
    """Debian's node, the user and its virtual host."""

    name = "RabbitMQ"
    usual_port = 5672

    def _answers(self) -> bool:
        parameters = pika.URLParameters(self.url)
        parameters.socket_timeout = parameters.stack_timeout = ANSWER_SECONDS
        try:
            pika.BlockingConnection(parameters).close()
        except (AMQPError, OSError):
            return False
        return True

    def _start(self) -> None:
        run_as("root", [program("rabbitmq-server", "rabbitmq-server"), "-detached"])

    def _make(self) -> str:
        if self._answers():
            return ""
        made = []
        self._ctl("await_startup")
        if self.user not in self._names("list_users"):
            self._ctl("add_user", self.user, self.password)
            made.append(f"user {self.user}")
        if self.inside not in self._names("list_vhosts"):
            self._ctl("add_vhost", self.inside)
            made.append(f"virtual host {self.inside}")
        self._ctl("set_permissions", "-p", self.inside, self.user, ".*", ".*", ".*")
        return ", ".join(made)

    def _names(self, listing: str) -> set[str]:
        return {line.split("\t")[0] for line in self._ctl(listing).splitlines()}

    def _ctl(self, *arguments: str) -> str:
        return run_as("root", [program("rabbitmqctl", "rabbitmq-server"), "-q", *arguments])


class Redis(Server):
    """A Redis that keeps nothing: it carries progress, which is of the moment."""

    name = "Redis"
    usual_port = 6379

    def _answers(self) -> bool:
        try:
            return bool(redis.Redis.from_url(self.url, socket_timeout=ANSWER_SECONDS).ping())
        except (redis.RedisError, OSError):
            return False

    def _start(self) -> None:
        command = [program("redis-server", "redis-server"), "--daemonize", "yes"]
        command += ["--bind", self.host, "--port", str(self.port), "--save", ""]
        subprocess.run(command, check=True, capture_output=True, cwd="/")  # noqa: S603
