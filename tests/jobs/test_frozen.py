"""A process that freezes inside a transaction holds its locks; PostgreSQL is made to end them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, InterfaceError, connection, transaction
from pytest_django import Settings

from jobs import queue, sessions, sweeper
from jobs.models import JobRun, QueueEntry
from tenants.scope import every_tenant
from tests.jobs.conftest import add_steps, fresh

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no sessions"),
]


@contextmanager
def frozen(prepare: Callable[[], object], work: Callable[[], object]) -> Iterator[list[Exception]]:
    """Do work inside a transaction of another session, and freeze before its commit.

    prepare: what the session does before the transaction. It wakes at the end of the block; what
    is given has then what it ran into.
    """
    is_frozen, wake = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def freeze() -> None:
        try:
            prepare()
            with every_tenant("test"), transaction.atomic():
                work()
                is_frozen.set()
                wake.wait(60)
        except (DatabaseError, InterfaceError) as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=freeze)
    thread.start()
    assert is_frozen.wait(20)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '10s'")  # fail instead of waiting for ever
    try:
        yield errors
    finally:
        wake.set()
        thread.join(20)


def test_a_step_is_taken_from_a_worker_that_froze_just_before_its_commit(
    run: JobRun, settings: Settings
) -> None:
    settings.STEP_LEASE_SECONDS = 0
    (step,) = add_steps(run, "page:1")
    claimed: list[QueueEntry] = []

    def claim() -> None:
        held = queue.claim_step(step.pk, "frozen")
        assert held is not None
        claimed.append(held)

    with frozen(claim, lambda: queue.complete(claimed[0])) as errors:
        with every_tenant("test"):
            assert sweeper.sweep_expired() == 1
        assert (fresh(step).state, fresh(step).attempts) == ("queued", 1)
    assert errors
    assert fresh(step).state == "queued"


def test_the_session_of_another_step_goes_on(run: JobRun) -> None:
    first, second = add_steps(run, "page:1", "page:2")
    held = queue.claim_step(first.pk, "worker")
    assert held is not None
    with frozen(lambda: queue.claim_step(second.pk, "worker"), lambda: None) as errors:
        assert sessions.end_session(held) == 0
    assert not errors


def test_a_claim_that_froze_does_not_keep_its_step_from_the_others(
    run: JobRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "LIMIT", "SET idle_in_transaction_session_timeout = '300ms'")
    (step,) = add_steps(run, "page:1")

    def lock() -> None:
        QueueEntry.objects.select_for_update().get(pk=step.pk)

    with frozen(sessions.limit_silence, lock) as errors:
        assert queue.claim("transform", "worker") is not None
    assert errors


def test_the_session_of_an_isolated_step_is_ended_too(run: JobRun) -> None:
    (step,) = add_steps(run, "page:1")
    held = queue.claim_step(step.pk, "worker")
    assert held is not None
    with frozen(lambda: sessions.name_session(held), lambda: fresh(step)) as errors:
        assert sessions.end_session(held) == 1
    assert errors
