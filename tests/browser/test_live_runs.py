"""Runs, started, watched and steered in browsers on the real stack, pieces of which are killed."""

from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser

from tests.browser.stack import Stack, stack
from tests.browser.watching import RUN_MS, STOP_MS, Look, People

__all__ = ["stack"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.postgres,
    pytest.mark.rabbitmq,
    pytest.mark.redis,
    pytest.mark.slow,
]

LOOKS = [Look(1280, "light"), Look(390, "dark"), Look(1280, "dark"), Look(390, "light")]
NUMBERS = count(1)


@pytest.fixture
def people(browser: Browser, stack: Stack) -> Iterator[People]:
    """Whoever opens a browser; it fails a test at whose end one has complained."""
    people = People(browser, stack)
    yield people
    people.leave()
    assert people.complaints == []


@pytest.fixture(autouse=True)
def whole_again(stack: Stack) -> Iterator[None]:
    """Put back what a test took away."""
    yield
    stack.mend()


@pytest.fixture
def jira(stack: Stack) -> Iterator[int]:
    """An integration of which nothing was fetched yet, with a slow source."""
    stack.slow()
    yield stack.connect("jira", f"jira-{next(NUMBERS)}")
    stack.hurry()


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_run_started_in_one_browser_climbs_in_another_and_ends_as_the_database_has_it(
    people: People, stack: Stack, jira: int, look: Look
) -> None:
    run = people.enter("ann", look).run_now(jira)
    watcher = people.enter("vera", look)
    watcher.open_run(run)
    watcher.sees_state("Running")
    watcher.sees_climb(times=1)
    with watcher.without_a_jump_or_reload():
        watcher.sees_climb(times=3)
        watcher.fits()
        stack.hurry()
        watcher.sees_state("Completed", RUN_MS)
        watcher.sees_counts(stack.counts(run))
    assert stack.counts(run)["records"] > 0
    assert stack.work_items(jira) == stack.source.ledger()["work_items"]


def test_a_killed_workers_step_is_done_by_another_and_the_run_ends_whole(
    people: People, stack: Stack, jira: int
) -> None:
    watcher = people.enter("ann", Look(1280, "dark"))
    run = watcher.run_now(jira)
    watcher.open_run(run)
    watcher.sees_climb(times=1)
    with watcher.without_a_jump_or_reload():
        stack.kill_worker_of(run)
        watcher.sees_climb(times=2)
        stack.hurry()
        watcher.sees_state("Completed", RUN_MS)
        watcher.sees_counts(stack.counts(run))
    assert stack.work_items(jira) == stack.source.ledger()["work_items"]


def test_a_run_that_one_cancels_has_ended_for_another_within_seconds(
    people: People, stack: Stack, jira: int
) -> None:
    olga = people.enter("olga", Look(390, "dark"))
    run = olga.run_now(jira)
    watcher = people.enter("vera", Look(390, "dark"))
    watcher.open_run(run)
    watcher.sees_climb(times=1)
    with watcher.without_a_jump_or_reload():
        olga.cancel(jira)
        watcher.sees_state("Cancelled", STOP_MS)
        watcher.sees_mode("finished")
        watcher.sees_counts(stack.counts(run))
        watcher.fits()
    assert stack.open_steps(run) == 0


def test_the_end_of_a_run_is_told_on_whatever_page_somebody_is(
    people: People, stack: Stack, jira: int
) -> None:
    olga = people.enter("olga", Look(1280, "light"))
    run = olga.run_now(jira)
    vera = people.enter("vera", Look(390, "light"))
    stack.hurry()
    for person in (olga, vera):
        person.is_told(f"Run {run} of {stack.name_of(jira)} finished")


def test_without_redis_the_page_says_that_it_polls_and_climbs_and_is_live_again_with_it(
    people: People, stack: Stack, jira: int
) -> None:
    stack.slow(1_000)
    watcher = people.enter("ann", Look(390, "light"))
    watcher.open_run(watcher.run_now(jira))
    watcher.sees_mode("live")
    watcher.sees_climb(times=1)
    with watcher.without_a_jump_or_reload():
        stack.redis.kill()
        watcher.sees_mode("polling")
        watcher.sees_climb(times=1)
        stack.redis.start()
        watcher.sees_mode("live")
        watcher.sees_climb(times=1)
        stack.hurry()
        watcher.sees_state("Completed", RUN_MS)


def test_a_paused_run_stands_still_and_says_so_and_a_resumed_one_ends_whole(
    people: People, stack: Stack, jira: int
) -> None:
    olga, vera = people.enter("olga", Look(1280, "dark")), people.enter("vera", Look(390, "dark"))
    run = olga.run_now(jira)
    vera.open_run(run)
    vera.sees_climb(times=1)
    olga.open_run(run)
    with vera.without_a_jump_or_reload():
        olga.press("Pause")
        vera.sees_state("Paused", STOP_MS)
        standing = stack.counts(run)
        vera.sees_counts(standing)
        stack.hurry()
        stack.let_heartbeats_pass()
        assert stack.counts(run) == standing
        vera.sees_counts(standing)
        olga.press("Resume")
        vera.sees_climb(times=1)
        vera.sees_state("Completed", RUN_MS)
        vera.sees_counts(stack.counts(run))
    assert stack.work_items(jira) == stack.source.ledger()["work_items"]
