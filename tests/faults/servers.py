"""Servers of the tests' own, to be stopped, killed, frozen and emptied: never those of the machine.

Each listens on a port of its own on 127.0.0.1 and keeps everything in one temporary directory.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import pika
import psutil
import psycopg2
import redis

ANSWER_SECONDS: Final = 60
_POSTGRESQL: Final = "/usr/lib/postgresql"
_RABBITMQ: Final = "/usr/lib/rabbitmq"


class Server(ABC):
    """A server process with its own directory; `start` and the ends of it may alternate."""

    stop_signal = signal.SIGTERM

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def url(self) -> str:
        """The address that the product is given."""

    @abstractmethod
    def command(self) -> Sequence[str | Path]:
        """The server's command, in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it serves."""

    def environment(self) -> Mapping[str, str]:
        """What is set for the server beside our own environment."""
        return {}

    def user(self) -> str | None:
        """Whose process it is to be; None: ours."""
        return None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(part) for part in self.command()],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=os.environ | self.environment(),
                user=self.user(),
                start_new_session=True,
            )
        self.wait_until_it_answers()

    def wait_until_it_answers(self) -> None:
        """Wait for an answer; fail with its log after ANSWER_SECONDS."""
        deadline, pause = time.monotonic() + ANSWER_SECONDS, threading.Event()
        while not self.answers():
            assert time.monotonic() < deadline, f"{type(self).__name__}: {self.told()}"
            pause.wait(0.05)

    def told(self) -> str:
        """Return the end of its log."""
        return (self.directory / "server.log").read_text(errors="replace")[-3000:]

    def stop(self) -> None:
        """End it by a signal that lets it close what it has open, and wait for its end."""
        if self._process is not None:
            self._process.send_signal(self.stop_signal)
            self._process.wait(ANSWER_SECONDS)
            self._process = None

    def kill(self) -> None:
        """Kill it and its children outright."""
        if self._process is None:
            return
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(ANSWER_SECONDS)
        self._process = None

    def freeze(self) -> None:
        """Stop its processes where they are; connections stay open and nothing answers."""
        for pid in self.pids():
            os.kill(pid, signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        for pid in self.pids():
            os.kill(pid, signal.SIGCONT)

    def pids(self) -> list[int]:
        """Return its processes, the first one before its children."""
        assert self._process is not None, "it does not run"
        return [self._process.pid, *descendants(self._process.pid)]


class PostgreSQL(Server):
    """A cluster with the durability of a fresh installation; user postgres, no password."""

    stop_signal = signal.SIGINT  # fast: it ends its connections instead of waiting for them

    @property
    def url(self) -> str:
        return self.database("postgres")

    def database(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def user(self) -> str | None:
        return "postgres" if os.geteuid() == 0 else None

    def environment(self) -> Mapping[str, str]:
        return {"LC_ALL": "C.UTF-8"}

    def command(self) -> Sequence[str | Path]:
        data = self.directory / "data"
        if not data.exists():
            self._make(data)
        listen = ("-h", "127.0.0.1", "-p", str(self.port), "-k", self.directory)
        return (_program("postgres", _POSTGRESQL), "-D", data, *listen)

    def _make(self, data: Path) -> None:
        if user := self.user():
            shutil.chown(self.directory, user)
        initdb = (_program("initdb", _POSTGRESQL), "--no-sync", "-A", "trust", "-U", "postgres")
        subprocess.run(
            [*map(str, initdb), "-E", "UTF8", "--locale=C.UTF-8", "-D", str(data)],
            check=True,
            capture_output=True,
            cwd=self.directory,
            user=self.user(),
        )

    def answers(self) -> bool:
        try:
            psycopg2.connect(self.url, connect_timeout=3).close()
        except psycopg2.Error:
            return False
        return True

    def end_connections(self) -> int:
        """Terminate every connection but our own; return how many there were."""
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
                return int(cursor.fetchone()[0])  # type: ignore[index]
        finally:
            connection.close()


class RabbitMQ(Server):
    """A node without plugins, of a name and with an epmd of its own."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._epmd_port, self._distribution_port = free_port(), free_port()
        self._epmd: subprocess.Popen[bytes] | None = None
        cookie = directory / ".erlang.cookie"
        cookie.write_text("tests-of-faults")
        cookie.chmod(0o400)
        (directory / "enabled_plugins").write_text("[].")
        (directory / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/%2F"

    def environment(self) -> Mapping[str, str]:
        inside = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +S 2"
        return {
            "HOME": str(self.directory),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq"),
            "RABBITMQ_CONF_ENV_FILE": str(self.directory / "none"),
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "enabled_plugins"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
            "RABBITMQ_NODENAME": f"faults{self.port}@localhost",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": inside,
        }

    def command(self) -> Sequence[str | Path]:
        if self._epmd is None:
            port = ("-port", str(self._epmd_port), "-address", "127.0.0.1")
            self._epmd = subprocess.Popen([_program("epmd", "/usr/lib/erlang"), *port])
        return (_program("rabbitmq-server", _RABBITMQ),)

    def control(self, *arguments: str) -> None:
        """Run rabbitmqctl on this node."""
        subprocess.run(
            [_program("rabbitmqctl", _RABBITMQ), *arguments],
            check=True,
            capture_output=True,
            timeout=120,
            env=os.environ | self.environment(),
        )

    def answers(self) -> bool:
        with socket.socket() as port:  # pika takes seconds over a refusal
            if port.connect_ex(("127.0.0.1", self.port)):
                return False
        try:
            pika.BlockingConnection(pika.URLParameters(self.url)).close()
        except Exception:  # pika raises errors of many families
            return False
        return True

    def queues(self) -> dict[str, int]:
        """Return how many messages each queue holds, those that are in hand too."""
        listed = subprocess.run(
            [_program("rabbitmqctl", _RABBITMQ), "list_queues", "-q", "name", "messages"],
            check=True,
            capture_output=True,
            timeout=120,
            text=True,
            env=os.environ | self.environment(),
        ).stdout
        rows = (line.split("\t") for line in listed.splitlines()[1:])
        return {name: int(messages) for name, messages in rows}

    def purge(self) -> None:
        """Empty the queue of every stage."""
        self._with_each_queue("queue_purge")

    def delete_queues(self) -> None:
        """Delete the queue of every stage, under the hands of who consumes it."""
        self._with_each_queue("queue_delete")

    def _with_each_queue(self, method: str) -> None:
        connection = pika.BlockingConnection(pika.URLParameters(self.url))
        channel = connection.channel()
        for stage in ("extract", "transform", "load", "index"):
            getattr(channel, method)(f"etl.{stage}.v1")
        connection.close()

    def empty(self) -> None:
        """Delete all that it keeps on its disk; for a node that does not run."""
        shutil.rmtree(self.directory / "mnesia")

    def close(self) -> None:
        """End its epmd."""
        if self._epmd is not None:
            self._epmd.terminate()
            self._epmd.wait(10)


class Redis(Server):
    """A server that keeps nothing on disk."""

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> Sequence[str | Path]:
        quiet = ("--save", "", "--appendonly", "no", "--bind", "127.0.0.1")
        return (_program("redis-server"), "--port", str(self.port), *quiet)

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=3) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


class Servers:
    """PostgreSQL, RabbitMQ and Redis, running."""

    def __init__(self, directory: Path) -> None:
        for name in ("postgresql", "rabbitmq", "redis"):
            (directory / name).mkdir()
        self.postgresql = PostgreSQL(directory / "postgresql")
        self.rabbitmq = RabbitMQ(directory / "rabbitmq")
        self.redis = Redis(directory / "redis")

    @property
    def all(self) -> tuple[Server, ...]:
        return (self.postgresql, self.rabbitmq, self.redis)

    def end(self) -> None:
        """End everything outright, frozen or not."""
        for server in self.all:
            server.kill()
        self.rabbitmq.close()


def missing_programs() -> list[str]:
    """Return the servers' programs that this machine does not have."""
    needed = {
        "postgres": _POSTGRESQL,
        "initdb": _POSTGRESQL,
        "rabbitmq-server": _RABBITMQ,
        "rabbitmqctl": _RABBITMQ,
        "epmd": "/usr/lib/erlang",
        "redis-server": "/usr/bin",
    }
    return [name for name, below in needed.items() if _found(name, below) is None]


@contextmanager
def servers() -> Iterator[Servers]:
    """Start the servers beside each other; leave nothing of them behind."""
    with ExitStack() as closing:
        made = tempfile.mkdtemp(prefix="faults-")
        closing.callback(shutil.rmtree, made, ignore_errors=True)
        Path(made).chmod(0o755)  # the user postgres goes through it
        started = Servers(Path(made))
        closing.callback(started.end)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda server: server.start(), started.all))
        yield started


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def descendants(pid: int) -> list[int]:
    """Return the children of a process and theirs."""
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _program(name: str, below: str = "/usr/bin") -> Path:
    found = _found(name, below)
    assert found is not None, f"{name} is not installed"
    return found


def _found(name: str, below: str) -> Path | None:
    """Look below the package's own folder first: what is on the path may change the user."""
    inside = sorted(Path(below).glob(f"**/bin/{name}")) + sorted(
        Path(below).glob(f"**/sbin/{name}")
    )
    if below != "/usr/bin" and inside:
        return inside[-1].resolve()
    on_path = shutil.which(name)
    return Path(on_path) if on_path else None
