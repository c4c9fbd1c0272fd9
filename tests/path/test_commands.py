"""The commands as processes: a database that is new, gone or badly named, a reader that leaves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tenants.migrated import ensure_migrated
from tests.conftest import OWN, ROOT

COMMANDS = (
    ("import_raw", str(OWN), "--tenant", "acme", "--create"),
    ("retransform", "--tenant", "acme"),
    ("export", "work_items", "--tenant", "acme"),
)


def manage(tmp_path: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a SQLite database of the test's own, unless the environment names one."""
    own = {"VAR_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/db", "BROKER_URL": ""}
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT,
        env=os.environ | own | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_new_embedded_database_is_made_and_a_reader_may_leave(tmp_path: Path) -> None:
    imported = manage(tmp_path, *COMMANDS[0])
    assert imported.returncode == 0, imported.stderr
    for options in ("work_items", "work_items --format csv", "all --hash"):
        reader, writer = os.pipe()
        os.close(reader)
        with os.fdopen(writer, "wb") as nobody_reads:
            told = subprocess.run(
                [sys.executable, "manage.py", "export", "--tenant", "acme", *options.split()],
                cwd=ROOT,
                env=os.environ
                | {"VAR_DIR": str(tmp_path), "DATABASE_URL": f"sqlite:///{tmp_path}/db"},
                stdout=nobody_reads,
                stderr=subprocess.PIPE,
                text=True,
                timeout=60,
            )
        assert (told.returncode, told.stderr) == (0, "")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_database_that_cannot_be_reached_is_told_in_a_line(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    told = manage(tmp_path, *command, DATABASE_URL="postgres://nobody:secret@127.0.0.1:1/none")
    assert told.returncode == 2
    assert told.stderr.startswith("CommandError: the database cannot be used (DATABASE_URL)")
    assert len(told.stderr.splitlines()) == 1
    assert "secret" not in told.stderr


@pytest.mark.parametrize(
    ("variable", "form"),
    [("DATABASE_URL", "postgres://"), ("BROKER_URL", "amqp://"), ("RABBITMQ_URL", "amqp://")],
)
@pytest.mark.parametrize("value", ["nonsense", "mysql://me:secret@here/it"])
def test_an_address_that_is_none_is_told_in_a_line(
    tmp_path: Path, variable: str, form: str, value: str
) -> None:
    told = manage(tmp_path, *COMMANDS[1], **{variable: value})
    assert told.returncode == 2
    assert told.stderr.startswith(f"ImproperlyConfigured: {variable} is no address like {form}")
    assert len(told.stderr.splitlines()) == 1
    assert "secret" not in told.stderr


@pytest.mark.django_db
def test_a_database_of_a_server_is_migrated_by_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_migrated()
    monkeypatch.setattr(connection, "vendor", "postgresql")
    monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda *args: [("a migration", False)])
    with pytest.raises(CommandError, match=r"run manage\.py migrate") as refused:
        call_command("export", "work_items", tenant="acme")
    assert refused.value.returncode == 2
