"""`/healthz` and `/readyz`: quick, without secrets, whatever is away."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from etl_project import health
from etl_project.checkup import database, processes, services
from etl_project.checkup.finding import Finding, ok
from jobs.models import Process
from jobs.presence import Presence
from tests.conftest import ROOT
from tests.jobs.conftest import until

PASSWORD = "p4ss-w0rd-0f-tests"


@pytest.fixture(autouse=True)
def embedded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server but the database of this test run, and no report kept from the last test."""
    settings.BROKER_URL = settings.CHANNEL_LAYER_URL = ""
    monkeypatch.setattr(health, "readiness", health.Readiness())


def closed_port() -> int:
    """A local port on which nobody listens."""
    with closing(socket.socket()) as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def readyz(client: Client) -> tuple[int, dict[str, Any], dict[str, dict[str, str]]]:
    """The status of `/readyz`, its report, and the dependencies by name."""
    answer = client.get("/readyz", headers={"host": "10.1.2.3:99"})
    report = answer.json()
    return answer.status_code, report, {each["name"]: each for each in report["dependencies"]}


def test_liveness_asks_nobody(client: Client) -> None:
    # Without the mark of pytest-django any query fails here; the host is one that we do not serve.
    answer = client.get("/healthz", headers={"host": "10.1.2.3"})
    assert (answer.status_code, answer.content) == (200, b"ok")
    assert answer["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_the_embedded_default_is_ready(client: Client) -> None:
    status, report, found = readyz(client)
    assert (status, report["status"]) == (200, "ok")
    assert list(found) == [
        "database", "migrations", "channel layer", "broker", "workers", "scheduler"
    ]  # fmt: skip
    assert {each["level"] for each in found.values()} == {"ok"}
    head = client.head("/readyz")
    assert (head.status_code, head.content) == (200, b"")
    assert head["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_a_missing_migration_makes_the_web_unready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = database._of_this_code()
    monkeypatch.setattr(database, "_of_this_code", lambda: ours | {("jobs", "9999_next")})
    status, report, found = readyz(client)
    assert (status, report["status"]) == (503, "unavailable")
    assert found["migrations"]["message"] == "1 not applied"
    assert found["workers"]["message"] == "unknown without the database"


@pytest.mark.django_db(transaction=True)
def test_what_the_web_can_do_without_only_degrades_it_and_no_place_is_told(
    client: Client, settings: Settings
) -> None:
    place = f"me:{PASSWORD}@127.0.0.1:{closed_port()}"
    settings.BROKER_URL = f"amqp://{place}/vhost-of-tests"
    settings.CHANNEL_LAYER_URL = f"redis://{place}/0"
    status, report, found = readyz(client)
    assert (status, report["status"]) == (200, "degraded")
    assert found["broker"]["message"] == "RabbitMQ cannot be reached"
    assert found["channel layer"]["message"] == "Redis cannot be reached"
    assert found["workers"] == {
        "name": "workers", "level": "warning", "message": "no worker was seen within 30 s"
    }  # fmt: skip
    told = json.dumps(report)
    assert not [word for word in (PASSWORD, "127.0.0.1", "vhost", "me:") if word in told]


@pytest.mark.django_db(transaction=True)
def test_workers_and_schedulers_are_told_once_they_say_that_they_are_there(
    settings: Settings,
) -> None:
    settings.BROKER_URL = f"amqp://127.0.0.1:{closed_port()}/"
    assert {finding.level for finding in processes.all_of_them()} == {"warning"}
    Presence(Process.Role.WORKER, ["extract", "transform"], 4).say()
    assert processes.workers().message.startswith("no worker of load, index was seen")
    Presence(Process.Role.WORKER, ["extract", "transform", "load", "index"], 4).say()
    assert processes.workers().message == ("1 worker: extract 1, transform 1, load 1, index 1")
    Process.objects.update(version="0.0.1")
    versions = [each for each in processes.all_of_them() if "versions differ" in each.message]
    assert [each.level for each in versions] == ["warning"]


@pytest.mark.django_db(transaction=True)
def test_a_storm_of_probes_asks_each_server_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    go_on = threading.Event()

    def slow_broker() -> Iterator[Finding]:
        asked.append("broker")
        go_on.wait(10)
        yield ok("broker", "there", public="there")

    monkeypatch.setattr(services, "broker", slow_broker)
    with ThreadPoolExecutor(20) as pool:
        answers = [pool.submit(readyz, Client()) for _ in range(20)]
        until(lambda: bool(asked))
        go_on.set()
        assert {answer.result()[0] for answer in answers} == {200}
    assert asked == ["broker"]


@contextmanager
def site(var: Path, **environment: str) -> Iterator[str]:
    """The site as a process of its own; gives its address once it answers."""
    port = closed_port()
    command = (sys.executable, "-m", "uvicorn", "etl_project.asgi:application")
    with subprocess.Popen(
        [*command, "--port", str(port)],
        cwd=ROOT,
        env=os.environ | {"VAR_DIR": str(var)} | environment,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            until(lambda: status_of(f"{address}/healthz") == 200)
            yield address
        finally:
            process.kill()


def status_of(address: str) -> int:
    """The status with which an address answers; 0 where nobody does."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def test_a_frozen_database_keeps_no_probe_waiting(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0), backlog=128)) as silent:
        url = f"postgres://me@127.0.0.1:{silent.getsockname()[1]}/etl"

        def timed(address: str) -> tuple[int, float]:
            began = time.monotonic()
            return status_of(address), time.monotonic() - began

        with (
            site(tmp_path, DATABASE_URL=url, BROKER_URL="") as address,
            ThreadPoolExecutor(30) as pool,
        ):
            ready = [pool.submit(timed, f"{address}/readyz") for _ in range(29)]
            live = pool.submit(timed, f"{address}/healthz").result()
            answers = [each.result() for each in ready]
    assert {status for status, _ in answers} == {503}
    assert max(seconds for _, seconds in answers) < 3
    assert live[0] == 200
    assert live[1] < 1


@pytest.mark.django_db
def test_the_names_of_the_database_are_in_no_public_word() -> None:
    (finding,) = database.connects()
    assert finding.public
    assert str(connection.settings_dict["NAME"]) not in finding.public
