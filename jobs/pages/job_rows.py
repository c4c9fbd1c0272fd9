"""What is shown of a job in lists: its integration, its last runs, and what comes next."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Count, F, Q, Sum, Window
from django.db.models.functions import RowNumber
from django.urls import reverse
from django.utils import timezone

from common.errors import UsageError
from integrations.integration_pages import HEALTH, logo_html, provider_label
from jobs.agenda import next_run
from jobs.clock import database_now
from jobs.glances import RUN_TONES
from jobs.models import Job, JobRun, QueueEntry, Stage
from jobs.planning import plan_of
from tenants.permissions import Access, Capability

SMALL_MODES: Final = (JobRun.Mode.REMAP, JobRun.Mode.REFETCH)
"""Runs that say nothing of how the integration is doing."""
BARS: Final = 20
BAR_HEIGHT: Final = 28


@dataclass(frozen=True)
class RunCounts:
    """What the steps of a run did. Up to dead, numbers of steps; the rest: records and rows.

    reading: those that still read; pages: those that transform what was read.
    """

    total: int = 0
    reading: int = 0
    pages: int = 0
    pages_done: int = 0
    dead: int = 0
    records: int = 0
    rows: int = 0
    set_aside: int = 0


@dataclass(frozen=True)
class Bar:
    """A run in a picture of the last ones. x, height: in pixels; words: for who cannot see it."""

    x: int
    height: int
    tone: str
    words: str
    link: str


@dataclass(frozen=True)
class JobRow:
    """A job in a list. state, tone: in a word and as of tags; problem: of its schedule.

    bars: its last runs, the oldest first, as high as they took long. next_run_at: None without a
    schedule that starts anything. may: name of a button → its address, for what may be done now.
    """

    job: Job
    provider: str
    logo: str
    health: str
    health_tone: str
    state: str
    tone: str
    schedule: str
    problem: str
    run: JobRun | None
    counts: RunCounts
    lasted: str
    bars: Sequence[Bar]
    next_run_at: datetime | None
    may: dict[str, str]

    @property
    def is_running(self) -> bool:
        """Whether the last run goes on."""
        return self.run is not None and self.run.state == JobRun.State.RUNNING

    @property
    def percent(self) -> int | None:
        """The share of pages that is done with; as in `progress`, None while no total is known."""
        if self.run is None or not self.is_running:
            return 100
        phases = self.run.params.get("phases", [])
        is_last = not phases or self.run.params.get("phase") == phases[-1]
        counts = self.counts
        if not is_last or not counts.total or counts.reading:
            return None
        return min(99, 100 * counts.pages_done // counts.pages) if counts.pages else 99


def job_rows(jobs: Sequence[Job], access: Access, *, bars: int = BARS) -> list[JobRow]:
    """Return the rows of jobs, whose integration and tenant are loaded; two queries for all.

    bars: of how many runs there is a picture, the last one always being among them.
    """
    runs = _last_runs([job.pk for job in jobs], bars)
    newest = {key: of_job[-1] for key, of_job in runs.items()}
    counts = counts_of([run.pk for run in newest.values()])
    now = database_now()
    return [
        _row(job, runs.get(job.pk, []), newest.get(job.pk), counts, now, access) for job in jobs
    ]


def _last_runs(job_ids: Collection[int], most: int) -> dict[int, list[JobRun]]:
    """Return the last runs of each job, the oldest first."""
    numbered = (
        JobRun.objects.filter(job_id__in=job_ids)
        .exclude(mode__in=SMALL_MODES)
        .annotate(
            nth=Window(RowNumber(), partition_by=F("job_id"), order_by=F("id").desc()),
        )
        .filter(nth__lte=most)
    )
    runs: dict[int, list[JobRun]] = {}
    for run in sorted(numbered, key=lambda run: run.pk):
        runs.setdefault(run.job_id, []).append(run)
    return runs


def counts_of(run_ids: Collection[int]) -> dict[int, RunCounts]:
    """Return what the steps of each run did, by run id, in one query."""
    state = QueueEntry.State
    pages = Q(stage=Stage.TRANSFORM) & ~Q(state=state.CANCELLED)
    rows = (
        QueueEntry.objects.filter(run_id__in=run_ids)
        .order_by()
        .values("run_id")
        .annotate(
            total=Count("id"),
            reading=Count("id", filter=Q(stage=Stage.EXTRACT, state__in=QueueEntry.OPEN)),
            pages=Count("id", filter=pages),
            pages_done=Count("id", filter=pages & Q(state__in=(state.DONE, state.LEFT_OUT))),
            dead=Count("id", filter=Q(state=state.DEAD)),
            records=Sum("record_count", filter=Q(stage=Stage.TRANSFORM)),
            rows=Sum("row_count", filter=Q(stage=Stage.LOAD)),
            set_aside=Sum("quarantined_count"),
        )
    )
    return {
        row.pop("run_id"): RunCounts(**{name: value or 0 for name, value in row.items()})
        for row in map(dict, rows)
    }


def _row(
    job: Job,
    runs: Sequence[JobRun],
    run: JobRun | None,
    counts: dict[int, RunCounts],
    now: datetime,
    access: Access,
) -> JobRow:
    integration = job.integration
    health, health_tone = HEALTH[integration.is_healthy]
    schedule, problem = _schedule(job)
    state, tone = state_of(job, run)
    return JobRow(
        job=job,
        provider=provider_label(integration),
        logo=logo_html(integration),
        health=health,
        health_tone=health_tone,
        state=state,
        tone=tone,
        schedule=schedule,
        problem=problem,
        run=run,
        counts=counts.get(run.pk, RunCounts()) if run is not None else RunCounts(),
        lasted=lasted(run),
        bars=_bars(runs),
        next_run_at=next_run(job, now) if integration.is_active else None,
        may=buttons_of(job, run, access),
    )


def state_of(job: Job, run: JobRun | None) -> tuple[str, str]:
    """Return how a job is doing, in a word, and the tone of its tag."""
    if not job.integration.is_active:
        return "Inactive", "plain"
    if run is None:
        return "Never run", "plain"
    if run.state == JobRun.State.RUNNING and run.paused_at is not None:
        return "Paused", "warning"
    return run.get_state_display(), RUN_TONES.get(run.state, "plain")


def _schedule(job: Job) -> tuple[str, str]:
    try:
        plan = plan_of(job)
    except UsageError as error:
        return "", str(error)
    return (plan.slots.words() if plan is not None else ""), ""


def buttons_of(job: Job, run: JobRun | None, access: Access) -> dict[str, str]:
    """Return the addresses of what may be done with a job now, by what the buttons are called."""
    integration = job.integration
    if not access.may(Capability.RUN):
        return {}
    if run is not None and run.state == JobRun.State.RUNNING:
        pause = "resume" if run.paused_at is not None else "pause"
        names = [pause] if not run.cancel_requested else []
        names += ["cancel"] if not run.cancel_requested else []
        return {name: reverse(f"admin:jobs_run_{name}", args=(run.pk,)) for name in names}
    if not (integration.is_active and integration.credentials):
        return {}
    return {"run": reverse("admin:jobs_run_now", args=(integration.pk,))}


def _bars(runs: Sequence[JobRun]) -> list[Bar]:
    took = [_seconds(run) for run in runs]
    longest = max(took, default=0.0) or 1.0
    return [
        Bar(
            x=6 * nth,
            height=max(3, round(BAR_HEIGHT * seconds / longest)),
            tone=RUN_TONES.get(run.state, "plain"),
            words=f"Run {run.pk}: {run.get_state_display().lower()}, {in_words(seconds)}",
            link=reverse("admin:jobs_jobrun_change", args=(run.pk,)),
        )
        for nth, (run, seconds) in enumerate(zip(runs, took, strict=True))
    ]


def _seconds(run: JobRun) -> float:
    return ((run.finished_at or timezone.now()) - run.started_at).total_seconds()


def lasted(run: JobRun | None) -> str:
    """Return how long a run took, or has taken so far; empty without one."""
    return in_words(_seconds(run)) if run is not None else ""


def in_words(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def job_state_choices() -> list[tuple[str, str]]:
    """Return the states that a list of jobs can be filtered by."""
    states: list[Any] = [("running", "Running"), ("paused", "Paused"), ("never", "Never run")]
    ended = [state for state in JobRun.State if state != JobRun.State.RUNNING]
    return [*states, *((state.value, f"Last run {state.label.lower()}") for state in ended)]
