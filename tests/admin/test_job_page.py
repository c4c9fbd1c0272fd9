"""The page of a job: runs compared, the schedule with what it comes to, the limits."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from jobs.models import Job, JobRun, Stage
from tenants.models import Role
from tenants.scope import tenant_scope
from tests.admin.test_jobs_page import add_integration, add_run, add_step, entered, fresh, world
from tests.admin.world import World, make_world

__all__ = ("world",)

pytestmark = pytest.mark.django_db

FILLED = {
    "how": "cron",
    "cron": "30 6 * * 1-5",
    "is_active": "on",
    "blackouts": "",
    "catch_up": "once",
    "retry_minutes": 15,
}


@pytest.fixture
def job(world: World) -> Job:
    return add_integration(world, "hub")


def page_of(job: Job, what: str = "change") -> str:
    return reverse(f"admin:jobs_job_{what}", args=(job.pk,))


def foreseen(client: Client, job: Job, **filled: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.post(page_of(job, "preview"), FILLED | filled).json()
    return answer


def test_runs_are_compared_and_one_that_took_long_stands_out(world: World, job: Job) -> None:
    runs = [add_run(job, "completed") for _ in range(4)]
    add_step(runs[0], Stage.LOAD, "done", row_count=2000)
    add_step(runs[1], Stage.LOAD, "done", row_count=500)
    with tenant_scope(job.tenant_id):
        ended = runs[3].started_at + timedelta(minutes=5)
        JobRun.objects.filter(pk=runs[3].pk).update(finished_at=ended)
    history = entered(world, Role.VIEWER).get(page_of(job)).context["history"]
    assert [past.run.pk for past in history] == [run.pk for run in reversed(runs)]
    assert [past.is_odd for past in history] == [True, False, False, False]
    assert [past.share for past in history] == [100, 25, 25, 25]
    assert [past.rows_share for past in history] == [0, 0, 25, 100]
    assert history[0].lasted == "5 min 0 s"


def test_what_a_schedule_comes_to_is_told_while_it_is_filled_in(world: World, job: Job) -> None:
    client = entered(world, Role.ADMIN)
    told = foreseen(client, job)
    assert told["words"].startswith("at 06:30, Monday through Friday")
    assert len(told["next"]) == 5
    assert all("06:30" in text for text in told["next"])
    assert fresh(job).cron == ""  # nothing is saved
    every = foreseen(client, job, how="interval", interval_minutes=90)
    assert every["words"] == "every 90 minutes"
    assert foreseen(client, job, how="none")["next"] == []


@pytest.mark.parametrize(
    ("wrong", "field", "told"),
    [
        ({"cron": "61 * * * *"}, "cron", "61"),
        ({"cron": ""}, "cron", "Give five fields"),
        ({"how": "interval"}, "interval_minutes", "Say after how many minutes"),
        ({"blackouts": "someday 1-2"}, "blackouts", "line 1"),
        ({"blackouts": "daily 00:00-24:00"}, "blackouts", "whole week"),
        ({"retry_minutes": -1}, "retry_minutes", "greater than or equal to 0"),
        ({"how": "sometimes"}, "how", "sometimes"),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_saved(
    world: World, job: Job, wrong: dict[str, Any], field: str, told: str
) -> None:
    client = entered(world, Role.ADMIN)
    assert told in foreseen(client, job, **wrong)["errors"][field][0]
    page = client.post(page_of(job, "schedule"), FILLED | wrong)
    assert page.status_code == 200
    assert told in str(page.context["form"].errors[field])
    assert fresh(job).cron == ""


def test_a_schedule_is_saved_planned_and_taken_back(world: World, job: Job) -> None:
    client = entered(world, Role.ADMIN)
    page = client.post(page_of(job, "schedule"), FILLED, follow=True)
    saved = fresh(job)
    assert saved.cron == "30 6 * * 1-5"
    assert saved.next_run_at is not None
    text = page.content.decode()
    assert "The schedule is saved." in text
    assert ">Undo</button>" in text
    client.post(page_of(job, "schedule"), {"how": "none", "catch_up": "once", "retry_minutes": 15})
    back = fresh(job)
    assert (back.cron, back.next_run_at) == ("", None)


def test_limits_are_set_taken_away_and_refused(world: World, job: Job) -> None:
    client = entered(world, Role.ADMIN)

    def limits() -> tuple[int | None, int | None]:
        with tenant_scope(job.tenant_id):
            row = Integration.objects.get(pk=job.integration_id)
            return row.max_parallel, row.requests_per_hour

    client.post(page_of(job, "limits"), {"max_parallel": "3", "requests_per_hour": "500"})
    assert limits() == (3, 500)
    for wrong in ({"max_parallel": "0"}, {"max_parallel": "many"}, {"requests_per_hour": "-5"}):
        page = client.post(page_of(job, "limits"), wrong, follow=True)
        assert "etl-toast-error" in page.content.decode()
        assert limits() == (3, 500)
    client.post(page_of(job, "limits"), {})
    assert limits() == (None, None)


def test_editors_start_and_watch_and_administrators_alone_set(world: World, job: Job) -> None:
    editor = entered(world, Role.EDITOR)
    text = editor.get(page_of(job)).content.decode()
    assert "Save the schedule" not in text
    assert "Start in another way" in text
    for what in ("schedule", "limits", "preview"):
        assert editor.post(page_of(job, what), FILLED).status_code == 403
    viewer = entered(world, Role.VIEWER).get(page_of(job)).content.decode()
    assert "Start in another way" not in viewer


def test_a_job_of_another_tenant_is_as_none(world: World) -> None:
    theirs = make_world("theirs")
    with tenant_scope(theirs.tenant.pk):
        job = Job.objects.first()
        before = list(Job.objects.values())
    assert job is not None
    client = entered(world, Role.ADMIN)
    for what in ("schedule", "limits", "preview"):
        foreign = client.post(page_of(job, what), FILLED)
        missing = client.post(reverse(f"admin:jobs_job_{what}", args=(987_654,)), FILLED)
        assert (foreign.status_code, foreign.content) == (404, missing.content)
    assert client.get(page_of(job)).status_code == 404
    with tenant_scope(theirs.tenant.pk):
        assert list(Job.objects.values()) == before
