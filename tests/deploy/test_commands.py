"""Every command of the compose file does here what it is to do in its container.

No container engine is needed: host names are those of local servers, secrets are files of this run,
and ports are free ones. All else is as the file says, and nothing else is given.
"""

import os
import re
import secrets
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg2
import pytest

from deploy.make_secrets import main as make_secrets
from tests.conftest import ROOT
from tests.deploy.compose import OURS, clean_environment, health_command, services
from tests.end_to_end.system import missing_services, rabbitmqctl, until
from tests.services import BROKER_URL, DATABASE_URL

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq, pytest.mark.redis, pytest.mark.slow]

LASTING: Final = tuple(name for name in OURS if name != "migrate")
STOP_SECONDS: Final = 30


def free_port() -> int:
    """A port that nobody has."""
    with closing(socket.socket()) as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


class Here:
    """The compose file's world on this machine."""

    def __init__(self, var: Path) -> None:
        self.name = f"etl_deploy_{secrets.token_hex(4)}"
        self.var = var
        self.secrets = var / "secrets"
        make_secrets(self.secrets)
        self.redis_port, self.web_port = free_port(), free_port()
        self.services = services()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.log = var / "processes.log"

    def local(self, text: str) -> str:
        """Put this machine's places where the file has those of its network."""
        database, broker = urlsplit(DATABASE_URL), urlsplit(BROKER_URL)
        places = {
            "etl@postgres:5432/etl": (
                f"{self.name}@{database.hostname}:{database.port or 5432}/{self.name}"
            ),
            "redis:6379": f"127.0.0.1:{self.redis_port}",
            "redis-cli ping": f"redis-cli -p {self.redis_port} ping",
            "/run/secrets": str(self.secrets),
            "0.0.0.0": "127.0.0.1",
            "8000": str(self.web_port),
        }
        for theirs, ours in places.items():
            text = text.replace(theirs, ours)
        if text == "rabbitmq":
            return f"{broker.hostname}:{broker.port or 5672}"
        return text

    def environment(self, name: str) -> dict[str, str]:
        """What the container would have: the image's and the file's, and no more."""
        given = {key: self.local(value) for key, value in self.given(name).items()}
        given |= {"RABBITMQ_USER": self.name, "RABBITMQ_VHOST": self.name}
        return clean_environment() | {"VAR_DIR": str(self.var / name)} | given

    def given(self, name: str) -> dict[str, str]:
        """The environment block of a service."""
        found: dict[str, str] = self.services[name].get("environment", {})
        return found

    def command(self, name: str) -> list[str]:
        """The command of a service."""
        return [self.local(str(each)) for each in self.services[name]["command"]]

    def start(self, name: str, *more: str) -> None:
        """Start the command of a service."""
        with self.log.open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [*self.command(name), *more],
                cwd=ROOT,
                env=self.environment(name),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def is_healthy(self, name: str) -> bool:
        """Ask as the file asks."""
        asked = subprocess.run(
            [self.local(each) for each in health_command(self.services[name])],
            cwd=ROOT,
            env=self.environment(name),
            capture_output=True,
            timeout=float(self.services[name]["healthcheck"]["timeout"].rstrip("s")),
        )
        return asked.returncode == 0

    def stop(self, name: str) -> int:
        """Stop a service as Docker does; return its exit code."""
        process = self.processes.pop(name)
        process.terminate()
        try:
            return process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise


@contextmanager
def names_of_our_own(here: Here) -> Iterator[None]:
    """Make role, database, user and virtual host, with the passwords of the secrets."""
    connection = psycopg2.connect(DATABASE_URL)
    connection.autocommit = True
    database = (here.secrets / "database_password").read_text()
    broker = (here.secrets / "rabbitmq_password").read_text()
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {here.name} LOGIN PASSWORD %s", [database])
        cursor.execute(f"CREATE DATABASE {here.name} OWNER {here.name}")
        rabbitmqctl("add_user", here.name, broker)
        rabbitmqctl("add_vhost", here.name)
        rabbitmqctl("set_permissions", "-p", here.name, here.name, ".*", ".*", ".*")
        try:
            yield
        finally:
            for name in list(here.processes):
                here.stop(name)
            rabbitmqctl("delete_vhost", here.name)
            rabbitmqctl("delete_user", here.name)
            cursor.execute(f"DROP DATABASE {here.name} WITH (FORCE)")
            cursor.execute(f"DROP ROLE {here.name}")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """Names on the servers, a Redis with its password, and migrated tables."""
    if missing := missing_services():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"cannot be reached: {', '.join(missing)}")
    here = Here(tmp_path_factory.mktemp("deploy"))
    with names_of_our_own(here):
        here.start("redis", "--port", str(here.redis_port))
        until("Redis is healthy", lambda: here.is_healthy("redis"))
        here.start("migrate")
        assert here.processes.pop("migrate").wait(120) == 0, here.log.read_text()[-3000:]
        yield here


@pytest.mark.parametrize("name", LASTING)
def test_a_service_is_healthy_while_it_runs_and_stops_in_time(here: Here, name: str) -> None:
    assert not here.is_healthy(name)
    here.start(name)
    until(f"{name} is healthy", lambda: here.is_healthy(name), 90)
    # The web server ends by the signal itself, once all requests are answered.
    assert here.stop(name) in (0, -signal.SIGTERM), here.log.read_text()[-3000:]
    assert not here.is_healthy(name)


def test_redis_lets_nobody_in_without_the_password(here: Here) -> None:
    asked = subprocess.run(
        ["redis-cli", "-p", str(here.redis_port), "ping"], capture_output=True, text=True
    )
    assert "NOAUTH" in asked.stdout


def test_the_checks_of_the_servers_say_healthy_of_local_ones(here: Here) -> None:
    assert here.is_healthy("postgres")
    assert here.is_healthy("rabbitmq")


def test_the_configuration_of_rabbitmq_has_but_names_that_it_knows(here: Here) -> None:
    names = re.findall(r"^(\w+) =", (here.secrets / "rabbitmq.conf").read_text(), re.MULTILINE)
    assert names == ["default_user", "default_pass", "default_vhost"]


@pytest.mark.parametrize(("status", "is_healthy"), [(200, True), (503, False)])
def test_the_check_of_qdrant_reads_the_status_of_its_readiness(
    here: Here, status: int, is_healthy: bool
) -> None:
    """Of Qdrant itself only the address is known here: a stand-in answers in its place."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.path == "/readyz"
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [
            each.replace("6333", str(server.server_port))
            for each in health_command(here.services["qdrant"])
        ]
        asked = subprocess.run(command, capture_output=True, timeout=30)
        server.shutdown()
    assert (asked.returncode == 0) is is_healthy
