"""What cannot be had in one run or in several: the rest goes on, and once the source is well
again the walk goes on at the page in hand."""

import pytest
from pytest_django import Settings

from jobs.checkpoints import MOST_TIMES_AGAIN
from jobs.models import JobRun
from tests.live.comparing import differences
from tests.live.running import sync, told
from tests.live.striking import (
    ITEMS,
    SMALL_PAGES,
    TABLES,
    asked,
    dead_steps,
    loaded,
    requests_of,
    set_aside,
    small_world,
)

pytestmark = pytest.mark.django_db(transaction=True)

FIRST_PAGES = 5
READ_AGAIN = {"jira": 0, "github": 2}
"""How many pages are read twice on purpose: at its end, a walk of GitHub looks at its top again."""


@pytest.fixture(autouse=True)
def impatience(settings: Settings) -> None:
    settings.FETCH_MAX_ATTEMPTS = 2


@pytest.mark.parametrize("provider", ["jira", "github"])
@pytest.mark.parametrize("match", ["", "search|graphql"], ids=["all of it", "only the items"])
def test_a_long_outage_costs_no_page_twice(provider: str, match: str) -> None:
    with small_world(provider) as source:
        integration = source.connect(provider, settings=SMALL_PAGES[provider])
        of = ITEMS[provider]
        source.fault("status", "", of=of, skip=FIRST_PAGES, times=None, value=503)
        first = sync(integration)
        assert first.state == JobRun.State.FAILED, told(first)
        before, kept = requests_of(source, of)[:FIRST_PAGES], loaded(provider)
        source.heal()
        source.fault("status", match, of="" if not match else of, times=None, value=503)
        for _ in range(2):
            again = sync(integration)
            assert again.state == JobRun.State.FAILED, told(again)
            assert loaded(provider) == kept
        source.heal()
        source.forget_requests()
        ended = sync(integration)
        assert ended.state == JobRun.State.COMPLETED, told(ended)
        assert differences(source, providers=provider) == []
        repeated = asked(requests_of(source, of), answered=False) & asked(before, answered=True)
        assert len(repeated) <= READ_AGAIN[provider]


def test_a_part_that_can_never_be_read_keeps_nothing_else_from_being_synced() -> None:
    with small_world("github") as source:
        integration = source.connect("github", settings=SMALL_PAGES["github"])
        refused = {"status": 403, "body": {"message": "Resource not accessible"}}
        refused["headers"] = {"x-ratelimit-remaining": "1000"}
        source.fault("status", "", of="deployments", times=None, value=refused)
        for number in range(MOST_TIMES_AGAIN + 2):
            source.mutate({"op": "github.edit", "count": 3})
            run = sync(integration)
            assert run.state == JobRun.State.FAILED, told(run)
            assert "403" in run.error
            assert {step.stream for step in dead_steps(run)} == {"deployments"}, number
            truth = {row["source_id"]: row["title"] for row in source.rows(TABLES["github"])}
            assert {i: row["title"] for i, row in loaded("github").items()} == truth
        assert len(dead_steps(run)) <= 4
        without = {**SMALL_PAGES["github"], "deployments": "false"}
        changed = source.connect("github", settings=without)
        ended = sync(changed)
        assert ended.state == JobRun.State.COMPLETED, told(ended)


def test_a_page_that_can_never_be_read_is_begun_anew_in_the_end() -> None:
    with small_world("jira") as source:
        integration = source.connect("jira", settings=SMALL_PAGES["jira"])
        source.fault("truncated", "", of="items", skip=FIRST_PAGES, times=None)
        run = sync(integration)
        assert run.state == JobRun.State.COMPLETED_WITH_ERRORS, told(run)
        for _ in range(MOST_TIMES_AGAIN + 2):
            run = sync(integration)
            assert run.state != JobRun.State.COMPLETED, told(run)
            assert set_aside(run)
            assert len(dead_steps(run)) <= 4
        source.heal()
        ended = sync(integration)
        assert ended.state == JobRun.State.COMPLETED, told(ended)
        assert differences(source, providers="jira") == []
