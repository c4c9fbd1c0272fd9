"""Checkpoints: how far the parts of a stream are covered, moved only with the data they cover."""

from collections.abc import Sequence

from django.db.models import QuerySet

from integrations.contract import Ask, Mark
from integrations.models import Checkpoint
from jobs.models import JobRun, QueueEntry, Stage
from jobs.queue import as_claimed


def note(step: QueueEntry, ask: Ask, marks: Sequence[Mark]) -> None:
    """Keep the marks that an ask gave, in the transaction of its pages; they count later."""
    for mark in marks:
        Checkpoint.objects.update_or_create(
            integration_id=step.integration_id,
            stream=mark.stream,
            part=mark.part,
            defaults={
                "tenant_id": step.tenant_id,
                "pending": {"value": mark.value, "found_by": ask.part},
                "pending_run_id": step.run_id,
            },
        )


def promote(run: JobRun) -> int:
    """Let the marks of a run count of which no step was given up; return how many.

    Those of a part in which an ask is dead wait for the run that takes the ask up again.
    """
    lost = _parts(_dead(run))
    promoted = 0
    for checkpoint in Checkpoint.objects.filter(pending_run_id=run.pk):
        if checkpoint.pending["found_by"] in lost:
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


def hand_over(before: JobRun, run: JobRun) -> None:
    """Let the marks that wait for dead asks of one run wait for another, which takes them up.

    Those of parts that have to begin anew are dropped.
    """
    lost = _parts(_dead(before).filter(params__has_key="is_lost"))
    waiting = Checkpoint.objects.filter(pending_run_id=before.pk)
    anew = [each.pk for each in waiting if each.pending["found_by"] in lost]
    _forget(waiting.filter(pk__in=anew))
    waiting.update(pending_run_id=run.pk)


def forget_pending(run: JobRun) -> None:
    """Drop the marks of a run whose data was thrown away."""
    _forget(Checkpoint.objects.filter(pending_run_id=run.pk))


def _dead(run: JobRun) -> QuerySet[QueueEntry]:
    dead: QuerySet[QueueEntry] = QueueEntry.objects.filter(
        run=run, stage=Stage.EXTRACT, state=QueueEntry.State.DEAD, params__has_key="ask"
    )
    return dead


def _parts(steps: QuerySet[QueueEntry]) -> set[str]:
    return {params["ask"].get("part", "") for params in steps.values_list("params", flat=True)}


def _forget(checkpoints: QuerySet[Checkpoint]) -> None:
    checkpoints.update(pending=None, pending_run_id=None)
