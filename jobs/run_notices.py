"""What is told of the end of a run: that it finished, failed, or finished after one that failed."""

from typing import Any, Final

from django.db.models import Count, Q, Sum

from common.redaction import KNOWN
from integrations.models import Integration
from jobs.models import JobRun, QueueEntry, Stage
from notices.events import Event
from notices.models import Notice
from notices.telling import tell
from notices.unmapped import tell_unmapped

_TOLD: Final = frozenset(JobRun.Mode) - {JobRun.Mode.REMAP, JobRun.Mode.REFETCH}
"""An edit says itself what became of it, and refetches of single items may come every second."""
_LONGEST: Final = 500
_ENDS: Final = (Event.RUN_FINISHED, Event.RUN_FAILED)


def tell_end(run: JobRun) -> None:
    """Write what there is to tell of a run that has just ended, in the transaction that ends it.

    run: with its state, error and end. Nothing of one that was cancelled: whoever did it knows.
    """
    if run.state == JobRun.State.CANCELLED or run.mode not in _TOLD:
        return
    integration = Integration.objects.get(pk=run.integration_id)
    is_failed = run.state == JobRun.State.FAILED
    events = [Event.RUN_FAILED if is_failed else Event.RUN_FINISHED]
    if not is_failed and _failed_before(run):
        events.append(Event.RUN_RECOVERED)
    payload = _payload(run, integration)
    assert run.finished_at is not None
    for event in events:
        tell(
            run.tenant_id,
            event,
            # A run that is replayed ends again.
            f"{event}:{run.pk}:{run.finished_at.isoformat()}",
            payload,
            integration_id=run.integration_id,
            occurred_at=run.finished_at,
        )
    tell_unmapped(integration, run.finished_at, f"run:{run.pk}")


def _failed_before(run: JobRun) -> bool:
    ends = Notice.objects.filter(
        tenant_id=run.tenant_id, integration_id=run.integration_id, event__in=_ENDS
    )
    last = ends.order_by("-id").values_list("event", flat=True).first()
    return last == Event.RUN_FAILED


def _payload(run: JobRun, integration: Integration) -> dict[str, Any]:
    assert run.finished_at is not None
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
            "finished_at": run.finished_at.isoformat(),
            **{name: count or 0 for name, count in counts.items()},
        },
        "integration": {
            "id": integration.pk,
            "name": integration.name,
            "provider": integration.provider,
        },
    }
