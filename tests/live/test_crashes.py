"""A worker that dies at any instant of a live run: the run ends at the ledger all the same, and
each page is stored once.

A crash is an exception that nobody hears of: what stands in the database is all that is left,
and the step goes on when its lease has run out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from common.http import Site
from integrations.models import Integration, RawPage
from jobs import extract_live, retries, runs, sweeper
from jobs.actors import load, transform
from jobs.models import JobRun, QueueEntry, Stage
from jobs.steps import work_next
from jobs.sync import start_sync
from tenants.scope import every_tenant, tenant_scope
from tests.live.comparing import differences
from tests.live.running import finish, sync, told
from tests.live.served import Served
from tests.live.striking import SMALL_PAGES, requests_of, small_world

pytestmark = pytest.mark.django_db(transaction=True)

CRASHES = 3


class Crash(BaseException):
    """The worker is gone."""


class Crashing:
    """Dies at the nth time that a point is reached, and at every nth after, so many times."""

    def __init__(self, nth: int) -> None:
        self.nth = nth
        self.seen = 0
        self.died = 0

    def reached(self) -> None:
        """Die if it is time to."""
        self.seen += 1
        if self.died < CRASHES and self.seen % self.nth == 0:
            self.died += 1
            raise Crash

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the point before it."""

        def dying(*args: Any, **named: Any) -> Any:
            self.reached()
            return function(*args, **named)

        return dying

    def after(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the point after it."""

        def dying(*args: Any, **named: Any) -> Any:
            done = function(*args, **named)
            self.reached()
            return done

        return dying


Point = Callable[[pytest.MonkeyPatch, Crashing], None]


def _at(owner: object, name: str, *, after: bool = False) -> Point:
    def place(patch: pytest.MonkeyPatch, crashing: Crashing) -> None:
        function = getattr(owner, name)
        patch.setattr(owner, name, (crashing.after if after else crashing.before)(function))

    return place


POINTS: dict[str, Point] = {
    "before the request": _at(Site, "send"),
    "after the request": _at(Site, "send", after=True),
    "before the commit of a page": _at(extract_live, "_keep"),
    "in the commit of a page, when it is stored": _at(extract_live, "_store", after=True),
    "in the commit of a page, at its end": _at(extract_live, "complete", after=True),
    "after a commit": _at(runs, "finish_if_done"),
    "in the commit of what a page became": _at(transform, "complete", after=True),
    "in the commit of a load": _at(load, "complete", after=True),
}


@pytest.fixture(scope="module")
def worlds() -> Iterator[dict[str, Served]]:
    """A sandbox for each provider; nothing in it changes."""
    with small_world("jira") as jira, small_world("github") as github:
        yield {"jira": jira, "github": github}


@pytest.fixture(autouse=True)
def patience(settings: Settings) -> None:
    """Let a step kill more workers than it usually may."""
    settings.STEP_MAX_ATTEMPTS = CRASHES + 1


@pytest.mark.parametrize("provider", ["jira", "github"])
@pytest.mark.parametrize("nth", [pytest.param(1, marks=pytest.mark.thorough), 4])
@pytest.mark.parametrize("point", POINTS)
def test_a_worker_that_dies_loses_and_doubles_nothing(
    worlds: dict[str, Served],
    provider: str,
    point: str,
    nth: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = worlds[provider]
    integration = source.connect(provider, settings=SMALL_PAGES[provider])
    source.forget_requests()
    crashing = Crashing(nth)
    with tenant_scope(integration.tenant_id):
        run = start_sync(integration)
    with dying_unheard(monkeypatch) as patch:
        POINTS[point](patch, crashing)
        work_through_crashes(run)
    (ended,) = finish(run)
    assert crashing.died
    assert ended.state == JobRun.State.COMPLETED, told(ended)
    assert differences(source, providers=provider) == []
    disturbed, pages = len(requests_of(source)), stored(integration)
    assert len(pages) == len(set(pages))

    source.forget_requests()
    calm = source.connect(provider, tenant="calm", settings=SMALL_PAGES[provider])
    sync(calm)
    assert stored(calm) == pages
    # A step that was begun again repeats its requests, of which it has two at most.
    assert disturbed <= len(requests_of(source)) + 2 * CRASHES


@contextmanager
def dying_unheard(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let nothing be written down of a crash while the block runs."""
    fail = retries.fail

    def unless_dead(step: QueueEntry, error: BaseException) -> str:
        return "running" if isinstance(error, Crash) else fail(step, error)

    with monkeypatch.context() as patch:
        patch.setattr(retries, "fail", unless_dead)
        yield patch


def work_through_crashes(run: JobRun) -> None:
    """Work the run's steps until none is due; after each crash let the lease run out."""
    while True:
        try:
            worked = sum(work_next(stage, "test") for stage in Stage)
        except Crash:
            let_leases_run_out()
            continue
        with every_tenant("test"):
            still = QueueEntry.objects.filter(run=run, state__in=QueueEntry.OPEN).exists()
        if not worked and not still:
            return


def let_leases_run_out() -> None:
    """Let the sweeper find the steps of the dead; it may die, too."""
    past = timezone.now() - timedelta(seconds=1)
    with every_tenant("test"):
        QueueEntry.objects.filter(state=QueueEntry.State.RUNNING).update(leased_until=past)
    try:
        sweeper.sweep()
    except Crash:
        let_leases_run_out()


def stored(integration: Integration) -> list[tuple[str, str, str]]:
    """Return the raw pages of an integration by stream, address and body."""
    with every_tenant("test"):
        pages = RawPage.objects.filter(integration_id=integration.pk)
        found = pages.values_list("stream", "url_digest", "body_digest")
        return sorted(found)
