"""`manage.py requeue`: dead steps are listed and tried again, only those of the tenant."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction

from jobs import queue, runs, steps
from jobs.models import JobRun, QueueEntry, Stage
from tenants.scope import every_tenant
from tests.jobs.conftest import add_steps, fresh, make_run, run_state

pytestmark = pytest.mark.django_db(transaction=True)

is_mended = False


@pytest.fixture
def dead(run: JobRun, handlers: dict[str, steps.Handler]) -> QueueEntry:
    """A dead step of a run that is over; its handler works once `mend` was called."""

    def fails_until_mended(step: QueueEntry) -> None:
        if not is_mended:
            raise ValueError("the disk of the source is full")
        with transaction.atomic():
            queue.complete(step)

    mend(False)
    handlers[Stage.TRANSFORM] = fails_until_mended
    (step,) = add_steps(run, "page:1")
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=step.pk).update(attempts=2)
    steps.work_next(Stage.TRANSFORM, "me")
    assert fresh(step).state == "dead"
    assert run_state(run) == "failed"
    return step


def mend(mended: bool = True) -> None:
    global is_mended
    is_mended = mended


def requeue(*options: str) -> str:
    """Run the command for tenant acme; return what it wrote."""
    out = StringIO()
    call_command("requeue", "--tenant", "acme", *options, stdout=out)
    return out.getvalue()


def test_the_list_says_what_is_dead_and_why_and_does_nothing(dead: QueueEntry) -> None:
    told = requeue("--list")
    assert f"step {dead.pk}  run {dead.run_id}  jira-0  transform page:1: ValueError" in told
    assert json.loads(requeue("--list", "--json"))[0]["attempts"] == 3
    assert fresh(dead).state == "dead"


@pytest.mark.parametrize("choice", ["--step", "--run", "--all"])
def test_a_mended_step_is_tried_again_with_its_run(dead: QueueEntry, choice: str) -> None:
    given = {"--step": [str(dead.pk)], "--run": [str(dead.run_id)], "--all": []}[choice]
    mend()
    told = json.loads(requeue(choice, *given, "--json"))
    assert told == {"steps": [dead.pk], "runs": [dead.run_id]}
    assert (fresh(dead).state, fresh(dead).attempts) == ("queued", 0)
    assert run_state(dead.run) == "running"
    steps.work_next(Stage.TRANSFORM, "me")
    assert run_state(dead.run) == "completed"


def test_without_servers_the_command_works_the_steps_itself(dead: QueueEntry) -> None:
    mend()
    told = json.loads(requeue("--all", "--wait", "--json"))
    assert [run["state"] for run in told["runs"]] == ["completed"]


def test_a_step_that_dies_again_makes_the_exit_code_1(dead: QueueEntry) -> None:
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=dead.pk).update(params={})
    with pytest.raises(SystemExit) as ended, pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.STEP_MAX_ATTEMPTS", 1)
        requeue("--all", "--wait", "--json")
    assert ended.value.code == 1


def test_what_is_not_dead_or_not_the_tenants_is_refused_and_nothing_is_done(
    dead: QueueEntry,
) -> None:
    (foreign,) = add_steps(make_run("globex"), "page:1")
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=foreign.pk).update(state="dead")
    refused = []
    for number in (foreign.pk, 987654):
        with pytest.raises(CommandError) as error:
            requeue("--step", str(dead.pk), str(number))
        assert error.value.returncode == 2
        refused.append(str(error.value).replace(str(number), "N"))
    assert refused[0] == refused[1]
    assert fresh(dead).state == fresh(foreign).state == "dead"


def test_where_nothing_is_dead_that_is_said_and_is_no_fault(run: JobRun) -> None:
    assert "has no dead step" in requeue("--all")
    assert json.loads(requeue("--all", "--json")) == {"steps": [], "runs": []}


def test_a_step_waits_for_the_run_of_its_integration_that_goes_on(dead: QueueEntry) -> None:
    with every_tenant("test"):
        runs.start(dead.integration, JobRun.Trigger.MANUAL, JobRun.Mode.FULL)
    with pytest.raises(CommandError, match="while another run of its integration goes on"):
        requeue("--all")
    assert fresh(dead).state == "dead"
    assert run_state(dead.run) == "failed"
