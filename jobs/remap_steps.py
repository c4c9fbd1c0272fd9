"""The steps of a run that changes mappings: parts are prepared beside, then all is switched.

Prepare steps compute, part by part, the metrics that work items will have. When none is open the
last step puts the rules and what was prepared in effect, in one transaction: readers see all of
it or nothing. What was loaded meanwhile is computed anew there.
"""

from django.db import transaction

from common.errors import PermanentError, UsageError
from jobs.models import JobRun, QueueEntry, Stage
from jobs.queue import Counts, NewStep, complete, enqueue
from mappings.editing import abandon, complete_prepared
from mappings.models import ChangeSet
from tenants.permissions import Capability, access_for
from warehouse.prepared import forget_prepared, prepare_metrics

STREAM = "mappings"
_SWITCH = "switch"


def prepare_step(integration_id: int, first: int, last: int) -> NewStep:
    """Return the step that prepares the items of an integration with these ids."""
    return NewStep(
        stage=Stage.TRANSFORM,
        stream=STREAM,
        key=f"prepare:{integration_id}:{first}",
        params={"change_set": True, "integration": integration_id, "first": first, "last": last},
    )


def is_of_mappings(step: QueueEntry) -> bool:
    """Tell whether a step is of such a run."""
    return "change_set" in step.params


def prepare(step: QueueEntry) -> None:
    """Work a prepare step."""
    change_set = _change_set(step)
    place = (step.params["integration"], step.params["first"], step.params["last"])
    with transaction.atomic():
        looked_at, kept = prepare_metrics(change_set, *place)
        complete(step, Counts(records=looked_at, rows=kept))


def switch(step: QueueEntry) -> None:
    """Work the last step: put the change-set in effect."""
    change_set = _change_set(step)
    _check_author(change_set)
    with transaction.atomic():
        try:
            written = complete_prepared(change_set, step.run.params["seen_seq"])
        except UsageError as error:
            raise PermanentError(str(error)) from error
        forget_prepared(change_set)
        complete(step, Counts(rows=written))


def go_on(run: JobRun) -> bool:
    """Make the last step when all is prepared; return False if there is nothing more to do."""
    steps = QueueEntry.objects.filter(run=run)
    if run.cancel_requested or steps.filter(state=QueueEntry.State.DEAD).exists():
        return False
    switch_step = NewStep(stage=Stage.LOAD, stream=STREAM, key=_SWITCH, params={"change_set": True})
    return enqueue(run, [switch_step]) > 0


def ended(run: JobRun, state: str) -> None:
    """Give the change-set of a run up that did not put it in effect."""
    if state == JobRun.State.COMPLETED:
        return
    for change_set in ChangeSet.objects.filter(tenant_id=run.tenant_id, run_id=run.pk):
        abandon(change_set)
        forget_prepared(change_set)


def _check_author(change_set: ChangeSet) -> None:
    """Raise PermanentError if who made the edit may make none any more."""
    if change_set.author is None:
        return
    access = access_for(change_set.author, change_set.tenant_id)
    current = access.current if access else None
    is_there = current is not None and current.pk == change_set.tenant_id
    if access is None or not is_there or not access.may(Capability.EDIT_MAPPINGS):
        raise PermanentError(f"{change_set.author_name} may edit mappings no longer")


def _change_set(step: QueueEntry) -> ChangeSet:
    found: ChangeSet | None = (
        ChangeSet.objects.filter(run_id=step.run_id, state=ChangeSet.State.PREPARING)
        .select_related("author")
        .first()
    )
    if found is None:
        raise PermanentError("the change of mappings was given up, or is in effect already")
    return found
