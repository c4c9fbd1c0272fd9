"""The queue page: figures against rows, processes for operators alone, dead steps decided on."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from jobs import queue_status, relay
from jobs.models import JobRun, Process, QueueEntry, Stage
from tenants.models import Role
from tenants.scope import every_tenant, tenant_scope
from tests.admin.test_jobs_page import add_integration, add_run, entered, world
from tests.admin.world import World, make_world

__all__ = ("world",)

pytestmark = pytest.mark.django_db

PAGE = reverse("admin:jobs_queue")
DEAD = reverse("admin:jobs_queue_dead")


@pytest.fixture
def run(world: World) -> JobRun:
    with tenant_scope(world.tenant.pk):
        QueueEntry.objects.all().delete()
    return add_run(add_integration(world, "hub"), "running")


def add_step(run: JobRun, stage: Stage, state: str, **more: Any) -> QueueEntry:
    with tenant_scope(run.tenant_id):
        key = f"{stage}:{QueueEntry.objects.count()}"
        values = {"stream": key, "priority": 1, "run_at": timezone.now()} | more
        step: QueueEntry = QueueEntry.objects.create(
            tenant_id=run.tenant_id,
            run=run,
            integration_id=run.integration_id,
            stage=stage,
            key=key,
            state=state,
            **values,
        )
        return step


def states(*steps: QueueEntry) -> list[str]:
    with every_tenant("test"):
        by_id = QueueEntry.objects.in_bulk([step.pk for step in steps])
    return [by_id[step.pk].state for step in steps]


def test_lanes_are_what_the_rows_are(run: JobRun) -> None:
    now = timezone.now()
    add_step(run, Stage.TRANSFORM, "queued", run_at=now - timedelta(minutes=3))
    add_step(run, Stage.TRANSFORM, "queued", run_at=now + timedelta(hours=1))
    add_step(run, Stage.TRANSFORM, "running")
    add_step(run, Stage.TRANSFORM, "done", finished_at=now)
    old = add_step(run, Stage.LOAD, "dead", finished_at=now - timedelta(hours=2))
    with tenant_scope(run.tenant_id):
        QueueEntry.objects.filter(pk=old.pk).update(created_at=now - timedelta(hours=3))
        transform, load = queue_status.lanes()
    assert (transform.stage, transform.waiting, transform.due) == ("transform", 2, 1)
    assert (transform.running, transform.dead) == (1, 0)
    assert transform.oldest == now - timedelta(minutes=3)
    assert (transform.came, transform.went) == (0.8, 0.2)
    assert (load.stage, load.dead, load.came, load.went) == ("load", 1, 0, 0)


def test_a_member_sees_no_other_tenant_and_no_process(world: World, run: JobRun) -> None:
    make_world("theirs")
    add_step(run, Stage.EXTRACT, "queued")
    page = entered(world, Role.VIEWER).get(PAGE)
    assert page.context["workers"] is None
    assert {lane.tenant for lane in page.context["lanes"]} == {world.tenant.name}
    text = page.content.decode()
    assert "canarytheirs" not in text
    assert "Try again" not in text


def test_operators_see_what_each_process_works_on(run: JobRun) -> None:
    now = timezone.now()
    values = {"role": "worker", "host": "here", "version": "1", "started_at": now}
    for name, seen_at in (("here:1:a", now), ("here:2:b", now - timedelta(hours=1))):
        Process.objects.create(name=name, pid=1, seen_at=seen_at, memory_bytes=2**26, **values)
    step = add_step(run, Stage.LOAD, "running", leased_by="here:1:a", started_at=now)
    client = Client()
    client.force_login(User.objects.create(username="operator", is_superuser=True))
    there, silent = client.get(PAGE).context["workers"]
    assert (there.is_there, [work.step for work in there.works]) == (True, [step])
    assert there.memory_mib == 64
    assert (silent.is_there, silent.works) == (False, [])


def test_a_broker_that_is_away_is_told_with_what_it_means(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> dict[str, int]:
        raise ConnectionError("nobody listens")

    monkeypatch.setattr(relay, "queue_depths", away)
    text = entered(world, Role.VIEWER).get(PAGE).content.decode()
    assert "Does not answer" in text
    assert "Nothing is lost" in text
    assert "ConnectionError" not in text


def test_dead_steps_are_tried_again_one_some_or_all(world: World, run: JobRun) -> None:
    first, second, third = (add_step(run, Stage.TRANSFORM, "dead") for _ in range(3))
    load = add_step(run, Stage.LOAD, "dead")
    client = entered(world, Role.EDITOR)
    page = client.post(DEAD, {"action": "replay", "steps": [first.pk]}, follow=True)
    assert "1 step tried again." in page.content.decode()
    assert states(first, second, third, load) == ["queued", "dead", "dead", "dead"]
    client.post(DEAD, {"action": "replay", "all": 1, "stage": "transform"})
    assert states(second, third, load) == ["queued", "queued", "dead"]


def test_dead_steps_are_discarded_with_a_reason_only(world: World, run: JobRun) -> None:
    first, second = (add_step(run, Stage.TRANSFORM, "dead") for _ in range(2))
    client = entered(world, Role.EDITOR)
    page = client.post(DEAD, {"action": "discard", "all": 1}, follow=True)
    assert "Say why step" in page.content.decode()
    assert states(first, second) == ["dead", "dead"]
    client.post(DEAD, {"action": "discard", "all": 1, "reason": "no use"})
    assert states(first, second) == ["left_out", "left_out"]


def test_what_makes_no_sense_is_told(world: World, run: JobRun) -> None:
    client = entered(world, Role.EDITOR)
    page = client.post(DEAD, {"action": "eat"}, follow=True)
    assert "Choose what is to be done" in page.content.decode()
    page = client.post(DEAD, {"action": "replay", "steps": ["x", "9" * 30]}, follow=True)
    assert "No dead step is chosen" in page.content.decode()
    assert entered(world, Role.VIEWER).post(DEAD, {"action": "replay"}).status_code == 403


def test_dead_steps_of_another_tenant_are_as_none(world: World) -> None:
    theirs = make_world("theirs")
    foreign = theirs.row(QueueEntry)
    with tenant_scope(theirs.tenant.pk):
        QueueEntry.objects.filter(pk=foreign.pk).update(state="dead")
        before = list(QueueEntry.objects.values())
    client = entered(world, Role.ADMIN)
    for action in ("replay", "discard"):
        asked = {"action": action, "reason": "x"}
        answers = [
            client.post(DEAD, {**asked, "steps": [key]}, follow=True).context["messages"]
            for key in (foreign.pk, 987_654_321)
        ]
        told = [[str(message) for message in each] for each in answers]
        assert told[0] == told[1]
    with tenant_scope(theirs.tenant.pk):
        assert list(QueueEntry.objects.values()) == before
