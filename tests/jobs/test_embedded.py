"""The whole engine in one process, with faults: every step ends once, every run finishes."""

import os
import random
import socket
import threading
from collections import Counter
from datetime import timedelta

import dramatiq
import pytest
from django.db import connection, transaction
from dramatiq.brokers.stub import StubBroker
from pytest_django import Settings

from common.errors import PermanentError, TransientError
from jobs import queue, retries, runs, steps, sweeper
from jobs.embedded import EmbeddedEngine
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from jobs.queue import Counts, NewStep
from tenants.scope import current_tenant_id, every_tenant
from tests.jobs.conftest import add_steps, fresh, make_run, run_state, until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not isinstance(dramatiq.get_broker(), StubBroker), reason="BROKER_URL names a broker"
    ),
]


def completes(step: QueueEntry) -> None:
    """Do nothing but complete."""
    with transaction.atomic():
        queue.complete(step, Counts(records=1))


def test_a_run_goes_through_its_stages_in_its_tenants_scope(
    run: JobRun, handlers: dict[str, steps.Handler]
) -> None:
    scopes: set[int | None] = set()

    def extract(step: QueueEntry) -> None:
        page = step.params["page"]
        scopes.add(current_tenant_id())
        following = [NewStep(Stage.TRANSFORM, "issues", f"transform:{page}")]
        if page < 20:
            params = {"page": page + 1}
            following.append(NewStep(Stage.EXTRACT, "issues", f"extract:{page + 1}", params))
        with transaction.atomic():
            queue.complete(step, successors=following)

    def transform(step: QueueEntry) -> None:
        scopes.add(current_tenant_id())
        with transaction.atomic():
            due = queue.load_is_due(step.run_id, step.stream, step.pk)
            queue.ensure_load_step(step.run, step.integration_id, step.stream, due)
            queue.complete(step, Counts(records=1))

    handlers.update({Stage.EXTRACT: extract, Stage.TRANSFORM: transform, Stage.LOAD: completes})
    with every_tenant("test"):
        queue.enqueue(run, [NewStep(Stage.EXTRACT, "issues", "extract:1", {"page": 1})])
    with EmbeddedEngine():
        until(lambda: run_state(run) != "running")
    assert run_state(run) == "completed"
    assert scopes == {run.tenant_id}
    with every_tenant("test"):
        told = runs.summary(run)
        assert set(QueueEntry.objects.values_list("state", flat=True)) == {"done"}
    assert told["records"] == 20


def test_an_engine_takes_up_what_a_dead_process_left(
    run: JobRun, handlers: dict[str, steps.Handler]
) -> None:
    handlers[Stage.TRANSFORM] = completes
    running, hinted = add_steps(run, "page:1", "page:2")
    orphan = queue.claim_step(running.pk, f"{socket.gethostname()[:80]}:999999999:dead")
    assert orphan is not None
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=hinted.pk).update(dispatched_at=orphan.started_at)
    with EmbeddedEngine():
        until(lambda: run_state(run) == "completed", 10)
    assert fresh(running).attempts == 2


def test_an_engine_leaves_the_steps_of_a_living_process_alone(run: JobRun) -> None:
    (row,) = add_steps(run, "page:1")
    queue.claim_step(row.pk, f"{socket.gethostname()[:80]}:{os.getppid()}:alive")
    with EmbeddedEngine():
        pass
    assert fresh(row).state == "running"


def test_engines_can_be_started_and_stopped_again_and_again(
    handlers: dict[str, steps.Handler],
) -> None:
    handlers[Stage.TRANSFORM] = completes
    broker = dramatiq.get_broker()
    middleware = list(broker.middleware)
    threads = threading.active_count()
    for _ in range(3):
        run = make_run()
        add_steps(run, "page:1")
        with EmbeddedEngine(threads=1):
            until(lambda run=run: run_state(run) == "completed")  # type: ignore[misc]
    assert broker.middleware == middleware
    assert threading.active_count() <= threads + 1  # the time limit's thread stays


def test_lost_hints_are_sent_again(
    run: JobRun, handlers: dict[str, steps.Handler], settings: Settings
) -> None:
    settings.STEP_REDISPATCH_SECONDS = 0
    handlers[Stage.TRANSFORM] = completes
    with EmbeddedEngine(sweep_seconds=0.1):
        rows = add_steps(run, "page:1", "page:2")
        with every_tenant("test"):
            QueueEntry.objects.filter(state="queued").update(dispatched_at=rows[0].created_at)
        until(lambda: run_state(run) == "completed")


