"""`manage.py runs` and `manage.py steps` do what the buttons do, and only within the tenant."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from jobs.models import JobRun, QueueEntry
from tenants.scope import every_tenant
from tests.jobs.conftest import add_steps, fresh, make_run, run_state

pytestmark = pytest.mark.django_db(transaction=True)


def told(command: str, *words: str, tenant: str = "acme") -> str:
    out = StringIO()
    call_command(command, *words, "--tenant", tenant, stdout=out)
    return out.getvalue().strip()


def shown(command: str, *words: str) -> Any:
    return json.loads(told(command, *words, "--json"))


def test_a_run_is_paused_listed_shown_resumed_and_cancelled(run: JobRun) -> None:
    add_steps(run, "page:1", "page:2")
    ask = ("--run", str(run.pk))
    assert told("runs", "pause", *ask) == f"run {run.pk} is paused; 0 steps under way end first"
    assert "paused" in told("runs", "list")
    assert "Paused" in told("runs", "show", *ask)
    assert shown("runs", "resume", *ask) == {
        "run": run.pk,
        "state": "running",
        "is_paused": False,
        "steps": 2,
    }
    assert shown("runs", "show", *ask)["open"] == 2
    assert told("runs", "cancel", *ask) == f"run {run.pk} is cancelled; 2 steps are left out"
    assert run_state(run) == "cancelled"
    assert told("runs", "list") == "0 runs"
    assert shown("runs", "list", "--all")[0]["state"] == "cancelled"


def test_steps_are_listed_skipped_and_discarded(run: JobRun) -> None:
    first, second, third = add_steps(run, "page:1", "page:2", "page:3")
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=second.pk).update(state="dead", error="ValueError: bad\nat 1")
    assert told("steps", "list", "--state", "dead").startswith(
        f"step {second.pk}  run {run.pk}  transform page:2  dead: ValueError: bad"
    )
    told("steps", "skip", "--step", str(first.pk), "--reason", "known to be broken")
    told("steps", "discard", "--step", str(second.pk), "--reason", "no use")
    assert [fresh(step).state for step in (first, second, third)] == [
        "left_out",
        "left_out",
        "queued",
    ]


def test_what_is_wrong_is_refused_with_exit_code_2_and_changes_nothing(run: JobRun) -> None:
    first, second = add_steps(run, "page:1", "page:2")
    with every_tenant("test"):
        QueueEntry.objects.filter(pk=second.pk).update(state="dead")
    both = ("--step", str(first.pk), str(second.pk))
    for words, why in (
        (("runs", "pause"), "say which run"),
        (("runs", "pause", "--run", "987654"), "has no run 987654"),
        (("runs", "resume", "--run", str(run.pk)), "is not paused"),
        (("runs", "retry", "--run", "987654"), "has no run"),
        (("steps", "skip", "--reason", "x"), "say which steps"),
        (("steps", "skip", "--step", str(first.pk)), "say why"),
        (("steps", "skip", *both, "--reason", "x"), "cannot be skipped: it is dead"),
        (("steps", "discard", "--step", "987654", "--reason", "x"), "has no step 987654"),
    ):
        with pytest.raises(CommandError, match=why) as refused:
            told(*words)
        assert refused.value.returncode == 2
    assert [fresh(step).state for step in (first, second)] == ["queued", "dead"]


def test_runs_and_steps_of_another_tenant_are_not_there(run: JobRun) -> None:
    make_run("globex")
    (step,) = add_steps(run, "page:1")
    for words in (
        ("runs", "pause", "--run", str(run.pk)),
        ("runs", "show", "--run", str(run.pk)),
        ("steps", "skip", "--step", str(step.pk), "--reason", "x"),
    ):
        with pytest.raises(CommandError, match="tenant globex has no"):
            told(*words, tenant="globex")
    assert told("steps", "list", tenant="globex") == "0 steps"
    assert fresh(step).state == "queued"


def test_limits_are_shown_set_kept_and_taken_away(run: JobRun) -> None:
    ask = ("--integration", "jira-0")
    assert told("limits", *ask).startswith("jira-0: any number of steps read at once")
    told("limits", *ask, "--parallel", "3", "--hourly", "500")
    assert shown("limits", *ask, "--parallel", "none") == {
        "integration": "jira-0",
        "max_parallel": None,
        "requests_per_hour": 500,
    }
    for wrong in ("0", "many", "-1"):
        with pytest.raises(CommandError, match="number") as refused:
            told("limits", *ask, f"--parallel={wrong}")
        assert refused.value.returncode == 2
    assert shown("limits", *ask)["requests_per_hour"] == 500
