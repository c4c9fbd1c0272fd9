"""Live runs: started by hand or by schedule; they go on where the last one stopped."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from common.errors import UsageError
from integrations.models import Checkpoint, Integration
from jobs import checkpoints, phases, retries
from jobs.checkpoints import CENSUS, RESUME, SYNC
from jobs.models import Job, JobRun, QueueEntry, Stage
from jobs.queue import NewStep, enqueue
from jobs.runs import start
from tenants.models import Tenant
from tenants.scope import tenant_scope


class StillRunningError(UsageError):
    """A run of the integration goes on, and there may be only one at a time."""

    def __init__(self, run: JobRun) -> None:
        super().__init__(
            f"run {run.pk} of {run.integration.name} ({run.get_mode_display()}) still goes on: "
            "wait for it, or cancel it"
        )
        self.run = run


def start_sync(
    integration: Integration,
    mode: JobRun.Mode = JobRun.Mode.INCREMENTAL,
    trigger: JobRun.Trigger = JobRun.Trigger.MANUAL,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> JobRun:
    """Start a run that fetches from the source; raise UsageError that says why it cannot.

    since, until: the window of a backfill. An incremental run first takes up the asks that the
    last run gave up. In the scope of the integration's tenant.
    """
    _check(integration, mode, since, until)
    params: dict[str, object] = {}
    if mode == JobRun.Mode.BACKFILL:
        params["window"] = {
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
        }
    try:
        with transaction.atomic():
            return _start(integration, mode, trigger, params)
    except IntegrityError:
        running = running_sync(integration)
        if running is None:
            raise
        raise StillRunningError(running) from None


def _check(
    integration: Integration, mode: str, since: datetime | None, until: datetime | None
) -> None:
    if not integration.is_active:
        raise UsageError(f"integration {integration.name!r} is not active")
    if not integration.credentials:
        raise UsageError(
            f"integration {integration.name!r} has no credentials: add them to its connection, "
            "or import recordings instead"
        )
    if mode not in phases.LIVE_MODES:
        raise UsageError(f"{mode!r} fetches nothing; there are: {', '.join(phases.LIVE_MODES)}")
    if (since or until) and mode != JobRun.Mode.BACKFILL:
        raise UsageError("since and until are the window of a backfill: choose that mode")
    if mode == JobRun.Mode.BACKFILL and since is None:
        raise UsageError("a backfill needs since: from when on")
    if since and until and since >= until:
        raise UsageError("since must lie before until")


def _start(
    integration: Integration, mode: JobRun.Mode, trigger: JobRun.Trigger, params: dict[str, object]
) -> JobRun:
    before = _live_runs(integration).exclude(state=JobRun.State.RUNNING).first()
    run = start(integration, trigger, mode, params)
    resumed: list[NewStep] = []
    if mode == JobRun.Mode.INCREMENTAL and before is not None:
        resumed = [_again(step) for step in checkpoints.hand_over(before, run)]
    elif mode == JobRun.Mode.FULL:
        Checkpoint.objects.filter(integration=integration).update(pending=None, pending_run_id=None)
    planned = [SYNC] if mode == JobRun.Mode.BACKFILL else [SYNC, CENSUS]
    if resumed and before is not None:
        planned = [RESUME, *planned]
        told = f"{len(resumed)} asks that run {before.pk} gave up are taken up"
        retries.log_line(run.tenant_id, run.pk, told)
    run.params = {**params, "phases": planned, "phase": planned[0]}
    run.save(update_fields=["params"])
    enqueue(run, resumed or [phases.opening_step(planned[0])])
    return run


def running_sync(integration: Integration) -> JobRun | None:
    """Return the run of an integration that fetches from the source now, None if there is none."""
    return _live_runs(integration).filter(state=JobRun.State.RUNNING).first()


def _live_runs(integration: Integration) -> QuerySet[JobRun]:
    runs: QuerySet[JobRun] = JobRun.objects.filter(
        integration=integration, mode__in=phases.LIVE_MODES
    )
    return runs.order_by("-id")


def _again(step: QueueEntry) -> NewStep:
    """Return the step that takes up the ask of a dead one."""
    return NewStep(
        stage=Stage.EXTRACT,
        stream=step.stream,
        key=f"{RESUME}:{step.key.partition(':')[2]}",
        params={**step.params, "phase": RESUME},
    )


def start_scheduled(job: Job) -> JobRun:
    """Start what a job's schedule is for; see `schedule.fire`."""
    return start_sync(job.integration, trigger=JobRun.Trigger.SCHEDULE)


def find_integration(tenant: Tenant, name: str) -> Integration:
    """Return an integration of a tenant; raise UsageError naming those there are."""
    with tenant_scope(tenant.pk):
        found = Integration.objects.filter(tenant=tenant, name=name).first()
        if found is None:
            names = Integration.objects.filter(tenant=tenant).values_list("name", flat=True)
            known = ", ".join(names) or "none yet"
            raise UsageError(
                f"tenant {tenant.slug} has no integration {name!r}; there are: {known}"
            )
        integration: Integration = found
        return integration
