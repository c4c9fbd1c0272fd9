"""Where the values of variables come from: the environment, a file each, a file of all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from etl_project.given import Environment
from etl_project.urls_given import with_password
from tests.conftest import ROOT


def test_a_variable_may_be_given_as_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("from the file\n")
    monkeypatch.setenv("A_PASSWORD_FILE", str(secret))
    monkeypatch.setenv("A_PASSWORD", "from the environment")
    assert Environment().str("A_PASSWORD", default="") == "from the file"


def test_a_file_that_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANOTHER_PASSWORD_FILE", "/no/such/file")
    with pytest.raises(ImproperlyConfigured, match="ANOTHER_PASSWORD_FILE: /no/such/file cannot"):
        Environment().str("ANOTHER_PASSWORD", default="")


def test_a_password_takes_the_place_of_that_in_the_address() -> None:
    assert with_password("redis://host:6379/0", "a/b") == "redis://:a%2Fb@host:6379/0"
    assert with_password("redis://me:old@host/0", "new") == "redis://me:new@host/0"
    assert with_password("redis://me:old@host/0", "") == "redis://me:old@host/0"
    assert with_password("", "new") == ""


def settings_say(tmp_path: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Ask a fresh process for one of its settings."""
    clean = {name: value for name, value in os.environ.items() if name != "BROKER_URL"}
    code = "from django.conf import settings; print(settings.BROKER_URL)"
    return subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=ROOT,
        env={**clean, "VAR_DIR": str(tmp_path), **given},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_another_file_may_be_read_instead_of_the_usual(tmp_path: Path) -> None:
    named = tmp_path / "servers.env"
    named.write_text("BROKER_URL=amqp://guest:guest@there/\n")
    assert "amqp://guest:guest@there/" in settings_say(tmp_path, ENV_FILE=str(named)).stdout
    here = settings_say(tmp_path, ENV_FILE=str(named), BROKER_URL="amqp://guest:guest@here/")
    assert "amqp://guest:guest@here/" in here.stdout


def test_what_is_named_and_not_there_ends_every_command_with_exit_code_2(tmp_path: Path) -> None:
    for name in ("ENV_FILE", "SECRET_KEY_FILE"):
        told = settings_say(tmp_path, **{name: "/no/such/file"})
        assert told.returncode == 2
        assert told.stderr.startswith(f"ImproperlyConfigured: {name}")
        assert "/no/such/file" in told.stderr
