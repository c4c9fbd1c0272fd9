"""Whatever a source answers in the middle of a walk: the run ends as is stated, what was loaded
is kept, and once the source is well again the next run goes on there and ends at the ledger.

The numbers are those of the rows of the list of bad inputs (HTTP) that this holds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from jobs.models import JobRun
from jobs.sync import start_sync
from tenants.scope import tenant_scope
from tests.live.comparing import differences
from tests.live.running import finish, sync, told
from tests.live.served import Served
from tests.live.striking import (
    ITEMS,
    SMALL_PAGES,
    TABLES,
    asked,
    dead_steps,
    let_time_pass,
    loaded,
    requests_of,
    set_aside,
    small_world,
    work_until_waiting,
)

pytestmark = pytest.mark.django_db(transaction=True)

ATTEMPTS = 2
FIRST_PAGES = {"jira": 5, "github": 5}
"""How many requests for items pass before the failure strikes: each walk has kept a page."""
WALKS = {"jira": 3, "github": 2}
"""How many projects or repositories are walked."""
READ_AGAIN = {"jira": 0, "github": 2}
"""How many pages are read twice on purpose: at its end, a walk of GitHub looks at its top again."""
FAILED, SET_ASIDE = JobRun.State.FAILED, JobRun.State.COMPLETED_WITH_ERRORS


@dataclass(frozen=True)
class Fault:
    """A failure of every request for items from some page on.

    said: what the run's error says is wrong and what to do. tries: how often a walk asks then, at
    most. goes_back: the walk has no place to go on at, and begins anew.
    """

    row: str
    kind: str
    state: JobRun.State
    said: str
    value: Any = None
    tries: int = ATTEMPTS
    goes_back: bool = False


FAULTS = [
    Fault("23 a login page", "html", FAILED, "page.*(connect again|check the base URL)", tries=1),
    Fault("24 an empty answer", "empty", SET_ASIDE, "0 bytes; the answer is kept"),
    Fault("25 JSON that is cut off", "truncated", SET_ASIDE, "bytes; the answer is kept"),
    Fault("26 a gzip bomb", "gzip_bomb", FAILED, "too large.*HTTP_MAX_BYTES", 64 << 20, tries=1),
    Fault("27 a redirect with a bomb", "redirect", FAILED, "base URL|not followed", tries=1),
    Fault("28 a length that lies", "short_body", FAILED, "broke off.*proxy"),
    Fault("28 a connection that is reset", "reset", FAILED, "broke off.*proxy"),
    Fault("29 a byte a second", "drip", FAILED, "within 1 seconds.*status page"),
    Fault("34 status 500 for ever", "status", FAILED, "500", 500),
    Fault("34 status 503 for ever", "status", FAILED, "503", 503),
    # GitHub answers 502 to what is too heavy, so that smaller pages are tried: of 5, 2 and 1.
    Fault("34 status 502 for ever", "status", FAILED, "502", 502, ATTEMPTS + 2),
    Fault("35 a token that is repeated", "repeat_token", FAILED, "circle|again", None, 2, True),
    Fault("36 tokens A, B, A", "cycle_tokens", FAILED, "circle|again", None, 5, True),
    Fault("39 status 401", "unauthorized", FAILED, "401.*(new one|new token)", tries=1),
    Fault("41 ten thousand headers", "many_headers", FAILED, "more headers", tries=1),
]
CASES = [
    pytest.param(provider, fault, id=f"{provider}: {fault.row}")
    for fault in FAULTS
    for provider in ("jira", "github")
]


@pytest.fixture(scope="module")
def worlds() -> Iterator[dict[str, Served]]:
    """A sandbox for each provider; nothing in it changes."""
    with small_world("jira") as jira, small_world("github") as github:
        yield {"jira": jira, "github": github}


@pytest.fixture
def source(worlds: dict[str, Served], provider: str) -> Iterator[Served]:
    """The provider's sandbox, well."""
    found = worlds[provider]
    found.heal()
    found.forget_requests()
    yield found
    found.heal()


@pytest.fixture(autouse=True)
def impatience(settings: Settings) -> None:
    """Give up soon, and take no large answer."""
    settings.FETCH_MAX_ATTEMPTS = ATTEMPTS
    settings.HTTP_MAX_BYTES = 2 << 20
    settings.HTTP_DEADLINE_SECONDS = 60.0


