"""On RabbitMQ, with workers and scheduler as processes: kills and purges lose nothing.

RabbitMQ is that of BROKER_URL, or amqp://guest:guest@127.0.0.1/ with a vhost of the tests' own.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import dramatiq
import pika
import pytest
from django.conf import settings as configured
from django.db import connection, transaction
from pytest_django import Settings

from etl_project import broker as project_broker
from jobs import queue, relay, steps, sweeper
from jobs.actors import ACTORS
from jobs.conductor import Conductor
from jobs.models import JobRun, QueueEntry, RunLog, Stage
from jobs.queue import NewStep
from tenants.scope import every_tenant
from tests.jobs.conftest import add_steps, fresh, run_state, until

VHOST = f"etl-test-{os.getpid()}"

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.rabbitmq]

on_postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="workers of their own need PostgreSQL"
)


def rabbitmqctl(*arguments: str) -> bool:
    """Run rabbitmqctl if it is there; say whether it did what was asked."""
    program = shutil.which("rabbitmqctl")
    if program is None:
        return False
    return subprocess.run([program, *arguments], capture_output=True, timeout=60).returncode == 0


@pytest.fixture(scope="module")
def broker_url() -> Iterator[str]:
    """A RabbitMQ to use, with a vhost that is removed afterwards where one can be made."""
    url = configured.BROKER_URL or "amqp://guest:guest@127.0.0.1/"
    made = not configured.BROKER_URL and rabbitmqctl("add_vhost", VHOST)
    if made:
        rabbitmqctl("set_permissions", "-p", VHOST, "guest", ".*", ".*", ".*")
        url += quote(VHOST, safe="")
    try:
        _reach(url)
        yield url
    finally:
        if made:
            rabbitmqctl("delete_vhost", VHOST)


def _reach(url: str) -> None:
    try:
        pika.BlockingConnection(pika.URLParameters(url)).close()
    except Exception as error:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse(f"RabbitMQ cannot be reached: {error!r}")


@pytest.fixture
def rabbit(broker_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dramatiq.Broker]:
    """A broker of this URL as the global one, with our actors and empty queues."""
    broker = project_broker.build(broker_url)
    monkeypatch.setattr(dramatiq, "get_broker", lambda: broker)
    for actor in ACTORS.values():
        broker.declare_actor(actor)
    broker.flush_all()
    yield broker
    broker.flush_all()
    broker.close()


def test_the_queues_of_all_stages_are_declared(rabbit: dramatiq.Broker) -> None:
    stages = ("extract", "index", "load", "transform")
    assert project_broker.declare_queues() == [f"etl.{stage}.v1" for stage in stages]
    assert project_broker.queue_depths() == dict.fromkeys(stages, 0)


def test_purged_hints_are_published_again(
    run: JobRun, rabbit: dramatiq.Broker, settings: Settings
) -> None:
    settings.STEP_REDISPATCH_SECONDS = 0
    add_steps(run, "page:1", "page:2", "page:3")
    assert relay.dispatch() == (3, False)
    assert relay.queue_depths()["transform"] == 3
    sweeper.sweep()
    assert relay.dispatch() == (0, False)
    rabbit.flush("etl.transform.v1")
    sweeper.sweep()
    assert relay.dispatch() == (3, False)
    assert relay.queue_depths()["transform"] == 3


def test_steps_go_through_rabbitmq_to_a_worker_and_the_run_ends(
    run: JobRun, rabbit: dramatiq.Broker, handlers: dict[str, steps.Handler]
) -> None:
    def completes(step: QueueEntry) -> None:
        with transaction.atomic():
            queue.complete(step)

    handlers[Stage.TRANSFORM] = completes
    worker = dramatiq.Worker(rabbit, worker_threads=2, worker_timeout=100)
    conductor = Conductor(sweep_seconds=0.2)
    worker.start()
    conductor.start()
    try:
        add_steps(run, *(f"page:{n}" for n in range(50)))
        until(lambda: run_state(run) == "completed")
    finally:
        conductor.stop()
        worker.stop()


@contextmanager
def process(broker_url: str, *command: str, **given: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a management command on this database and broker, in a process group of its own.

    given: what its environment has besides.
    """
    database = connection.settings_dict
    server = f"{database['HOST']}:{database['PORT'] or 5432}"
    user = f"{quote(database['USER'])}:{quote(database['PASSWORD'])}"
    environment = os.environ | {
        "DATABASE_URL": f"postgres://{user}@{server}/{database['NAME']}",
        "BROKER_URL": broker_url,
        "DJANGO_SETTINGS_MODULE": "tests.jobs.worker_settings",
        "STEP_LEASE_SECONDS": "2",
        "STEP_REDISPATCH_SECONDS": "2",
        **given,
    }
    root = Path(configured.BASE_DIR)
    arguments = [sys.executable, str(root / "manage.py"), *command]
    started = subprocess.Popen(arguments, env=environment, cwd=root, start_new_session=True)
    try:
        yield started
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
        started.wait(10)


