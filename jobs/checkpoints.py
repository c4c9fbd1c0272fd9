"""Checkpoints: how far the parts of a stream are covered, moved only with the data they cover."""

from collections.abc import Sequence
from typing import Final

from django.db.models import QuerySet

from integrations.contract import Ask, Mark
from integrations.models import Checkpoint
from jobs.models import JobRun, QueueEntry, Stage
from jobs.queue import as_claimed

RESUME: Final = "resume"
SYNC: Final = "sync"
CENSUS: Final = "census"
MOST_TIMES_AGAIN: Final = 3
"""How often an ask is taken up that a source refuses while it answers others."""


def note(step: QueueEntry, ask: Ask, marks: Sequence[Mark]) -> None:
    """Keep the marks that an ask gave, in the transaction of its pages; they count later."""
    for mark in marks:
        Checkpoint.objects.update_or_create(
            integration_id=step.integration_id,
            stream=mark.stream,
            part=mark.part,
            defaults={
                "tenant_id": step.tenant_id,
                "pending": {
                    "value": mark.value,
                    "found_by": ask.part,
                    "phase": step.params["phase"],
                },
                "pending_run_id": step.run_id,
            },
        )


def promote(run: JobRun) -> int:
    """Let the marks of a run count of which no step was given up; return how many.

    Those of a part in which an ask of the same phase is dead wait for the run that takes the ask
    up again.
    """
    lost = _lost(_given_up(run))
    promoted = 0
    for checkpoint in Checkpoint.objects.filter(pending_run_id=run.pk):
        if (checkpoint.pending["phase"], checkpoint.pending["found_by"]) in lost:
            continue
        checkpoint.value, checkpoint.pending = checkpoint.pending["value"], None
        checkpoint.pending_run_id = None
        checkpoint.save(update_fields=["value", "pending", "pending_run_id", "updated_at"])
        promoted += 1
    return promoted


def lose_place(step: QueueEntry) -> None:
    """Note of a claimed step that its ask is not to be taken up: its walk has to begin anew."""
    params = {**step.params, "is_lost": True}
    QueueEntry.objects.filter(**as_claimed(step)).update(params=params)


def resumed_parts(run: JobRun) -> set[tuple[str, str]]:
    """Return (stream, part) of the walks that the next run goes on with, as this one could not."""
    if RESUME not in run.params.get("phases", ()):
        return set()
    dead = _dead(run).filter(params__phase=RESUME).exclude(params__has_key="is_lost")
    asks = (params["ask"] for params in dead.values_list("params", flat=True))
    return {(ask["stream"], ask.get("part", "")) for ask in asks}


def _taken_up(before: JobRun) -> list[QueueEntry]:
    """Return the dead steps of a run whose asks the next one is to take up.

    Not those of walks that have to begin anew, nor those that a sync begins with: it does both by
    itself. Nor those of the census. `again` in their params: how often an ask was given up by a
    source that did others.
    """
    asks = QueueEntry.objects.filter(run=before, stage=Stage.EXTRACT, params__has_key="ask")
    did_sync = asks.filter(state=QueueEntry.State.DONE, params__phase=SYNC).exists()
    steps = []
    for step in _dead(before).exclude(params__phase=CENSUS).order_by("id"):
        again = step.params.get("again", 0) + did_sync
        is_begun_anew = "is_lost" in step.params or "is_opening" in step.params
        if not is_begun_anew and again <= MOST_TIMES_AGAIN:
            step.params = {**step.params, "again": again}
            steps.append(step)
    return steps


def hand_over(before: JobRun, run: JobRun) -> list[QueueEntry]:
    """Let the marks that wait for dead asks of one run wait for another, which takes them up;
    return the steps of those.

    Marks of parts of which an ask is not taken up are dropped.
    """
    steps = _taken_up(before)
    left = _lost(_given_up(before).exclude(pk__in=[step.pk for step in steps]))
    for waiting in Checkpoint.objects.filter(pending_run_id=before.pk):
        if (waiting.pending["phase"], waiting.pending["found_by"]) in left:
            waiting.pending, waiting.pending_run_id = None, None
        else:
            waiting.pending = {**waiting.pending, "phase": RESUME}
            waiting.pending_run_id = run.pk
        waiting.save(update_fields=["pending", "pending_run_id", "updated_at"])
    return steps


def forget_pending(run: JobRun) -> None:
    """Drop the marks of a run whose data was thrown away."""
    Checkpoint.objects.filter(pending_run_id=run.pk).update(pending=None, pending_run_id=None)


def _given_up(run: JobRun) -> QuerySet[QueueEntry]:
    """Return the steps of asks that did not get their answer: dead, or left out by a person, or
    cancelled with a run that goes on again."""
    asks: QuerySet[QueueEntry] = QueueEntry.objects.filter(
        run=run, stage=Stage.EXTRACT, state__in=QueueEntry.GIVEN_UP, params__has_key="ask"
    )
    return asks


def _dead(run: JobRun) -> QuerySet[QueueEntry]:
    return _given_up(run).filter(state=QueueEntry.State.DEAD)


def _lost(steps: QuerySet[QueueEntry]) -> set[tuple[str, str]]:
    """Return the phases and parts of asks."""
    found = steps.values_list("params", flat=True)
    return {(params["phase"], params["ask"].get("part", "")) for params in found}
