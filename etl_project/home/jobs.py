"""The job cards of Home: each integration with its health, last run, next run and progress."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, Q, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from etl_project.home.links import address
from integrations.models import Integration
from integrations.registry import connectors
from jobs.models import Job, JobRun, QueueEntry, Stage
from tenants.permissions import Access, Capability, access_of

SHOWN: Final = 30
_HEALTH: Final = {
    True: ("Works", "good"),
    False: ("Broken", "bad"),
    None: ("Not tested", "plain"),
}


@dataclass(frozen=True)
class JobCard:
    """An integration and its runs. percent: of the steps of the run known so far.

    records: read; rows: written; set_aside: quarantined; each by the last run. next_run_at: None
    without a schedule. run_now: where a run is started; empty for one fed by imports.
    """

    integration: Integration
    provider: str
    link: str
    logo: str
    health: str
    health_tone: str
    run: JobRun | None
    percent: int
    records: int
    rows: int
    set_aside: int
    dead: int
    lasted: str
    next_run_at: datetime | None
    run_now: str

    @property
    def is_running(self) -> bool:
        """Whether the run shown goes on."""
        return self.run is not None and self.run.state == JobRun.State.RUNNING


@dataclass(frozen=True)
class JobCards:
    """The cards, and whether there are more integrations than are shown."""

    cards: list[JobCard]
    has_more: bool

    @property
    def is_running(self) -> bool:
        """Whether any of the runs shown goes on."""
        return any(card.is_running for card in self.cards)


def job_cards(access: Access) -> JobCards:
    """Return the cards of the tenant in scope, active ones first; four queries however many."""
    small = (JobRun.Mode.REMAP, JobRun.Mode.REFETCH)
    last = JobRun.objects.filter(integration=OuterRef("pk")).exclude(mode__in=small)
    found = list(
        Integration.objects.order_by("-is_active", "name").annotate(
            last_run=Subquery(last.order_by("-id").values("pk")[:1])
        )[: SHOWN + 1]
    )
    shown = found[:SHOWN]
    runs = JobRun.objects.in_bulk([row.last_run for row in shown if row.last_run is not None])
    sums = _sums(runs)
    due = dict(
        Job.objects.filter(integration__in=shown, is_active=True).values_list(
            "integration_id", "next_run_at"
        )
    )
    may_run = access.may(Capability.RUN)
    cards = [
        _card(row, runs.get(row.last_run), sums.get(row.last_run, {}), due.get(row.pk), may_run)
        for row in shown
    ]
    return JobCards(cards, len(found) > SHOWN)


def _sums(run_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """Return counts of the steps of each run, by run id."""
    state = QueueEntry.State
    rows = (
        QueueEntry.objects.filter(run_id__in=run_ids)
        .values("run_id")
        .annotate(
            total=Count("id"),
            open=Count("id", filter=Q(state__in=QueueEntry.OPEN)),
            dead=Count("id", filter=Q(state=state.DEAD)),
            records=Sum("record_count", filter=Q(stage=Stage.TRANSFORM)),
            rows=Sum("row_count", filter=Q(stage=Stage.LOAD)),
            set_aside=Sum("quarantined_count"),
        )
    )
    return {row["run_id"]: row for row in rows}


def _card(
    row: Integration,
    run: JobRun | None,
    sums: dict[str, Any],
    next_run_at: datetime | None,
    may_run: bool,
) -> JobCard:
    connector = connectors().get(row.provider)
    health, tone = _HEALTH[row.is_healthy]
    total = sums.get("total", 0)
    done = total - sums.get("open", 0)
    may_start = may_run and row.is_active and bool(row.credentials)
    logo = address("integrations_integration_logo", row.pk) if row.logo_digest else ""
    return JobCard(
        integration=row,
        provider=connector.label if connector else row.provider,
        link=reverse("admin:integrations_integration_change", args=(row.pk,)),
        logo=f"{logo}?v={row.logo_digest}" if logo else "",
        health=health if row.is_active else "Inactive",
        health_tone=tone if row.is_active else "plain",
        run=run,
        percent=100 * done // total if total else 0,
        records=sums.get("records") or 0,
        rows=sums.get("rows") or 0,
        set_aside=sums.get("set_aside") or 0,
        dead=sums.get("dead", 0),
        lasted=_lasted(run),
        next_run_at=next_run_at,
        run_now=address("jobs_run_now", row.pk) if may_start else "",
    )


def _lasted(run: JobRun | None) -> str:
    """Return how long a run took, or has taken so far."""
    if run is None:
        return ""
    seconds = ((run.finished_at or timezone.now()) - run.started_at).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def job_cards_fragment(request: HttpRequest) -> HttpResponse:
    """Answer with the cards alone, which Home asks for again and again while it is open."""
    access = access_of(request)
    if access is None or access.current is None:
        raise PermissionDenied
    response = render(request, "admin/home/jobs.html", {"jobs": job_cards(access)})
    response["Cache-Control"] = "no-store"
    return response
