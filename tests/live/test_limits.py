"""Two tenants on one credential's budget: no request in a forbidden window, and nobody starves."""

import re
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from integrations.models import Integration
from jobs import queue
from jobs.console import _told
from jobs.control.runs import cancel
from jobs.models import JobRun, QueueEntry, Stage
from jobs.runs import RunSummary, summary
from jobs.sync import start_sync
from sandbox.generate.world import World
from tenants.scope import every_tenant, tenant_scope
from tests.live.comparing import differences
from tests.live.limiting import PART, WORLD, Rule, large_and_small, limited, use_up
from tests.live.running import finish, told, work_until
from tests.live.served import Served, served

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4
WINDOW_SECONDS = 1.0
UNTOLD = ("jira-gateway", "github-secondary-bare")

KINDS: list[Rule] = [
    {"kind": "jira-burst-based", "limit": 5},
    {"kind": "jira-burst-based", "limit": 5, "headers": False},
    {"kind": "jira-per-issue-on-write", "limit": 5},
    {"kind": "jira-quota-global-based", "limit": 25},
    {"kind": "jira-quota-global-based", "limit": 25, "headers": False},
    {"kind": "jira-quota-tenant-based", "limit": 25},
    {"kind": "jira-quota-tenant-based", "limit": 25, "headers": False},
    {"kind": "jira-cost-based", "limit": 15},
    {"kind": "jira-cost-based", "limit": 15, "headers": False},
    {"kind": "jira-gateway", "limit": 15},
    {"kind": "jira-datacenter", "limit": 15},
    {"kind": "jira-datacenter", "limit": 15, "headers": False},
    {"kind": "github-primary", "limit": 10, "status": 403},
    {"kind": "github-primary", "limit": 10, "status": 429},
    {"kind": "github-primary", "limit": 10, "status": 200},
    {"kind": "github-primary", "limit": 10, "status": 403, "headers": False},
    {"kind": "github-primary", "limit": 10, "status": 429, "headers": False},
    {"kind": "github-primary", "limit": 10, "status": 200, "headers": False},
    {"kind": "github-secondary", "limit": 12, "status": 403},
    {"kind": "github-secondary", "limit": 12, "status": 429},
    {"kind": "github-secondary-bare", "limit": 12, "status": 403},
    {"kind": "github-secondary-bare", "limit": 12, "status": 429},
]


def name(rule: Rule) -> str:
    """Return the name of a case."""
    how = "" if rule.get("headers", True) else "untold"
    return "-".join(filter(None, (rule["kind"], str(rule.get("status", "")), how)))


def provider_of(rule: Rule) -> str:
    return str(rule["kind"]).partition("-")[0]


def started(integration: Integration) -> JobRun:
    with tenant_scope(integration.tenant_id):
        return start_sync(integration)


def asks(run: JobRun, **conditions: Any) -> int:
    """Return how many asks of a run there are."""
    with every_tenant("test"):
        return QueueEntry.objects.filter(
            run=run, stage=Stage.EXTRACT, params__has_key="ask", **conditions
        ).count()


def seen(run: JobRun) -> RunSummary:
    with tenant_scope(run.tenant_id):
        run.refresh_from_db()
        return summary(run)


