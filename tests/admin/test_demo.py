"""The demo: one command, no server, somebody to log in as."""

import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from common.errors import UsageError
from etl_project.demo import OPERATOR, TENANTS, free_port, make_people, new_password
from tenants.permissions import access_for

ROOT = Path(__file__).resolve().parents[2]
SERVERS = ("DATABASE_URL", "BROKER_URL", "RABBITMQ_URL", "RABBITMQ_HOST", "CHANNEL_LAYER_URL")


def test_a_taken_port_gives_the_next_free_one() -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert free_port(port) > port


@pytest.mark.django_db
def test_the_people_of_the_demo_see_what_is_said_of_them() -> None:
    people = make_people("a long password")
    assert len(people) == 1 + 2 * len(TENANTS)
    for person in people:
        access = access_for(User.objects.get(username=person.name))
        assert access is not None
        assert access.is_operator == (person.name == OPERATOR)
        assert len(access.tenants) == (2 if person.name == OPERATOR else 1)


@pytest.mark.django_db
def test_each_start_gives_a_new_password_that_is_stored_hashed_only() -> None:
    make_people("the first")
    make_people("the second")
    user = User.objects.get(username=OPERATOR)
    assert user.check_password("the second")
    assert "the second" not in user.password
    assert new_password() != new_password()


@pytest.mark.django_db
def test_a_user_of_somebody_else_is_left_alone() -> None:
    User.objects.create_user(OPERATOR, "somebody@example.org", "their own")
    with pytest.raises(UsageError, match="not of the demo"):
        make_people("a long password")
    assert User.objects.get(username=OPERATOR).check_password("their own")


@pytest.mark.slow
def test_one_command_loads_both_recordings_without_a_server(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in SERVERS}
    ended = subprocess.run(
        [sys.executable, "manage.py", "demo", "--once", "--json", "--port", "8600"],
        cwd=ROOT,
        env={**environment, "VAR_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    expected = {
        slug: json.loads((ROOT / "sandbox" / "recordings" / slug / "ledger.json").read_text())
        for slug in TENANTS
    }
    lines = sum(sum(ledger["lines"].values()) for ledger in expected.values())
    assert sum(run["records"] for run in told["runs"]) == lines
    assert told["address"].startswith("http://localhost:86")
    assert told["password"].encode() not in (tmp_path / "db.sqlite3").read_bytes()
