"""A run is finished when nothing of it is open, exactly once, with an honest outcome."""

import threading

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from common.errors import PermanentError
from integrations.models import Integration, QuarantinedRecord
from jobs import queue, retries, runs, steps
from jobs.control import runs as control
from jobs.models import Job, JobRun, QueueEntry, RunLog, Stage
from jobs.queue import Counts
from tenants.scope import every_tenant, tenant_scope
from tests.jobs.conftest import add_steps, fresh, in_threads, make_run, run_state, stage_page
from warehouse.models.staging import StagedPage

pytestmark = pytest.mark.django_db(transaction=True)


def done(run: JobRun, stage: Stage, counts: Counts | None = None) -> None:
    """Claim and complete the next step of the stage."""
    step = queue.claim(stage, "worker")
    assert step is not None
    with tenant_scope(run.tenant_id), transaction.atomic():
        queue.complete(step, counts)


def dead(stage: Stage) -> None:
    """Claim the next step of the stage and let it die."""
    step = queue.claim(stage, "worker")
    assert step is not None
    retries.fail(step, PermanentError(f"{stage} is broken"))


def set_aside(run: JobRun, severity: str) -> None:
    """Quarantine something in the run."""
    with every_tenant("test"):
        QuarantinedRecord.objects.create(
            tenant_id=run.tenant_id,
            integration_id=run.integration_id,
            run_id=run.pk,
            stream="issues",
            severity=severity,
            reason="bad_value",
            detail="",
            place="issues.jsonl:1",
            position=0,
        )


def test_starting_makes_the_job_once_and_says_so_in_the_log() -> None:
    run = make_run()
    with tenant_scope(run.tenant_id):
        again = runs.start(run.integration, JobRun.Trigger.MANUAL, JobRun.Mode.IMPORT, {"a": 1})
        assert Job.objects.count() == 1
        assert again.params == {"a": 1}
        assert [line.message for line in RunLog.objects.filter(run=again)] == [
            "Import of recordings started"
        ]


def test_a_run_without_steps_is_not_finished(run: JobRun) -> None:
    assert runs.finish_if_done(run.pk) is None


def test_a_run_with_an_open_step_is_not_finished(run: JobRun) -> None:
    add_steps(run, "page:1", "page:2")
    done(run, Stage.TRANSFORM)
    assert runs.finish_if_done(run.pk) is None
    done(run, Stage.TRANSFORM)
    assert runs.finish_if_done(run.pk) == "completed"
    assert runs.finish_if_done(run.pk) is None


def test_a_run_with_a_staged_page_is_not_finished(run: JobRun) -> None:
    add_steps(run, "page:1")
    done(run, Stage.TRANSFORM)
    stage_page(run)
    assert runs.finish_if_done(run.pk) is None
    with every_tenant("test"):
        StagedPage.objects.all().delete()
    assert runs.finish_if_done(run.pk) == "completed"


def test_a_dead_load_does_not_keep_a_run_open_and_keeps_its_pages(run: JobRun) -> None:
    add_steps(run, "page:1")
    done(run, Stage.TRANSFORM)
    stage_page(run)
    with tenant_scope(run.tenant_id):
        queue.ensure_load_step(run, run.integration_id, "issues", due_now=True)
    dead(Stage.LOAD)
    assert runs.finish_if_done(run.pk) == "failed"
    with every_tenant("test"):
        assert StagedPage.objects.count() == 1
    assert control.retry_failed(run) == 1
    assert run_state(run) == "running"


@pytest.mark.parametrize(
    ("severity", "state"),
    [
        ("record", "completed_with_errors"),
        ("value", "completed_with_errors"),
        ("note", "completed"),
    ],
)
def test_what_was_set_aside_shows_in_the_outcome(run: JobRun, severity: str, state: str) -> None:
    add_steps(run, "page:1")
    set_aside(run, severity)
    done(run, Stage.TRANSFORM)
    assert runs.finish_if_done(run.pk) == state


def test_a_dead_step_among_done_ones_is_an_error(run: JobRun) -> None:
    add_steps(run, "page:1", "page:2")
    done(run, Stage.TRANSFORM)
    dead(Stage.TRANSFORM)
    assert runs.finish_if_done(run.pk) == "completed_with_errors"


