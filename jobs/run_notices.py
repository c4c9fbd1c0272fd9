"""What is told of the end of a run: that it finished, failed, or finished after one that failed."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Count, Q, Sum

from common.redaction import KNOWN
from common.tracing import bind
from integrations.models import Integration
from jobs.models import JobRun, QueueEntry, Stage
from notices.events import Event
from notices.models import Notice
from notices.telling import tell
from notices.unmapped import tell_unmapped

logger = logging.getLogger(__name__)

_TOLD: Final = frozenset(JobRun.Mode) - {JobRun.Mode.REMAP, JobRun.Mode.REFETCH}
"""An edit says itself what became of it, and refetches of single items may come every second: of
them the first failure is told."""
_LONGEST: Final = 500
_ENDS: Final = (Event.RUN_FINISHED, Event.RUN_FAILED)


def tell_end(run: JobRun) -> None:
    """Write what there is to tell of a run that has just ended, in the transaction that ends it.

    run: with its state, error and end. Nothing of one that was cancelled: whoever did it knows.
    Only the notice of the end itself keeps a run from ending if it cannot be written.
    """
    is_failed = run.state == JobRun.State.FAILED
    is_news = is_failed and run.mode == JobRun.Mode.REFETCH and not _failed_before(run)
    if run.state == JobRun.State.CANCELLED or (run.mode not in _TOLD and not is_news):
        return
    integration = Integration.objects.get(pk=run.integration_id)
    is_recovered = not is_failed and _failed_before(run)
    payload = _payload(run, integration)
    _tell(run, Event.RUN_FAILED if is_failed else Event.RUN_FINISHED, payload)
    if is_recovered:
        _aside(run, lambda: _tell(run, Event.RUN_RECOVERED, payload))
    ended_at = _end(run)
    _aside(run, lambda: tell_unmapped(integration, ended_at, f"run:{run.pk}"))


def _tell(run: JobRun, event: Event, payload: dict[str, Any]) -> None:
    tell(
        run.tenant_id,
        event,
        # A run that is replayed ends again.
        f"{event}:{run.pk}:{_end(run).isoformat()}",
        payload,
        integration_id=run.integration_id,
        occurred_at=run.finished_at,
    )


def _aside(run: JobRun, write: Callable[[], None]) -> None:
    """Write what a run can end without: if that fails, it is logged and undone by itself."""
    try:
        with transaction.atomic():
            write()
    except Exception:
        with bind(run.trace_id, tenant=run.tenant_id, run=run.pk):
            logger.exception("something could not be told of the end of a run")


def _end(run: JobRun) -> datetime:
    assert run.finished_at is not None
    return run.finished_at


def _failed_before(run: JobRun) -> bool:
    ends = Notice.objects.filter(
        tenant_id=run.tenant_id, integration_id=run.integration_id, event__in=_ENDS
    )
    last = ends.order_by("-id").values_list("event", flat=True).first()
    return last == Event.RUN_FAILED


def _payload(run: JobRun, integration: Integration) -> dict[str, Any]:
    counts = QueueEntry.objects.filter(run=run).aggregate(
        records=Sum("record_count", filter=Q(stage=Stage.TRANSFORM)),
        rows=Sum("row_count", filter=Q(stage=Stage.LOAD)),
        quarantined=Sum("quarantined_count"),
        dead_steps=Count("pk", filter=Q(state=QueueEntry.State.DEAD)),
    )
    return {
        "run": {
            "id": run.pk,
            "mode": run.mode,
            "trigger": run.trigger,
            "state": str(run.state),
            "error": KNOWN.redact(run.error.partition("\n")[0])[:_LONGEST],
            "started_at": run.started_at.isoformat(),
            "finished_at": _end(run).isoformat(),
            **{name: count or 0 for name, count in counts.items()},
        },
        "integration": {
            "id": integration.pk,
            "name": integration.name,
            "provider": integration.provider,
        },
    }
