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
from etl_project.demo_sources import Source, compare
from jobs.imports import find_tenant
from sandbox.generate.world import World
from tenants.permissions import access_for
from tests.live.served import served

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
def test_one_command_syncs_both_sources_live_without_a_server(tmp_path: Path) -> None:
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
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["ok"]
    assert told["loaded"] == told["ledger"]
    assert all(told["ledger"].values())
    assert {run["state"] for run in told["runs"]} == {"completed"}
    assert told["address"].startswith("http://localhost:86")
    assert told["password"].encode() not in (tmp_path / "db.sqlite3").read_bytes()


@pytest.mark.django_db
def test_what_the_ledger_has_and_we_do_not_is_told() -> None:
    with served(World(items=10, seed=1, shape="v3")) as source:
        find_tenant("acme", create=True)
        found = Source("acme", source.ready)
        compared = compare([found])
    assert not compared["ok"]
    assert compared["loaded"]["work_items"] == 0
    assert compared["ledger"]["work_items"] == 10