def test_a_dead_extract_fails_the_run_with_its_reason(run: JobRun) -> None:
    add_steps(run, "page:1")
    done(run, Stage.TRANSFORM)
    add_steps(run, "fetch:1", stage=Stage.EXTRACT)
    dead(Stage.EXTRACT)
    assert runs.finish_if_done(run.pk) == "failed"
    with every_tenant("test"):
        kept = JobRun.objects.get()
        lines = list(RunLog.objects.values_list("level", flat=True))
    assert "extract is broken" in kept.error
    assert kept.finished_at is not None
    assert lines == ["info", "error", "error"]


def test_a_run_in_which_nothing_was_done_failed(run: JobRun) -> None:
    add_steps(run, "page:1")
    dead(Stage.TRANSFORM)
    assert runs.finish_if_done(run.pk) == "failed"


def test_two_last_steps_that_end_together_finish_the_run_exactly_once(
    handlers: dict[str, steps.Handler],
) -> None:
    both = threading.Barrier(2)

    def handler(step: QueueEntry) -> None:
        both.wait(20)
        with transaction.atomic():
            queue.complete(step)

    handlers[Stage.TRANSFORM] = handler
    made = [make_run() for _ in range(10)]
    for run in made:
        add_steps(run, "last:1", "last:2")

    def work(number: int) -> None:
        while steps.work_next("transform", f"worker-{number}"):
            pass

    in_threads(2, work)
    assert [run_state(run) for run in made] == ["completed"] * 10
    with every_tenant("test"):
        assert RunLog.objects.filter(message="Full: Completed").count() == 10


def test_a_summary_counts_each_stage_and_stream_in_one_query(run: JobRun) -> None:
    add_steps(run, "page:1", "page:2", "page:3")
    done(run, Stage.TRANSFORM, Counts(records=10, rows=30, skipped=2, quarantined=1))
    dead(Stage.TRANSFORM)
    add_steps(run, "load:1", stage=Stage.LOAD)
    done(run, Stage.LOAD, Counts(records=10, rows=28, skipped=3))
    with tenant_scope(run.tenant_id), CaptureQueriesContext(connection) as queries:
        told = runs.summary(run)
    assert len(queries) == 1
    assert (told["records"], told["rows"], told["skipped"], told["quarantined"]) == (10, 28, 5, 1)
    assert (told["open"], told["dead"]) == (1, 1)
    assert told["rate"] == pytest.approx(10 / told["seconds"])
    load, transform = told["stages"]
    assert (load["stage"], load["stream"], load["done"]) == ("load", "issues", 1)
    assert (transform["queued"], transform["done"], transform["dead"]) == (1, 1, 1)


def test_retrying_queues_every_dead_step_again(run: JobRun) -> None:
    rows = add_steps(run, "page:1", "page:2", "page:3")
    done(run, Stage.TRANSFORM)
    dead(Stage.TRANSFORM)
    dead(Stage.TRANSFORM)
    assert runs.finish_if_done(run.pk) == "completed_with_errors"
    assert control.retry_failed(run) == 2
    assert [fresh(row).state for row in rows] == ["done", "queued", "queued"]
    assert run_state(run) == "running"


def test_a_live_run_says_how_its_integration_is(run: JobRun) -> None:
    add_steps(run, "page:1", stage=Stage.EXTRACT)
    step = queue.claim(Stage.EXTRACT, "worker")
    assert step is not None
    retries.fail(step, PermanentError("sign in: the token is wrong\nand more"))
    assert runs.finish_if_done(run.pk) == "failed"
    with tenant_scope(run.tenant_id):
        found: Integration = Integration.objects.get(pk=run.integration_id)
    assert (found.is_healthy, found.health_message) == (False, "sign in: the token is wrong")
    assert retries.replay(fresh(step))
    done(run, Stage.EXTRACT)
    assert runs.finish_if_done(run.pk) == "completed"
    with tenant_scope(run.tenant_id):
        found.refresh_from_db()
    assert (found.is_healthy, found.health_message) == (True, "")
