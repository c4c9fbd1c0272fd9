"""Secrets are made once, at random, and kept from others of the machine."""

import subprocess
import sys
from pathlib import Path

import pytest

from common.secrets import SecretBox
from deploy.make_secrets import main
from tests.conftest import ROOT
from tests.deploy.compose import as_written


def test_every_secret_of_the_compose_file_is_made(tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    main(directory)
    assert {path.name for path in directory.iterdir()} == set(as_written()["secrets"])
    assert directory.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in directory.iterdir())
    SecretBox([(directory / "credential_keys").read_text()])


def test_what_is_there_is_never_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    main(tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before
    assert "nothing to make" in capsys.readouterr().out


def test_no_two_installations_have_the_same(tmp_path: Path) -> None:
    main(tmp_path / "one")
    main(tmp_path / "another")
    for path in (tmp_path / "one").iterdir():
        assert path.read_text() != (tmp_path / "another" / path.name).read_text()


def test_the_servers_get_the_passwords_that_we_use(tmp_path: Path) -> None:
    main(tmp_path)
    rabbitmq = (tmp_path / "rabbitmq.conf").read_text()
    assert f"default_pass = {(tmp_path / 'rabbitmq_password').read_text()}\n" in rabbitmq
    redis = (tmp_path / "redis.conf").read_text()
    assert redis == f"requirepass {(tmp_path / 'redis_password').read_text()}\n"


def test_it_needs_nothing_but_python_and_git_never_sees_them() -> None:
    script = "import sys; sys.path.insert(0, 'deploy'); import make_secrets"
    subprocess.run([sys.executable, "-I", "-S", "-c", script], cwd=ROOT, check=True)
    asked = subprocess.run(["git", "check-ignore", "-q", "deploy/secrets/secret_key"], cwd=ROOT)
    assert asked.returncode == 0