@pytest.mark.parametrize(("provider", "fault"), CASES)
def test_a_failure_in_the_middle_keeps_what_was_loaded_and_is_made_up_for(
    source: Served, provider: str, fault: Fault, settings: Settings
) -> None:
    if fault.kind == "drip":
        settings.HTTP_DEADLINE_SECONDS = 1.0
    integration = source.connect(provider, settings=SMALL_PAGES[provider])
    passing = FIRST_PAGES[provider]
    source.fault(fault.kind, "", of=ITEMS[provider], skip=passing, times=None, value=fault.value)
    run = sync(integration, threads=WALKS[provider])
    assert run.state == fault.state, told(run)
    assert_says_what_is_wrong(run, provider, fault)
    assert_was_not_asked_for_ever(source, provider, fault)
    if fault.state == SET_ASIDE:
        found = set_aside(run)
        assert [reason for reason, _ in found] == ["unreadable_page"] * len(dead_steps(run))
        assert not any(page.is_data for _, page in found)
    kept = loaded(provider)
    assert_is_a_part_of_the_truth(source, provider, kept)
    first = requests_of(source, ITEMS[provider])

    source.heal()
    source.forget_requests()
    resumed = sync(integration)
    assert resumed.state == JobRun.State.COMPLETED, told(resumed)
    assert differences(source, providers=provider) == []
    assert kept.items() <= loaded(provider).items()
    again = asked(requests_of(source, ITEMS[provider]), answered=False)
    if not fault.goes_back:
        assert len(again & asked(first[:passing], answered=True)) <= READ_AGAIN[provider]


def assert_says_what_is_wrong(run: JobRun, provider: str, fault: Fault) -> None:
    """The run's reason names the request; the dead steps name stream and page."""
    line = run.error.splitlines()[0]
    assert re.search(fault.said, line), line
    address = {"jira": "POST .*/rest/api/3/search/jql", "github": "POST .*/api/graphql"}[provider]
    assert re.search(address, line), line
    dead = dead_steps(run)
    assert 0 < len(dead) <= WALKS[provider]
    assert {step.stream for step in dead} == {{"jira": "issues", "github": "pulls"}[provider]}


def assert_was_not_asked_for_ever(source: Served, provider: str, fault: Fault) -> None:
    struck = requests_of(source, ITEMS[provider])[FIRST_PAGES[provider] :]
    assert len(struck) <= WALKS[provider] * fault.tries, len(struck)


def assert_is_a_part_of_the_truth(
    source: Served, provider: str, kept: dict[str, dict[str, Any]]
) -> None:
    truth = {row["source_id"]: row for row in source.rows(TABLES[provider])}
    assert 10 <= len(kept) < len(truth)
    for source_id, row in kept.items():
        assert row["title"] == truth[source_id]["title"]


PASSING = [
    ("25 JSON that is cut off", "truncated", None),
    ("24 an empty answer", "empty", None),
    ("28 a length that lies", "short_body", None),
    ("28 a connection that is reset", "reset", None),
    ("29 a byte a second", "drip", None),
    ("34 status 500", "status", 500),
    ("34 status 502", "status", 502),
    ("34 status 503", "status", 503),
    ("34 status 504", "status", 504),
]


ALWAYS = ("25", "28")


@pytest.mark.parametrize("provider", ["jira", "github"])
@pytest.mark.parametrize(
    ("kind", "value"),
    [
        pytest.param(
            *each[1:], id=each[0], marks=() if each[0][:2] in ALWAYS else pytest.mark.thorough
        )
        for each in PASSING
    ],
)
def test_a_failure_that_passes_costs_a_request_and_nobody_has_to_do_anything(
    source: Served, provider: str, kind: str, value: Any, settings: Settings
) -> None:
    if kind == "drip":
        settings.HTTP_DEADLINE_SECONDS = 2.0
    integration = source.connect(provider, settings=SMALL_PAGES[provider])
    source.fault(kind, "", of=ITEMS[provider], skip=FIRST_PAGES[provider], value=value)
    run = sync(integration)
    assert run.state == JobRun.State.COMPLETED, told(run)
    assert differences(source, providers=provider) == []


