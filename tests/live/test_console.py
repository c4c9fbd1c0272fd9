"""`connect` and `run_job` as a person uses them: what is refused, kept, waited for, cancelled."""

import json
import re
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from integrations.models import Integration
from jobs.models import JobRun
from sandbox.generate.world import World
from tenants.scope import every_tenant
from tests.live.failing import PLAIN, connecting, exit_code
from tests.live.served import Served, served

pytestmark = pytest.mark.django_db(transaction=True)

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def source() -> Iterator[Served]:
    """A small organisation."""
    with served(World(items=12, seed=5, shape="v3", lean=True)) as found:
        yield found


REFUSED = {
    "connect --tenant none --name a --test": "no tenant 'none'; there are: acme",
    "connect --tenant acme --name none --test": "no integration 'none'; there are: a",
    "connect --tenant acme --name none --token t": "no integration 'none'; --provider makes one",
    "connect --tenant acme --name a": "nothing is given to change; --test tries",
    "connect --tenant acme --name a --provider github --token t": "'?a'? is one of jira",
    "connect --tenant acme --name A! --provider jira --base-url {jira}": "'A!' is no name",
    "connect --tenant acme --name b --provider jira --token t": "Jira needs a base URL, such as",
    "connect --tenant acme --name b --provider jira --base-url {jira} --user me": (
        "to sign in by 'basic', give API token \\(token\\)"
    ),
    "connect --tenant acme --name a --token @/no/such/file": "--token: /no/such/file: No such",
    "connect --tenant acme --name a --credential k=@/no/such": "--credential k: /no/such: No such",
    "connect --tenant acme --name a --credential k=1": "takes no k; it takes user, token",
    "connect --tenant acme --name a --auth magic": "'magic'; there are: basic, scoped, bearer",
    "connect --tenant acme --name a --setting x=1": "Jira has no setting x; there are: .*projects",
    "connect --tenant acme --name a --setting x": "--setting 'x' is not NAME=VALUE",
    "connect --tenant acme --name a --setting page_size=many": (
        "setting page_size: 'many' will not do: expected `int`"
    ),
    "connect --tenant acme --name a --setting page_size=1": "page_size: '1' will not do.*>= 2",
    "connect --tenant acme --name a --base-url {jira}x": "would send its credentials to another",
    "connect --tenant acme --name a --setting gateway_url={jira}": "to another address: enter them",
    "run_job --tenant none --integration a": "no tenant 'none'; there are: acme",
    "run_job --tenant acme --integration none": "no integration 'none'; there are: a",
    "run_job --tenant acme --integration a --mode backfill": "a backfill needs since",
    "run_job --tenant acme --integration a --mode backfill --since soon": "'soon' is no time: give",
    "run_job --tenant acme --integration a --mode backfill --since 2026-02-02 --until 2026-01-01": (
        "since must lie before until"
    ),
    "run_job --tenant acme --integration a --since 2026-01-01": "window of a backfill: choose",
    "run_job --tenant acme --integration a --cancel": "no run of a goes on",
    "run_job --tenant acme --integration a --cancel --wait": "--cancel goes with",
}


@pytest.fixture
def connection(source: Served, capsys: Output) -> dict[str, Any]:
    """A connection `a` of the tenant acme; what is stored of it."""
    assert exit_code("connect", *connecting(source, PLAIN["jira"], "a")) == 0
    assert capsys.readouterr().out == f"a is connected to {source.ready['jira']['base_url']}\n"
    return stored()


def stored() -> dict[str, Any]:
    with every_tenant("test"):
        return Integration.objects.values("base_url", "settings", "credentials", "auth_method")[0]


@pytest.mark.parametrize("command", REFUSED)
def test_what_cannot_be_done_is_refused_in_a_line_and_nothing_changes(
    source: Served, connection: dict[str, Any], command: str, capsys: Output
) -> None:
    words = command.format(jira=source.ready["jira"]["base_url"]).split()
    assert exit_code(*words) == 2
    said = capsys.readouterr().out
    assert re.search(REFUSED[command], said), said
    assert said.count("\n") == 1
    assert stored() == connection
    with every_tenant("test"):
        assert Integration.objects.count() == 1
        assert not JobRun.objects.exists()


def test_what_is_not_given_stays_as_it_is(
    source: Served, connection: dict[str, Any], tmp_path: Path, capsys: Output
) -> None:
    change = ("connect", "--tenant", "acme", "--name", "a")
    assert exit_code(*change, "--setting", "projects=OPS", "--test") == 0
    assert stored() == {**connection, "settings": connection["settings"] | {"projects": "OPS"}}
    assert exit_code(*change, "--token", "wrong-token", "--test") == 1
    (tmp_path / "token").write_text(source.ready["jira"]["token"] + "\n")
    assert exit_code(*change, "--token", f"@{tmp_path}/token", "--test", "--json") == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["ok"] is True
    assert [each["step"] for each in report["checks"]][:2] == ["reach the site", "sign in"]


def test_a_token_comes_from_standard_input(
    source: Served, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(source.ready["jira"]["token"] + "\n"))
    change = ("connect", "--tenant", "acme", "--name", "a", "--token", "-")
    assert exit_code(*change, "--test") == 0
    assert stored()["credentials"] != connection["credentials"]


def test_a_run_that_is_left_to_others_is_waited_for_or_cancelled(
    connection: dict[str, Any], capsys: Output
) -> None:
    run = ("run_job", "--tenant", "acme", "--integration", "a")
    assert exit_code(*run) == 0
    assert "is queued" in capsys.readouterr().out
    assert exit_code(*run) == 2
    assert "still goes on: wait for it, or cancel it" in capsys.readouterr().out
    assert exit_code(*run, "--mode", "full", "--wait") == 2
    assert exit_code(*run, "--cancel") == 0
    assert "is cancelled" in capsys.readouterr().out
    assert exit_code(*run) == 0
    assert exit_code(*run, "--wait", "--json") == 0
    told = capsys.readouterr()
    assert "goes on already; this waits for it" in told.err
    assert json.loads(told.out.splitlines()[-1])["runs"][0]["state"] == "completed"
    with every_tenant("test"):
        assert sorted(JobRun.objects.values_list("state", flat=True)) == ["cancelled", "completed"]