def test_a_step_longer_than_its_lease_keeps_it(
    run: JobRun, handlers: dict[str, steps.Handler], settings: Settings
) -> None:
    settings.STEP_LEASE_SECONDS = 1

    def takes_long(step: QueueEntry) -> None:
        def renewed() -> bool:
            until_now = fresh(step).leased_until
            assert until_now is not None
            assert step.leased_until is not None
            return until_now - step.leased_until > timedelta(seconds=1)

        until(renewed)
        completes(step)

    handlers[Stage.TRANSFORM] = takes_long
    (row,) = add_steps(run, "page:1")
    with EmbeddedEngine(sweep_seconds=0.1):
        until(lambda: run_state(run) == "completed")
    assert fresh(row).attempts == 1


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="the database is not PostgreSQL")
def test_an_engine_goes_on_when_the_database_has_dropped_every_connection(
    run: JobRun, handlers: dict[str, steps.Handler]
) -> None:
    handlers[Stage.TRANSFORM] = completes
    with EmbeddedEngine(sweep_seconds=0.1):
        (first,) = add_steps(run, "page:1")
        until(lambda: run_state(run) == "completed")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert len(cursor.fetchall()) >= 3
        other = make_run()
        add_steps(other, "page:1", "page:2")
        until(lambda: run_state(other) == "completed")
    assert fresh(first).attempts == 1


def test_every_step_ends_exactly_once_whatever_happens(
    handlers: dict[str, steps.Handler],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Steps fail, are stolen while they run and lose their hints; each has its effect once."""
    settings.STEP_REDISPATCH_SECONDS = 0
    settings.STEP_MAX_ATTEMPTS = 100
    settings.STEP_BACKOFF_SECONDS = 0.01
    monkeypatch.setattr(retries, "LONGEST_WAIT_SECONDS", 0.05)
    dice = random.Random(7)
    started: Counter[str] = Counter()

    def steal(step: QueueEntry) -> None:
        """Let the lease run out and sweep, so that somebody else may take the step."""
        with every_tenant("test"):
            QueueEntry.objects.filter(pk=step.pk).update(leased_until=step.started_at)
            sweeper.sweep_expired()

    def work(step: QueueEntry) -> None:
        started[step.key] += 1
        fate = dice.random()
        with transaction.atomic():
            RunLog.objects.create(
                tenant_id=step.tenant_id, run_id=step.run_id, message=f"effect of {step.key}"
            )
            if fate < 0.15:
                raise TransientError("busy", retry_after_seconds=0.0)
            if fate < 0.25:
                raise ValueError("a bug that comes and goes")
            if step.params["doomed"]:
                raise PermanentError("never")
            queue.complete(step, successors=children(step))

    def children(step: QueueEntry) -> list[NewStep]:
        depth, number = step.params["depth"], step.params["number"]
        if depth == 2:
            return []
        return [
            NewStep(
                Stage.TRANSFORM,
                "issues",
                f"{step.key}.{n}",
                {"depth": depth + 1, "number": number * 3 + n, "doomed": n == 2 and depth == 1},
            )
            for n in range(3)
        ]

    def zombie_first(step: QueueEntry) -> None:
        if dice.random() < 0.1:
            steal(step)  # from here on this thread is a zombie that does not know it
        work(step)

    handlers[Stage.TRANSFORM] = zombie_first
    made = [make_run(tier, tier=tier) for tier in ("free", "enterprise")]
    with every_tenant("test"):
        for run in made:
            roots = [
                NewStep(
                    Stage.TRANSFORM,
                    "issues",
                    f"root:{n}",
                    {"depth": 0, "number": n, "doomed": False},
                )
                for n in range(5)
            ]
            queue.enqueue(run, roots)
    with EmbeddedEngine(sweep_seconds=0.05):
        until(lambda: all(run_state(run) != "running" for run in made), 90)
    with every_tenant("test"):
        for run in made:
            rows = list(QueueEntry.objects.filter(run=run))
            log = RunLog.objects.filter(run=run, message__startswith="effect")
            effects = Counter(log.values_list("message", flat=True))
            done = [row for row in rows if row.state == "done"]
            dead = [row for row in rows if row.state == "dead"]
            assert len(rows) == 5 + 15 + 45
            assert (len(done), len(dead)) == (50, 15)
            assert all(row.params["doomed"] for row in dead)
            assert effects == {f"effect of {row.key}": 1 for row in done}
            assert run_state(run) == "completed_with_errors"
    assert max(started.values()) > 1
