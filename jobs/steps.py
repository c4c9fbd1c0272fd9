"""Works one step: claim, do, complete or fail, then see whether the run is finished."""

import logging
from collections.abc import Callable
from typing import Final, TypeAlias

from django.db import DatabaseError, InterfaceError
from django.utils.module_loading import import_string

from jobs import heartbeat, isolation, queue, retries, runs
from jobs.control import stopping
from jobs.models import QueueEntry
from jobs.step_trace import on_behalf_of
from tenants.scope import tenant_scope

logger = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[QueueEntry], None]

HANDLERS: Final[dict[str, Handler]] = {}
"""By stage; a stage that is not here has `run_<stage>` in `jobs/actors/<stage>.py`."""


def work_next(stage: str, worker: str, *, hinted: bool = False) -> bool:
    """Claim the best due step of a stage and work it; return False if there is none.

    hinted: see `queue.claim`. Never raises what the step's work raised.
    """
    step = queue.claim(stage, worker, hinted=hinted)
    if step is None:
        return False
    work(step)
    return True


def work(step: QueueEntry) -> None:
    """Work a claimed step, here or in a process of its own, and keep its lease meanwhile."""
    with on_behalf_of(step), heartbeat.held(step):
        if not isolation.is_wanted(step):
            work_here(step)
            return
        try:
            isolation.work(step)
        except isolation.ProcessDiedError as error:
            if error.record is None or not retries.leave_out(step, error.record, str(error)):
                _failed(step, error)
            runs.finish_if_done(step.run_id)


def work_here(step: QueueEntry) -> None:
    """Work a claimed step in its tenant's scope, and finish its run if it was the last."""
    try:
        with tenant_scope(step.tenant_id):
            _handler(step.stage)(step)
    except queue.LostLeaseError as error:
        logger.warning("step %s: %s; its work was rolled back", step.pk, error)
        return
    except stopping.StopAskedError:
        logger.info("step %s (%s) stops: its run was paused or cancelled", step.pk, step)
        stopping.stop(step)
    except BaseException as error:
        _failed(step, error)
        if not isinstance(error, Exception):
            raise
    runs.finish_if_done(step.run_id)


def _failed(step: QueueEntry, error: BaseException) -> None:
    if isinstance(error, DatabaseError | InterfaceError) and stopping.stop_if_asked(step):
        logger.info("step %s (%s) was cut off: its run was paused or cancelled", step.pk, step)
        return
    logger.warning("step %s (%s) failed: %r", step.pk, step, error)
    retries.fail(step, error)


def _handler(stage: str) -> Handler:
    if stage not in HANDLERS:
        HANDLERS[stage] = import_string(f"jobs.actors.{stage}.run_{stage}")
    return HANDLERS[stage]