USED_UP = {"status": 403, "headers": {"X-RateLimit-Remaining": "0"}, "body": {"message": "no"}}
RESET = {**USED_UP, "headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9999999999"}}
# provider, row, kind, value, for how many seconds everything waits
WAITS: list[tuple[str, str, str, Any, float]] = [
    ("jira", "30", "retry_after", "999999999", 3_600),
    ("jira", "31 negative", "retry_after", "-1", 60),
    ("jira", "31 garbage", "retry_after", "soon", 60),
    ("jira", "31 past", "retry_after", "Mon, 01 Jan 2001 00:00:00 GMT", 60),
    ("jira", "32", "retry_after", None, 60),
    # Row 33 is GitHub's alone: a 403 of Jira is a permission, whatever its headers say.
    ("github", "30", "retry_after", "999999999", 3_600),
    ("github", "31 negative", "retry_after", "-1", 60),
    ("github", "31 garbage", "retry_after", "soon", 60),
    ("github", "31 past", "retry_after", "Mon, 01 Jan 2001 00:00:00 GMT", 60),
    ("github", "32", "retry_after", None, 60),
    ("github", "33 with the reset of the hour", "status", USED_UP, 3_600),
    ("github", "33 with a far reset", "status", RESET, 3_600),
]


@pytest.mark.parametrize(
    ("provider", "row", "kind", "value", "seconds"),
    WAITS,
    ids=[f"{each[0]}: {each[1]}" for each in WAITS],
)
def test_a_refusal_for_a_limit_is_waited_for_in_sight_and_then_goes_on(
    source: Served, provider: str, row: str, kind: str, value: Any, seconds: float
) -> None:
    integration = source.connect(provider, settings=SMALL_PAGES[provider])
    source.fault(kind, "", of=ITEMS[provider], skip=FIRST_PAGES[provider], value=value, times=None)
    with tenant_scope(integration.tenant_id):
        run = start_sync(integration)
    shown = work_until_waiting(run)
    assert shown["waiting_until"] is not None
    left = (shown["waiting_until"] - timezone.now()).total_seconds()
    assert seconds - 30 < left < seconds + 2
    assert shown["waiting_for"]
    assert loaded(provider)
    refused = [each for each in requests_of(source) if each["status"] in (403, 429)]
    assert len(refused) == 1
    source.heal()
    let_time_pass(integration)
    (ended,) = finish(run)
    assert ended.state == JobRun.State.COMPLETED, told(ended)
    assert differences(source, providers=provider) == []


@pytest.mark.parametrize("provider", ["jira", "github"])
def test_a_token_that_is_withdrawn_midway_stops_the_run_and_a_new_one_goes_on(
    provider: str,
) -> None:
    with small_world(provider) as source:
        integration = source.connect(provider, settings=SMALL_PAGES[provider])
        of, passing = ITEMS[provider], FIRST_PAGES[provider]
        source.fault("unauthorized", "", of=of, skip=passing, times=None)
        run = sync(integration)
        assert run.state == JobRun.State.FAILED, told(run)
        kept, before = loaded(provider), requests_of(source, of)
        source.heal()
        source.control("expire", {"token": source.ready[provider]["token"]})
        again = sync(integration)
        assert again.state == JobRun.State.FAILED, told(again)
        assert "401" in again.error
        assert loaded(provider) == kept
        source.forget_requests()
        renewed = source.connect(provider, **another_token(source, provider))
        assert renewed.pk == integration.pk
        ended = sync(renewed)
        assert ended.state == JobRun.State.COMPLETED, told(ended)
        assert differences(source, providers=provider) == []
        repeated = asked(requests_of(source, of), answered=False)
        repeated &= asked(before[:passing], answered=True)
        assert len(repeated) <= READ_AGAIN[provider]


def another_token(source: Served, provider: str) -> dict[str, Any]:
    """Return what connects with another credential of the same account."""
    if provider == "jira":
        (scoped,) = source.accounts("jira", "scoped", "full")
        credentials = {"user": scoped["user"], "token": scoped["token"]}
        gateway = {**SMALL_PAGES["jira"], "gateway_url": scoped["gateway_url"]}
        return {
            "method": "scoped",
            "credentials": credentials | {"cloud_id": scoped["cloud_id"]},
            "settings": gateway,
        }
    (fine,) = source.accounts("github", "fine_grained", "full")
    return {"credentials": {"token": fine["token"]}}