@on_postgres
@pytest.mark.postgres
@pytest.mark.slow
def test_a_killed_worker_and_purged_queues_lose_no_step_and_repeat_no_effect(
    run: JobRun, rabbit: dramatiq.Broker, broker_url: str
) -> None:
    count = 200
    with every_tenant("test"):
        deadly = {"deadly": 1}
        queue.enqueue(
            run,
            [
                NewStep(Stage.TRANSFORM, "issues", f"page:{n}", deadly if n == 50 else {})
                for n in range(count)
            ],
        )
    with process(broker_url, "scheduler"):
        with process(broker_url, "worker", "--threads", "2") as first:
            assert first.wait(60) != 0
        rabbit.flush("etl.transform.v1")
        with process(broker_url, "worker", "--threads", "2"):
            until(lambda: run_state(run) != "running", 90)
    assert run_state(run) == "completed"
    with every_tenant("test"):
        assert QueueEntry.objects.filter(state="done").count() == count
        assert RunLog.objects.filter(message="effect").count() == count


@on_postgres
@pytest.mark.postgres
def test_sigterm_lets_a_running_step_end_and_stops_the_scheduler_at_once(
    run: JobRun, rabbit: dramatiq.Broker, broker_url: str, tmp_path: Path
) -> None:
    begun, end = tmp_path / "begun", tmp_path / "end"
    os.mkfifo(end)
    params = {"begun": str(begun), "end": str(end)}
    with every_tenant("test"):
        queue.enqueue(run, [NewStep(Stage.INDEX, "issues", "index:1", params)])
        (step,) = QueueEntry.objects.all()
    with (
        process(broker_url, "scheduler") as scheduler,
        process(broker_url, "worker", "--threads", "1", "--stages", "index") as worker,
    ):
        until(begun.exists)
        worker.send_signal(signal.SIGTERM)
        scheduler.send_signal(signal.SIGTERM)
        assert scheduler.wait(5) == 0
        assert worker.poll() is None
        end.write_bytes(b"")
        assert worker.wait(20) == 0
    assert (fresh(step).state, fresh(step).attempts) == ("done", 1)


@on_postgres
@pytest.mark.postgres
@pytest.mark.slow
@pytest.mark.parametrize(("deadly", "state"), [(2, "done"), (3, "dead")])
def test_the_last_attempt_of_a_deadly_step_kills_no_worker(
    run: JobRun, rabbit: dramatiq.Broker, broker_url: str, deadly: int, state: str
) -> None:
    with every_tenant("test"):
        queue.enqueue(run, [NewStep(Stage.TRANSFORM, "issues", "page:0", {"deadly": deadly})])
        innocent = [NewStep(Stage.TRANSFORM, "issues", f"page:{n}") for n in range(1, 20)]
    with process(broker_url, "scheduler"):
        for _ in range(2):
            with process(broker_url, "worker", "--threads", "2") as killed:
                assert killed.wait(60) != 0
        with every_tenant("test"):
            queue.enqueue(run, innocent)
        with process(broker_url, "worker", "--threads", "2") as last:
            until(lambda: run_state(run) != "running", 60)
            assert last.poll() is None
    with every_tenant("test"):
        step = QueueEntry.objects.get(key="page:0")
        assert (step.state, step.attempts, step.needs_isolation) == (state, 3, True)
        assert QueueEntry.objects.exclude(pk=step.pk).filter(state="done").count() == 19
    if state == "dead":
        assert "ended the process that worked on it (signal 9)" in step.error
        assert run_state(run) == "completed_with_errors"


@on_postgres
@pytest.mark.postgres
def test_a_worker_that_stops_gives_back_the_step_that_does_not_end_in_time(
    run: JobRun, rabbit: dramatiq.Broker, broker_url: str, tmp_path: Path
) -> None:
    begun, end = tmp_path / "begun", tmp_path / "end"
    os.mkfifo(end)
    with every_tenant("test"):
        params = {"begun": str(begun), "end": str(end)}
        queue.enqueue(run, [NewStep(Stage.INDEX, "issues", "index:1", params)])
        (step,) = QueueEntry.objects.all()
    with (
        process(broker_url, "scheduler"),
        process(
            broker_url,
            *("worker", "--threads", "1", "--stages", "index"),
            WORKER_STOP_SECONDS="1",
            STEP_LEASE_SECONDS="600",
        ) as worker,
    ):
        until(begun.exists)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0
        found = fresh(step)
    assert (found.state, found.attempts, found.leased_until) == ("queued", 0, None)
    assert "was stopped while it worked on this step" in found.error
