"""The phases of a live run: each begins when nothing of the one before it is open any more.

resume: the asks that an earlier run gave up, if there are any; sync: the streams from their
checkpoints on; census: what is no longer at the source, and what was missed. The checkpoints
that a phase found count from its end on.

An ask that is given up once more when it is taken up does not keep the rest from being synced; its
own part waits for the next run. After some runs it is taken up no more, and its part is walked
from its checkpoint.
"""

from typing import Final

from django.db import transaction

from common.errors import PermanentError, UsageError
from integrations.models import Integration
from integrations.registry import connector_for
from jobs import checkpoints, remap_steps, retries
from jobs.asks import ask_steps, live_source
from jobs.checkpoints import CENSUS, SYNC
from jobs.models import JobRun, QueueEntry, Stage
from jobs.queue import NewStep, complete, enqueue

LIVE_MODES: Final = (JobRun.Mode.INCREMENTAL, JobRun.Mode.FULL, JobRun.Mode.BACKFILL)


def opening_step(phase: str) -> NewStep:
    """Return the step that asks the connector what a phase begins with."""
    params = {"begin": phase, "phase": phase}
    return NewStep(stage=Stage.EXTRACT, stream=phase, key=f"{phase}:begin", params=params)


def begin_step(step: QueueEntry) -> None:
    """Make the first asks of a phase."""
    phase = step.params["begin"]
    integration: Integration = Integration.objects.get(pk=step.integration_id)
    connector = connector_for(integration.provider)
    try:
        live = live_source(step.run, integration)
        asks = connector.census(live) if phase == CENSUS else connector.begin(live)
    except UsageError as error:
        raise PermanentError(str(error)) from error
    with transaction.atomic():
        complete(step, successors=ask_steps(asks, phase, is_opening=True))


def go_on(run: JobRun) -> bool:
    """Begin the next phase of a run in which nothing is open; return False if there is none.

    To be called under the lock of the run's row. Where something was given up there is no census,
    for that stands on all the rest.
    """
    if run.mode == JobRun.Mode.REMAP:
        return remap_steps.go_on(run)
    phases = run.params.get("phases", [])
    if not phases or run.cancel_requested:
        return False
    checkpoints.promote(run)
    following = phases[phases.index(run.params["phase"]) + 1 :]
    asked = QueueEntry.objects.filter(run=run, stage=Stage.EXTRACT)
    is_stuck = asked.filter(state__in=QueueEntry.GIVEN_UP).exists()
    if not following or (is_stuck and following[0] == CENSUS):
        return False
    run.params = {**run.params, "phase": following[0]}
    JobRun.objects.filter(pk=run.pk).update(params=run.params)
    enqueue(run, [opening_step(following[0])])
    retries.log_line(run.tenant_id, run.pk, _STUCK if is_stuck else _SAYS[following[0]])
    return True


_STUCK: Final = "Some of what was given up cannot be had now either; now what changed since"


_SAYS: Final = {
    SYNC: "What was given up is made up for; now what changed since",
    CENSUS: "All is loaded; now what is no longer at the source",
}
