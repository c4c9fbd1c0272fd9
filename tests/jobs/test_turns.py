"""Tenants take turns in asking sources, however many steps each has, and waiting costs nothing."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from common.errors import PermanentError, TransientError, WaitError
from jobs import queue, retries
from jobs.models import JobRun, QueueEntry, Stage
from jobs.runs import summary
from tenants.scope import tenant_scope
from tests.jobs.conftest import add_steps, fresh, make_run

pytestmark = pytest.mark.django_db(transaction=True)


def claim(stage: Stage = Stage.EXTRACT) -> QueueEntry:
    """Claim the next step of a stage; there must be one."""
    step = queue.claim(stage, "worker")
    assert step is not None
    return step


def test_a_small_tenant_asks_every_second_time_beside_a_large_one() -> None:
    large, small = make_run("large"), make_run("small")
    add_steps(large, *(f"page:{n}" for n in range(20)), stage=Stage.EXTRACT)
    add_steps(small, *(f"page:{n}" for n in range(3)), stage=Stage.EXTRACT)
    owners = [claim().tenant_id for _ in range(6)]
    assert owners.count(small.tenant_id) == 3
    assert owners[:2] != [large.tenant_id] * 2


def test_other_stages_go_by_their_time() -> None:
    first, second = make_run("first"), make_run("second")
    add_steps(first, "page:1", "page:2")
    add_steps(second, "page:1")
    owners = [claim(Stage.TRANSFORM).tenant_id for _ in range(3)]
    assert owners == [first.tenant_id, first.tenant_id, second.tenant_id]


def test_a_higher_tier_still_comes_first() -> None:
    basic, enterprise = make_run("basic"), make_run("enterprise", tier="enterprise")
    add_steps(basic, "page:1", stage=Stage.EXTRACT)
    add_steps(enterprise, "page:1", "page:2", stage=Stage.EXTRACT)
    owners = [claim().tenant_id for _ in range(3)]
    assert owners == [enterprise.tenant_id, enterprise.tenant_id, basic.tenant_id]


def test_waiting_as_the_source_asked_is_no_attempt(run: JobRun) -> None:
    (row,) = add_steps(run, "page:1", stage=Stage.EXTRACT)
    for _ in range(20):
        step = queue.claim_step(row.pk, "worker", early=True)
        assert step is not None
        assert step.attempts == 1
        retries.fail(step, WaitError("the hourly quota is used up", 40))
    after = fresh(row)
    assert after.state == QueueEntry.State.QUEUED
    assert after.attempts == 0
    assert after.run_at - timezone.now() > timedelta(seconds=38)
    assert after.error == "WaitError: the hourly quota is used up"


def test_a_source_that_does_not_answer_gets_more_patience_than_a_fault_of_ours(
    run: JobRun, settings: Settings
) -> None:
    settings.FETCH_MAX_ATTEMPTS, settings.STEP_MAX_ATTEMPTS = 5, 2
    away, broken = add_steps(run, "page:1", "page:2", stage=Stage.EXTRACT)
    for row, error, attempts in (
        (away, TransientError("no answer"), 5),
        (broken, RuntimeError("a fault"), 2),
    ):
        for number in range(1, attempts + 1):
            step = queue.claim_step(row.pk, "worker", early=True)
            assert step is not None
            state = retries.fail(step, error)
            assert state == ("dead" if number == attempts else "queued")


def test_what_cannot_help_is_not_tried_again(run: JobRun) -> None:
    (row,) = add_steps(run, "page:1", stage=Stage.EXTRACT)
    step = queue.claim_step(row.pk, "worker")
    assert step is not None
    assert retries.fail(step, PermanentError("the token is wrong")) == "dead"


def test_a_run_that_waits_says_until_when_and_why_once(run: JobRun) -> None:
    (row,) = add_steps(run, "page:1", stage=Stage.EXTRACT)
    step = queue.claim_step(row.pk, "worker")
    assert step is not None
    retries.fail(step, WaitError("waiting until 12:00:00 UTC: the hourly quota is used up", 600))
    with tenant_scope(run.tenant_id):
        told = summary(run)
    assert told["waiting_until"] == fresh(row).run_at
    assert told["waiting_for"] == "the hourly quota is used up"
