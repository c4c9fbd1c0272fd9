"""Ends the work on steps of a run that was paused or cancelled: politely, then by their fence.

Work that is under way asks `check` between its requests, records and pages; a thread of the
process looks every second which of its steps are to stop. What does not ask for seconds, as it
waits for a slow answer or for one long statement, is taken from its worker as a dead worker's
steps are: what it still does cannot be committed.
"""

import logging
from datetime import timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from common.errors import PipelineError
from jobs import heartbeat, retries, sessions
from jobs.models import QueueEntry
from jobs.queue import WHOLE_QUEUE, as_claimed
from tenants.scope import every_tenant

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
CUT_AFTER: Final = timedelta(seconds=2)
"""How long a step may go on after it was asked to stop; with a sweep every two seconds it has
ended within five."""

_PAUSED: Final = "its run was paused while it was worked on"


class StopAskedError(PipelineError):
    """The run of the step was paused or cancelled: its work rolls back."""


def check() -> None:
    """Raise StopAskedError if the step that this thread works on is to stop."""
    if heartbeat.is_to_stop():
        raise StopAskedError("the run was paused or cancelled")


def stopping() -> QuerySet[QueueEntry]:
    """Return the running steps of runs that were paused or cancelled."""
    asked = Q(run__cancel_requested=True) | Q(run__paused_at__isnull=False)
    steps: QuerySet[QueueEntry] = QueueEntry.objects.filter(asked, state=QueueEntry.State.RUNNING)
    return steps


def stop(step: QueueEntry) -> bool:
    """Take a claimed step out of work: of a cancelled run for good, of a paused one for later.

    That is no attempt. Returns False if it is no longer as it was claimed.
    """
    with every_tenant(WHOLE_QUEUE):
        held = as_claimed(step)
        if stopping().filter(run__cancel_requested=True, **held).exists():
            return retries.cancel_step(held)
        return retries.give_back(step.pk, step.fence, step.leased_by, _PAUSED)


def stop_if_asked(step: QueueEntry) -> bool:
    """Stop a claimed step whose work failed, if its run is to stop; say whether it was.

    What failed may be its session, which `cut_off` ends: that is no attempt either.
    """
    with every_tenant(WHOLE_QUEUE):
        return stopping().filter(**as_claimed(step)).exists() and stop(step)


def cut_off() -> int:
    """Stop what was asked to long ago and has not; return how many steps. For the sweeper."""
    long_ago = timezone.now() - CUT_AFTER
    cut = 0
    with every_tenant(WHOLE_QUEUE):
        for step in stopping().filter(run__stop_asked_at__lt=long_ago).order_by("id")[:1000]:
            sessions.end_session(step)
            if stop(step):
                cut += 1
                logger.warning("step %s (%s) was cut off: its run is to stop", step.pk, step)
    return cut
