"""One id goes from what starts a run through its steps, log lines and SQL to its socket."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from jobs import queue, runs, schedule, steps
from jobs.models import Job, JobRun, QueueEntry, Stage
from jobs.queue import NewStep
from tenants.scope import every_tenant
from tests.jobs.conftest import make_run
from tests.jobs.socket_client import Page, converse, log_in
from tests.loglines import kept_lines
from tests.statements import sent


def start_with_a_step(job: Job) -> JobRun:
    """Start a run of the job, with a step to extract."""
    run = runs.start(job.integration, JobRun.Trigger.SCHEDULE, JobRun.Mode.INCREMENTAL)
    queue.enqueue(run, [NewStep(Stage.EXTRACT, "issues", "first")])
    return run


def pass_on(step: QueueEntry) -> None:
    """Extract makes a transform step, transform a load step, as the real ones do."""
    with transaction.atomic():
        successors = []
        if step.stage == Stage.EXTRACT:
            successors.append(NewStep(Stage.TRANSFORM, "issues", "page"))
        if step.stage == Stage.TRANSFORM:
            queue.ensure_load_step(step.run, step.integration_id, step.stream, due_now=True)
        queue.complete(step, successors=successors)


def fired() -> JobRun:
    """The run that the schedule starts when its only job is due."""
    make_run()
    with every_tenant("test"):
        JobRun.objects.update(state="completed")
        due = timezone.now() - timedelta(seconds=1)
        Job.objects.update(interval_minutes=60, next_slot_at=due, next_run_at=due)
        assert schedule.fire(start_with_a_step) == 1
        run: JobRun = JobRun.objects.get(state="running")
        return run


def all_steps(run: JobRun) -> list[QueueEntry]:
    """The steps of a run as they are in the database now."""
    with every_tenant("test"):
        return list(QueueEntry.objects.filter(run=run).order_by("id"))


@pytest.mark.django_db(transaction=True)
def test_one_id_goes_from_the_schedule_through_steps_and_sql_to_the_socket(
    handlers: dict[str, steps.Handler],
) -> None:
    handlers |= dict.fromkeys(Stage.values, pass_on)
    with kept_lines() as lines:
        run = fired()
        with sent() as statements:
            for stage in (Stage.EXTRACT, Stage.TRANSFORM, Stage.LOAD):
                assert steps.work_next(stage, "a-worker")
        watch(run, trace := run.trace_id)
    worked = all_steps(run)
    assert len(trace) == 16
    assert [(step.stage, step.state, step.trace_id) for step in worked] == [
        ("extract", "done", trace), ("transform", "done", trace), ("load", "done", trace)
    ]  # fmt: skip
    said = {(line["logger"], line.get("step")) for line in lines if line.get("trace") == trace}
    assert said >= {("jobs.runs", None), ("jobs.live.socket", None)} | {
        ("jobs.step_trace", step.pk) for step in worked
    }
    watched = next(line for line in lines if line["logger"] == "jobs.live.socket")
    assert (watched["run"], watched["request"]) == (run.pk, "of-the-handshake")
    for step in worked:
        completing = f"/* trace={trace} step={step.pk} */ \nUPDATE etl_job_queue SET state = 'done'"
        assert any(sql.startswith(completing) for sql in statements)


def watch(run: JobRun, trace: str) -> None:
    """See the trace in the snapshot of the run's socket."""
    session = log_in(run.tenant_id)

    async def conversation() -> None:
        page = await Page(session, headers=[(b"x-request-id", b"of-the-handshake")]).enter(
            f"run:{run.pk}"
        )
        assert page.states[f"run:{run.pk}"]["trace_id"] == trace
        await page.leave()

    converse(conversation())


@pytest.mark.django_db(transaction=True)
def test_two_firings_have_two_ids_and_what_is_outside_of_them_none() -> None:
    with kept_lines() as lines:
        first = fired()
        with every_tenant("test"):
            Job.objects.all().delete()
        second = fired()
    assert first.trace_id != second.trace_id
    traces = {line.get("trace") for line in lines if line["logger"] == "jobs.runs"}
    assert traces >= {first.trace_id, second.trace_id}


@pytest.mark.django_db
def test_the_page_of_a_run_shows_its_trace(admin_client: Any) -> None:
    run = make_run()
    page = admin_client.get(f"/admin/jobs/jobrun/{run.pk}/change/").content.decode()
    assert f'id="run-trace">{run.trace_id}<' in page
    assert run.trace_id in admin_client.get("/admin/jobs/jobrun/").content.decode()
