"""Processes say that they are there, `manage.py health` tells whether they still do."""

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from jobs import presence
from jobs.heartbeat import worker_id
from jobs.models import Process
from jobs.presence import Presence
from tenants.models import Membership, Role
from tenants.scope import tenant_scope
from tests.conftest import ROOT
from tests.jobs.conftest import make_run, until

pytestmark = pytest.mark.django_db(transaction=True)


def put(name: str, role: str = "worker", pid: int | None = None, age: float = 0) -> None:
    """A row as a process of this host left it so many seconds ago."""
    then = timezone.now() - timedelta(seconds=age)
    Process.objects.create(
        name=name,
        role=role,
        host=presence.host(),
        pid=os.getpid() if pid is None else pid,
        version="0",
        started_at=then,
        seen_at=then,
    )


def dead_pid() -> int:
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    return child.pid


def health(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """The exit code of `manage.py health` and all that it said."""
    code = 0
    try:
        call_command("health", *options)
    except SystemExit as error:
        code = int(error.code or 0)
    said = capsys.readouterr()
    return code, said.out + said.err


def test_a_process_says_that_it_is_there_and_takes_it_back_when_it_stops() -> None:
    there = Presence(Process.Role.WORKER, ["load", "index"], threads=3)
    there.start()
    until(lambda: Process.objects.exists())
    row = Process.objects.get()
    assert (row.name, row.role, row.pid) == (worker_id(), "worker", os.getpid())
    assert (row.stages, row.threads) == ("load,index", 3)
    assert row.memory_bytes > 10_000_000
    there.stop()
    assert not Process.objects.exists()


def test_saying_it_again_moves_only_what_changes() -> None:
    there = Presence(Process.Role.SCHEDULER)
    assert there.say()
    Process.objects.update(seen_at=timezone.now() - timedelta(seconds=5))
    first = Process.objects.get()
    assert there.say()
    second = Process.objects.get()
    assert second.seen_at > first.seen_at
    assert second.started_at == first.started_at


def test_the_dead_of_this_host_and_the_old_are_removed() -> None:
    put("killed", pid=dead_pid())
    put("same-id-before")
    put("old", pid=1, age=25 * 3600)
    put("silent", pid=1, age=3600)
    Presence(Process.Role.WORKER).say()
    assert set(Process.objects.values_list("name", flat=True)) == {"silent", worker_id()}


def test_a_database_that_is_away_is_said_once_and_raises_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*args: object, **kwargs: object) -> None:
        raise OperationalError("the server is down")

    monkeypatch.setattr(Process.objects, "bulk_create", away)
    there = Presence(Process.Role.WORKER)
    assert not there.say()
    assert not there.say()
    assert [record.message for record in caplog.records] == [
        "this process cannot say that it is there: the server is down"
    ]


def test_health_is_good_while_every_process_here_is_seen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put("mine")
    put("killed", pid=dead_pid(), age=600)
    put("a scheduler", role="scheduler", age=600)
    code, said = health(capsys, "--role", "worker", "--json")
    assert code == 0
    assert [each["name"] for each in json.loads(said)["processes"]] == ["mine"]


def test_health_is_bad_when_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    put("killed", pid=dead_pid())
    code, said = health(capsys, "--role", "worker")
    assert code == 1
    assert "no worker process of" in said


def test_health_is_bad_when_one_that_lives_says_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    put("quick", pid=os.getppid())
    put("frozen", age=45)
    code, said = health(capsys, "--role", "worker")
    assert code == 1
    assert f"1 of 2 worker processes say nothing: {os.getpid()} since 45 s" in said
    assert health(capsys, "--role", "worker", "--max-age", "100")[0] == 0


def test_health_blames_no_process_for_a_database_that_is_away(tmp_path: Path) -> None:
    with closing(socket.socket()) as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]

        def asked(*options: str) -> subprocess.CompletedProcess[str]:
            url = f"postgres://nobody@127.0.0.1:{port}/none"
            return subprocess.run(
                [sys.executable, "manage.py", "health", "--role", "worker", *options],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": url, "VAR_DIR": str(tmp_path)},
                capture_output=True,
                text=True,
                timeout=60,
            )

        forgiving, strict = asked(), asked("--strict")
    assert forgiving.returncode == 0, forgiving.stderr
    assert "the database cannot be reached, so nobody knows" in forgiving.stdout
    assert strict.returncode == 1


def test_operators_see_who_is_there_and_nobody_else_does(admin_client: Client) -> None:
    put("quick", age=1)
    put("frozen", age=45)
    page = admin_client.get("/admin/jobs/process/").content.decode()
    shown = re.findall("quick|frozen|There|Silent", page.partition("<tbody")[2])
    assert list(dict.fromkeys(shown)) == ["frozen", "Silent", "quick", "There"]
    assert admin_client.get("/admin/jobs/process/add/").status_code == 403
    viewer = User.objects.create(username="ada")
    member_of = make_run().tenant
    with tenant_scope(member_of.pk):
        Membership.objects.create(tenant=member_of, user=viewer, role=Role.ADMIN)
    client = Client()
    client.force_login(viewer)
    assert client.get("/admin/jobs/process/").status_code == 403
