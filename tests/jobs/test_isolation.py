"""A step in a process of its own: what its caller learns of it. On PostgreSQL, for two processes
cannot both have the database of a test on SQLite."""

import logging
from urllib.parse import quote

import pytest
from django.db import connection

from jobs import isolation, queue
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from jobs.queue import NewStep
from tenants.scope import every_tenant
from tests.jobs.conftest import fresh

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL"),
]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children work on the database of the tests, with handlers of the tests' own."""
    database = connection.settings_dict
    server = f"{database['HOST']}:{database['PORT'] or 5432}"
    user = f"{quote(database['USER'])}:{quote(database['PASSWORD'])}"
    monkeypatch.setenv("DATABASE_URL", f"postgres://{user}@{server}/{database['NAME']}")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.jobs.worker_settings")


def claimed(run: JobRun, **params: object) -> QueueEntry:
    """Return a claimed step of a run."""
    with every_tenant("test"):
        queue.enqueue(run, [NewStep(Stage.TRANSFORM, "issues", "page:1", params)])
    step = queue.claim(Stage.TRANSFORM, "me")
    assert step is not None
    return step


def test_an_innocent_step_is_done_and_its_process_ends_without_a_complaint(
    run: JobRun, caplog: pytest.LogCaptureFixture
) -> None:
    step = claimed(run)
    with caplog.at_level(logging.WARNING):
        isolation.work(step)
    assert fresh(step).state == "done"
    assert caplog.messages == []
    with every_tenant("test"):
        assert RunLog.objects.filter(message="effect").count() == 1


def test_a_deadly_step_is_told_with_what_ended_its_process(run: JobRun) -> None:
    step = claimed(run, deadly=9)
    with pytest.raises(isolation.ProcessDiedError, match=r"\(signal 9\)") as error:
        isolation.work(step)
    assert error.value.record is None
    assert fresh(step).state == "running"


def test_a_process_that_cannot_reach_the_database_is_not_held_against_the_step(
    run: JobRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    step = claimed(run)
    monkeypatch.setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nowhere")
    isolation.work(step)
    assert "could not do its part" in caplog.text
    assert (fresh(step).state, fresh(step).attempts) == ("running", 1)


def test_a_step_that_somebody_else_holds_by_then_is_left_to_them(run: JobRun) -> None:
    step = claimed(run)
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=step.pk).update(fence=step.fence + 1)
    isolation.work(step)
    assert fresh(step).state == "running"
