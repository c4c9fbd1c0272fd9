"""What an installation refuses to start with, and what `check --deploy` finds in it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from pytest_django import Settings

from common.egress import parse_networks
from common.secrets import new_key
from etl_project import checks
from etl_project.given import kept_key
from tests.conftest import ROOT
from tests.integrations.threads import in_threads


def manage(var: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the product with this environment."""
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=os.environ | {"VAR_DIR": str(var)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_production_refuses_loopback_among_the_allowed_networks(tmp_path: Path) -> None:
    done = manage(
        tmp_path,
        "check",
        "--deploy",
        "--tag=security",
        EGRESS_ALLOWED_PRIVATE_CIDRS="10.0.0.0/8, 127.0.0.0/8",
    )
    assert done.returncode == 1
    assert "etl.E001) EGRESS_ALLOWED_PRIVATE_CIDRS opens loopback (127.0.0.0/8)" in done.stderr


@pytest.mark.parametrize(
    ("networks", "is_refused"),
    [
        (["127.0.0.1"], True),
        (["::1/128"], True),
        (["10.0.0.0/8", "192.168.0.0/16"], False),
        (["0.0.0.0/0"], False),  # which does not open loopback
        ([], False),
    ],
)
def test_only_loopback_is_refused(
    networks: list[str], is_refused: bool, settings: Settings
) -> None:
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = parse_networks(networks)
    found = [each.id for each in checks.egress_is_closed(None)]
    assert found == ([checks.LOOPBACK_OPEN] if is_refused else [])


def test_plain_http_is_warned_of(settings: Settings) -> None:
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = ()
    settings.ALLOW_HTTP = True
    assert [each.id for each in checks.egress_is_closed(None)] == [checks.PLAIN_HTTP]


def test_a_key_of_one_machine_is_warned_of_beside_a_server(settings: Settings) -> None:
    settings.CREDENTIAL_KEYS_GIVEN = []
    is_warned = connection.vendor == "postgresql"
    assert bool(checks.credential_keys_are_shared(None)) is is_warned
    settings.CREDENTIAL_KEYS_GIVEN = [new_key()]
    assert checks.credential_keys_are_shared(None) == []


def test_it_does_not_start_with_a_malformed_network(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", EGRESS_ALLOWED_PRIVATE_CIDRS="10.0.0.0/8,10.0.0.1/8")
    assert done.returncode == 2
    assert "EGRESS_ALLOWED_PRIVATE_CIDRS: '10.0.0.1/8' is no network" in done.stderr


def test_it_does_not_start_with_a_malformed_key_nor_show_it(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", CREDENTIAL_KEYS=f"{new_key()},half-a-key")
    assert done.returncode == 2
    assert "CREDENTIAL_KEYS takes keys of 32 bytes" in done.stderr
    assert "half-a-key" not in done.stderr


def test_a_key_is_made_once_for_all_who_start_together_and_for_us_alone(tmp_path: Path) -> None:
    path = tmp_path / "credential_key"
    keys: set[str] = set()
    assert in_threads(8, lambda number: keys.add(kept_key(path, new_key))) == [None] * 8
    assert keys == {path.read_text()}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