ALWAYS = (
    "jira-burst-based-untold",
    "jira-quota-tenant-based",
    "github-primary-403",
    "github-secondary-403",
)
RULES = [
    pytest.param(rule, id=name(rule), marks=() if name(rule) in ALWAYS else pytest.mark.thorough)
    for rule in KINDS
]


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_two_tenants_on_one_credential_keep_to_its_limit_and_load_everything(
    rule: Rule, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.HTTP_WAIT_SECONDS = 1.0
    provider = provider_of(rule)
    with limited(rule, WINDOW_SECONDS) as source:
        large, small = large_and_small(source, provider)
        assert large.tenant_id != small.tenant_id
        assert large.budget_key == small.budget_key
        use_up(source, rule)
        first, second = finish(started(large), started(small), threads=THREADS)
        assert first.state == second.state == JobRun.State.COMPLETED, told(first, second)
        asked = source.requests()
        assert asked["violating"] == []
        # The limit was met: the source refused, or its headers had said so and all waited.
        assert asked["refused"] > 0 or "WaitError(" in caplog.text
        assert differences(source, "large", provider) == []
        assert differences(source, "small", provider, PART[provider]) == []


@pytest.mark.parametrize("rule", RULES)
def test_a_run_that_waits_says_until_when_and_what_for(rule: Rule) -> None:
    is_told = rule.get("headers", True) and rule["kind"] not in UNTOLD
    with limited(rule, 30.0) as source:
        run = started(large_and_small(source, provider_of(rule))[0])
        use_up(source, rule)
        work_until(lambda: seen(run)["waiting_until"], run)
        waiting = seen(run)
        until = waiting["waiting_until"]
        assert until is not None
        least, most = (20, 31) if is_told else (55, 60)
        if rule["kind"].startswith("github-primary"):
            most += 1  # we ask a second after a reset that is told in whole seconds
        assert least < (until - timezone.now()).total_seconds() <= most
        assert f"waiting until {until:%H:%M}" in _told(waiting)
        assert re.search(r"429|limit|GitHub asked to wait", waiting["waiting_for"])
        assert source.requests()["violations"] == 0
        cancel(run)


@pytest.mark.parametrize("provider", ["jira", "github"])
def test_whoever_asks_for_years_is_asked_again_after_an_hour(provider: str) -> None:
    with served(WORLD) as source:
        source.fault("retry_after", f"/{provider}/", times=None, value="999999999")
        run = started(source.connect(provider))
        work_until(lambda: seen(run)["waiting_until"], run)
        until = seen(run)["waiting_until"]
        assert until is not None
        assert 3_590 < (until - timezone.now()).total_seconds() <= 3_600
        with tenant_scope(run.tenant_id):
            cancel(run)
        assert seen(run)["state"] == JobRun.State.CANCELLED


RESET_IN_MINUTES: Rule = {
    "kind": "jira-quota-global-based",
    "limit": 25,
    "reset_format": "minutes",
}


def test_a_reset_without_seconds_is_read_and_retry_after_preferred_to_it() -> None:
    with limited(RESET_IN_MINUTES, 30.0) as source:
        run = started(large_and_small(source, "jira")[0])
        use_up(source, RESET_IN_MINUTES)
        work_until(lambda: seen(run)["waiting_until"], run)
        until = seen(run)["waiting_until"]
        assert until is not None
        assert 20 < (until - timezone.now()).total_seconds() <= 31
        cancel(run)


# The small tenant's asks follow one another, a dozen of them: of four workers three are left.
BACKLOG = 40
MOST_MEANWHILE = 40
CROWD: Rule = {"kind": "jira-gateway", "limit": 12, "window_seconds": WINDOW_SECONDS}


def race(source: Served) -> tuple[JobRun, int]:
    """Start a small tenant's run beside one of which many asks are due at any time; return it
    and how many of them were done until it had ended, or when they were too many."""
    large, small = large_and_small(source, "jira", window_items="1")
    first = started(large)
    work_until(lambda: asks(first, state="queued") >= BACKLOG, first, threads=THREADS)
    source.control("limits", {"rules": [CROWD]})
    second, before = started(small), asks(first, state="done")

    def is_over() -> bool:
        is_ended = seen(second)["state"] != JobRun.State.RUNNING
        return is_ended or asks(first, state="done") - before > MOST_MEANWHILE

    work_until(is_over, first, second, threads=THREADS)
    meanwhile = asks(first, state="done") - before
    for run in (first, second):
        if seen(run)["state"] == JobRun.State.RUNNING:
            cancel(run)
            seen(run)
    return second, meanwhile


def test_the_small_tenant_is_not_starved(settings: Settings) -> None:
    settings.HTTP_WAIT_SECONDS = WINDOW_SECONDS
    with served(World(items=120, seed=5, shape="v3", lean=True)) as source:
        small, meanwhile = race(source)
        assert small.state == JobRun.State.COMPLETED, told(small)
        assert 0 < meanwhile <= MOST_MEANWHILE
        assert source.requests()["violations"] == 0


def test_without_turns_it_would_be(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_TURNS", "")
    monkeypatch.setattr(queue, "_TURN", "")
    settings.HTTP_WAIT_SECONDS = WINDOW_SECONDS
    with served(World(items=120, seed=5, shape="v3", lean=True)) as source:
        small, meanwhile = race(source)
        assert meanwhile > MOST_MEANWHILE
        assert small.state == JobRun.State.CANCELLED
