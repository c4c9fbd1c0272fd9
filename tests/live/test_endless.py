"""Pages that never end, lists that shrink, links that lead away: no walk follows them for ever.

Rows 37, 38 and 40 of the list of bad inputs (HTTP).
"""

import re
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pytest_django import Settings

from integrations.providers.github import steps
from integrations.providers.jira import tokens
from jobs.models import JobRun
from sandbox.options import Options
from tests.live.comparing import differences
from tests.live.running import sync, told
from tests.live.striking import SMALL_PAGES, dead_steps, requests_of, small_world

pytestmark = pytest.mark.django_db(transaction=True)

CLOUD, DATA_CENTER = Options(), Options(mode="datacenter")
MOST_PAGES = 12
PROJECTS, BOARDS, SPRINTS = "project/search", r"agile/1.0/board\?", "sprint"
REPOSITORIES, RUNS, GRAPHQL = "/orgs/acme/repos", "/actions/runs", "graphql"

# provider, options, kind of fault, its value, which requests, how many of them at most
ENDLESS: list[tuple[str, Options, str, Any, str, str, int]] = [
    ("jira", CLOUD, "stuck_start", None, PROJECTS, "", 2),
    ("jira", CLOUD, "stuck_start", "echo", PROJECTS, "", 2),
    ("jira", CLOUD, "stuck_start", None, BOARDS, "", 2),
    ("jira", CLOUD, "stuck_start", "echo", BOARDS, "", 2),
    ("jira", CLOUD, "stuck_start", "echo", SPRINTS, "", 6),
    ("jira", CLOUD, "endless_tokens", None, "", "items", 1 + 3 * MOST_PAGES),
    ("jira", CLOUD, "endless_tokens", None, "", "census", 3 * MOST_PAGES),
    ("jira", DATA_CENTER, "stuck_start", None, "", "items", 3 * 2 * MOST_PAGES),
    ("jira", DATA_CENTER, "stuck_start", "echo", "", "items", 3 * 2 * MOST_PAGES),
    # Before it, the items of each of the three projects are counted in the same way.
    ("jira", DATA_CENTER, "stuck_start", None, "", "census", 3 + 3 * 2),
    ("github", CLOUD, "stuck_start", None, REPOSITORIES, "", MOST_PAGES + 1),
    ("github", CLOUD, "stuck_start", None, RUNS, "", 2 * (MOST_PAGES + 2)),
    ("github", CLOUD, "endless_tokens", None, "", "pulls", 2 * (MOST_PAGES + 2)),
    ("github", CLOUD, "endless_tokens", None, "", "deployments", 2 * (MOST_PAGES + 2)),
]


@pytest.fixture(autouse=True)
def few_pages(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let walks of a dozen pages be taken for endless."""
    settings.FETCH_MAX_ATTEMPTS = 2
    monkeypatch.setattr(tokens, "MAX_PAGES", MOST_PAGES)
    monkeypatch.setattr(steps, "MOST_PAGES", MOST_PAGES)


@pytest.mark.parametrize(
    ("provider", "options", "kind", "value", "match", "of", "most"),
    ENDLESS,
    ids=lambda value: getattr(value, "mode", None) or str(value),
)
def test_pages_that_never_end_are_given_up_and_made_up_for(
    provider: str, options: Options, kind: str, value: Any, match: str, of: str, most: int
) -> None:
    with small_world(provider, options) as source:
        integration = source.connect(provider, settings=SMALL_PAGES[provider])
        counts = 3 if options.mode == "datacenter" and of == "census" else 0
        source.fault(kind, match, of=of, value=value, times=None, skip=counts)
        run = sync(integration)
        assert run.state == JobRun.State.FAILED, told(run)
        assert "run it again" in run.error
        assert dead_steps(run)
        struck = [
            each
            for each in requests_of(source)
            if re.search(match, each["path"]) and of in each["kind"]
        ]
        assert 1 < len(struck) <= most
        source.heal()
        resumed = sync(integration)
        assert resumed.state == JobRun.State.COMPLETED, told(resumed)
        assert differences(source, providers=provider) == []


def test_a_total_that_shrinks_meanwhile_loses_nothing() -> None:
    with small_world("jira", DATA_CENTER) as source:
        integration = source.connect("jira", settings=SMALL_PAGES["jira"])
        source.fault("shrink_total", "", of="items", skip=4, times=None, value=12)
        run = sync(integration)
        assert run.state == JobRun.State.COMPLETED, told(run)
        assert differences(source, providers="jira") == []


def test_a_total_of_projects_that_shrinks_loses_nothing() -> None:
    with small_world("jira") as source:
        integration = source.connect("jira", settings=SMALL_PAGES["jira"])
        source.fault("shrink_total", PROJECTS, times=None, value=2)
        run = sync(integration)
        assert run.state == JobRun.State.COMPLETED, told(run)
        assert differences(source, providers="jira") == []


@pytest.mark.parametrize("match", [REPOSITORIES, RUNS])
def test_a_link_to_another_host_is_refused_and_nothing_is_sent_there(match: str) -> None:
    with small_world("github") as source, listening() as elsewhere:
        integration = source.connect("github", settings=SMALL_PAGES["github"])
        source.fault("other_host", match, times=None, value=elsewhere.url)
        run = sync(integration)
        assert run.state == JobRun.State.FAILED, told(run)
        assert f"GET {source.base}/github/api/v3" in run.error
        assert f"not followed: {elsewhere.url}" in run.error
        assert elsewhere.connections() == 0
        source.heal()
        resumed = sync(integration)
        assert resumed.state == JobRun.State.COMPLETED, told(resumed)
        assert differences(source, providers="github") == []


def test_the_next_page_that_jira_names_is_not_even_looked_at() -> None:
    with small_world("jira") as source, listening() as elsewhere:
        integration = source.connect("jira", settings=SMALL_PAGES["jira"])
        source.fault("other_host", PROJECTS, times=None, value=elsewhere.url)
        run = sync(integration)
        assert run.state == JobRun.State.COMPLETED, told(run)
        assert elsewhere.connections() == 0
        assert differences(source, providers="jira") == []


class Elsewhere:
    """A port that nobody should come to."""

    def __init__(self, port: socket.socket) -> None:
        self._port = port
        self.url = f"http://127.0.0.1:{port.getsockname()[1]}"

    def connections(self) -> int:
        """Return how many came."""
        return len(select.select([self._port], [], [], 0)[0])


@contextmanager
def listening() -> Iterator[Elsewhere]:
    """Listen on a port of its own, which the policy permits."""
    with socket.create_server(("127.0.0.1", 0)) as port:
        yield Elsewhere(port)
