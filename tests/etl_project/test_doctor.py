"""The doctor says what is wrong and how to mend it, and keeps passwords to itself."""

import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from etl_project.checkup import check_all, database, installation, services
from etl_project.checkup.finding import Finding, hide_passwords, masked
from jobs.models import JobRun, QueueEntry
from tenants.scope import every_tenant
from tests.conftest import ROOT
from tests.jobs.conftest import add_steps, make_run, stage_page
from tests.services import BROKER_URL, has_rabbitmq

PASSWORD = "p4ss-w0rd-0f-tests"
SERVERS = (
    "DATABASE_URL",
    "BROKER_URL",
    "RABBITMQ_URL",
    "RABBITMQ_HOST",
    "CHANNEL_LAYER_URL",
    "CACHE_URL",
    "QDRANT_URL",
)


on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="needs the embedded default")


@pytest.fixture
def embedded(settings: Settings) -> None:
    """No server but the database of this test run."""
    settings.BROKER_URL = settings.CHANNEL_LAYER_URL = settings.QDRANT_URL = ""


def doctor(var: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the doctor as an operator does, with this environment and no other servers."""
    inherited = {name: value for name, value in os.environ.items() if name not in SERVERS}
    return subprocess.run(
        [sys.executable, "manage.py", "doctor", *options],
        cwd=ROOT,
        env=inherited | {"VAR_DIR": str(var)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def closed_port() -> int:
    """A local port on which nobody listens."""
    with closing(socket.socket()) as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


def found(name: str) -> list[Finding]:
    """What the doctor finds under this name."""
    return [finding for finding in check_all() if finding.check == name]


@pytest.mark.django_db
@on_sqlite
def test_the_embedded_default_is_all_ok(embedded: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("doctor", json=True)
    findings = json.loads(capsys.readouterr().out)
    assert {finding["level"] for finding in findings} == {"ok"}, findings
    assert {"python", "packages", "database", "migrations", "broker", "queue"} <= {
        finding["check"] for finding in findings
    }
    assert all(finding["remedy"] == "" for finding in findings)


def test_a_database_that_is_not_there_is_a_problem_and_is_not_made(tmp_path: Path) -> None:
    done = doctor(tmp_path)
    assert done.returncode == 1
    assert "manage.py migrate" in line_of(done.stdout, "database")
    assert not (tmp_path / "db.sqlite3").exists()


def line_of(report: str, name: str) -> str:
    """The only line of a report about this check."""
    (line,) = [line for line in report.splitlines() if line[9:].startswith(name)]
    return line


def test_unreachable_servers_are_problems_each_with_its_remedy(tmp_path: Path) -> None:
    place = f"me:{PASSWORD}@127.0.0.1:{closed_port()}"
    began = time.monotonic()
    done = doctor(
        tmp_path,
        "--declare",
        DATABASE_URL=f"postgres://{place}/nowhere",
        BROKER_URL=f"amqp://{place}/nowhere",
        CHANNEL_LAYER_URL=f"redis://{place}/0",
        CACHE_URL=f"redis://{place}/1",
        QDRANT_URL=f"http://{place}",
    )
    assert time.monotonic() - began < 15
    assert done.returncode == 1, done.stderr
    for name, remedy in (
        ("database", "start PostgreSQL, or mend DATABASE_URL"),
        ("broker", "start RabbitMQ, or mend BROKER_URL"),
        ("channel layer", "start Redis, or mend CHANNEL_LAYER_URL"),
        ("cache", "start Redis, or mend CACHE_URL"),
        ("qdrant", "start Qdrant, or unset QDRANT_URL"),
        ("declare", "see broker"),
    ):
        line = line_of(done.stdout, name)
        assert line.startswith("problem")
        assert remedy in line
    assert PASSWORD not in done.stdout + done.stderr
    assert "queue  " not in done.stdout  # without a database there is nothing to say of it


def test_a_server_that_never_answers_is_given_up(settings: Settings) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        settings.BROKER_URL = f"amqp://{place}/"
        settings.CHANNEL_LAYER_URL = f"redis://{place}/0"
        settings.QDRANT_URL = f"http://{place}"
        began = time.monotonic()
        levels = [
            finding.level
            for check in (services.broker, services.channel_layer, services.qdrant)
            for finding in check()
        ]
    assert levels == ["problem"] * 3
    assert time.monotonic() - began < 15


@pytest.mark.django_db
def test_a_missing_migration_is_a_problem_and_hides_what_depends_on_it(embedded: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs'")
    (migrations,) = found("migrations")
    assert migrations.level == "problem"
    assert "jobs.0001_initial" in migrations.message
    assert "manage.py migrate" in migrations.remedy
    assert not found("queue")


@pytest.mark.django_db
def test_a_dead_step_is_told_with_its_reason(embedded: None) -> None:
    run = make_run()
    (step,) = add_steps(run, "a")
    update(step, state="dead", error="PermanentError: the page is gone\n  at line 3")
    (finding,) = found("queue")
    assert finding.level == "warning"
    assert "PermanentError: the page is gone" in finding.message
    assert "at line 3" not in finding.message
    assert "retransform --tenant acme" in finding.remedy


def update(step: QueueEntry, **values: object) -> None:
    """Set columns of a step."""
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=step.pk).update(**values)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"run_at": -120}, "1 steps are due and not dispatched"),
        ({"state": "running", "leased_until": -120}, "1 steps are held by workers"),
    ],
)
def test_a_late_step_asks_for_the_scheduler(
    settings: Settings, embedded: None, values: dict[str, object], told: str
) -> None:
    (step,) = add_steps(make_run(), "a")
    now = timezone.now()
    update(
        step,
        **{
            name: now + timedelta(seconds=value) if isinstance(value, int) else value
            for name, value in values.items()
        },
    )
    (finding,) = found("queue")
    assert (finding.level, finding.message[: len(told)]) == ("warning", told)
    settings.BROKER_URL = f"amqp://127.0.0.1:{closed_port()}/"
    (finding,) = found("queue")
    assert finding.level == "problem"
    assert "manage.py scheduler" in finding.remedy


@pytest.mark.django_db(transaction=True)
@on_sqlite
def test_a_long_write_does_not_keep_the_doctor_waiting(embedded: None) -> None:
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as writer:
        writer.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        assert [finding.level for finding in found("queue")] == ["ok"]
        assert time.monotonic() - began < 15
        writer.rollback()


@pytest.mark.django_db
def test_steps_that_are_not_yet_due_or_just_due_are_no_fault(embedded: None) -> None:
    now = timezone.now()
    soon, just = add_steps(make_run(), "soon", "just")
    update(soon, run_at=now + timedelta(hours=1))
    update(just, run_at=now - timedelta(seconds=5))
    (finding,) = found("queue")
    assert finding.level == "ok"
    assert finding.message.startswith("2 open steps")


@pytest.mark.django_db
def test_staged_pages_are_told_only_when_their_run_has_ended(embedded: None) -> None:
    run = make_run()
    stage_page(run)
    assert [finding.level for finding in found("queue")] == ["ok"]
    with every_tenant("test"):
        JobRun.objects.filter(pk=run.pk).update(state="completed_with_errors")
    (finding,) = found("queue")
    assert finding.level == "warning"
    assert finding.message == f"1 staged pages are left of runs that ended: {run.pk}"


def test_a_server_installation_needs_a_secret_key_and_named_hosts(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "is_sqlite", lambda: False)
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "HOST", "db")
    settings.SECRET_KEY_GIVEN = ""
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["*"]
    levels = {finding.message: finding.level for finding in installation.environment()}
    assert len(levels) == 2
    assert set(levels.values()) == {"problem"}
    assert any("SECRET_KEY" in message for message in levels)
    assert any("ALLOWED_HOSTS" in message for message in levels)
    monkeypatch.setitem(database, "HOST", "127.0.0.1")
    levels = {finding.message: finding.level for finding in installation.environment()}
    assert [each for message, each in levels.items() if "SECRET_KEY" in message] == ["warning"]
    settings.SECRET_KEY_GIVEN = "set"
    settings.ALLOWED_HOSTS = ["etl.example.com"]
    settings.SECRET_KEY = "short"
    (finding,) = installation.environment()
    assert "short" in finding.message
    settings.SECRET_KEY = secrets.token_urlsafe(50)
    assert [finding.level for finding in installation.environment()] == ["ok"]


def test_packages_that_differ_from_their_pins_are_named(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("django==1.0\n    # via us\nno-such-thing==2.0\n")
    settings.BASE_DIR = tmp_path
    findings = {finding.level: finding for finding in installation.packages()}
    assert "no-such-thing" in findings["problem"].message
    assert "django" in findings["warning"].message
    assert "instead of 1.0" in findings["warning"].message
    assert "make setup" in findings["problem"].remedy


def test_little_room_on_the_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for free, level in ((1, "problem"), (1024**3, "warning"), (10 * 1024**3, "ok")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: Usage(free))
        assert [finding.level for finding in installation.disk()] == [level]


class Usage:
    """The part of a disk's usage that the doctor reads."""

    def __init__(self, free: int) -> None:
        self.free = free


def test_a_check_that_breaks_is_a_problem_and_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(installation, "_pins", lambda: 1 / 0)
    (finding,) = found("packages")
    assert finding.level == "problem"
    assert "ZeroDivisionError" in finding.message


def test_no_password_is_shown_wherever_an_error_quotes_it(settings: Settings) -> None:
    settings.BROKER_URL = "amqp://me:s3cr%2Ft@broker.invalid/v"
    settings.SECRET_KEY = "a-key-of-the-tests"
    told = "s3cr/t and s3cr%2Ft, redis://:other@h/0, a-key-of-the-tests"
    hidden = hide_passwords(Finding("x", "problem", told, told))
    for secret in ("s3cr", "other", "a-key"):
        assert secret not in hidden.message + hidden.remedy
    assert masked("amqp://me:s3cr%2Ft@h:1/v") == "amqp://me:***@h:1/v"
    assert masked("redis://h/0") == "redis://h/0"


@pytest.fixture
def vhost() -> Iterator[str]:
    """The URL of a vhost of this test's own, removed afterwards."""
    program = shutil.which("rabbitmqctl")
    if program is None or not has_rabbitmq():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("RabbitMQ cannot be reached or administered here")
    name = f"etl-doctor-{secrets.token_hex(4)}"
    parts = urlsplit(BROKER_URL)
    user = parts.username or "guest"
    for arguments in (
        ("add_vhost", name),
        ("set_permissions", "-p", name, user, ".*", ".*", ".*"),
    ):
        subprocess.run([program, *arguments], check=True, capture_output=True, timeout=60)
    try:
        yield urlunsplit(parts._replace(path=f"/{name}"))
    finally:
        subprocess.run([program, "delete_vhost", name], capture_output=True, timeout=60)


@pytest.mark.rabbitmq
def test_declare_makes_the_queues_that_were_missing(vhost: str, tmp_path: Path) -> None:
    before = doctor(tmp_path, BROKER_URL=vhost)
    assert line_of(before.stdout, "queues").startswith("problem")
    assert "doctor --declare" in line_of(before.stdout, "queues")
    declared = doctor(tmp_path, "--declare", BROKER_URL=vhost)
    assert line_of(declared.stdout, "declare").startswith("ok")
    after = doctor(tmp_path, BROKER_URL=vhost).stdout
    assert line_of(after, "broker").startswith("ok")
    assert " queues " not in after
    assert "start `manage.py worker`" in line_of(after, "workers")


@pytest.mark.django_db
@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_postgresql_is_told_with_its_version() -> None:
    (finding,) = database.connects()
    assert finding.level == "ok"
    assert finding.message.startswith("PostgreSQL 1")
