"""Whatever is wrong with a connection, its test and a run say where, at which request, and what
to do about it."""

import json
import re
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from integrations.models import Integration
from sandbox.generate.world import World
from tenants.scope import every_tenant
from tests.live.failing import FAILURES, PLAIN, Failure, connecting, exit_code
from tests.live.served import Served, served

pytestmark = pytest.mark.django_db(transaction=True)

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def source() -> Iterator[Served]:
    """A small organisation."""
    with served(World(items=12, seed=5, shape="v3", lean=True)) as found:
        yield found


@pytest.fixture(autouse=True)
def healed(source: Served, settings: Settings) -> None:
    """Nothing fails, and nothing is tried more than twice."""
    source.heal()
    settings.FETCH_MAX_ATTEMPTS = 2


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_the_test_and_the_run_say_where_at_which_request_and_what_to_do(
    source: Served, failure: Failure, capsys: Output
) -> None:
    arguments = connecting(source, failure, "a")
    assert exit_code("connect", *arguments, "--test") == 1
    said = capsys.readouterr().out
    blocks = said.split("FAILED  ")
    assert len(blocks) == 2, said
    line = blocks[1]
    assert re.match(rf"{re.escape(failure.step)} \({failure.request}.*\): ", line), line
    assert re.search(failure.says, line), line
    assert re.search(failure.remedy, line), line
    assert "Traceback" not in said

    assert exit_code("run_job", "--tenant", "acme", "--integration", "a", "--wait", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    [run] = report["runs"]
    error = run["error"]
    assert (run["state"], report["exit_code"]) == ("failed", 1)
    assert re.match(r"extract \w+: \w", error), error
    assert re.search(failure.run_request or failure.request, error), error
    assert re.search(failure.says, error), error
    assert re.search(failure.remedy, error), error
    assert "\n" not in error


# ---- addresses that may not be reached


@pytest.mark.parametrize("provider", ["jira", "github"])
@pytest.mark.parametrize("address", ["https://10.1.2.3", "http://169.254.169.254/latest"])
def test_an_address_that_may_not_be_reached_is_refused_with_what_to_do(
    source: Served, provider: str, address: str, capsys: Output
) -> None:
    failure = PLAIN[provider]._replace(options=lambda source: {"base-url": address})
    assert exit_code("connect", *connecting(source, failure, "a"), "--test") == 2
    said = capsys.readouterr().out
    assert "this address may not be reached" in said
    assert re.search("EGRESS_ALLOWED_PRIVATE_CIDRS|never", said), said
    with every_tenant("test"):
        assert not Integration.objects.exists()


@pytest.mark.parametrize("provider", ["jira", "github"])
def test_an_address_that_may_no_longer_be_reached_is_told_by_test_and_run(
    source: Served, provider: str, settings: Settings, capsys: Output
) -> None:
    assert exit_code("connect", *connecting(source, PLAIN[provider], "a")) == 0
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = ()
    source.forget_requests()
    capsys.readouterr()
    assert exit_code("connect", "--tenant", "acme", "--name", "a", "--test") == 1
    said = capsys.readouterr().out
    assert exit_code("run_job", "--tenant", "acme", "--integration", "a", "--wait") == 1
    for text in (said, capsys.readouterr().out):
        assert re.search(rf"GET http://127.0.0.1:\d+/{provider}/.*may not be reached", text), text
        assert "EGRESS_ALLOWED_PRIVATE_CIDRS" in text
    assert source.requests()["total"] == 0
