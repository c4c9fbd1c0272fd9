"""Cards: a run in a few figures, for pages that show many of them."""

from datetime import timedelta
from typing import Final, TypedDict

from django.db.models import Q, QuerySet
from django.utils import timezone

from jobs.models import JobRun
from jobs.progress import RunFigures, figures_of

RECENT: Final = timedelta(minutes=5)
"""For so long after its end a run is still among the cards."""
MOST: Final = 30


class RunCard(TypedDict):
    """A run in a few figures; each means what it means in RunFigures.

    job, integration: their ids. percent: None while nobody knows how much there is to come.
    """

    id: int
    job: int
    integration: int
    integration_name: str
    state: str
    state_label: str
    mode: str
    trigger: str
    is_paused: bool
    is_cancelling: bool
    is_finished: bool
    percent: int | None
    records: int
    rows: int
    quarantined: int
    dead: int
    rate: float
    seconds: float
    seconds_left: float | None
    waiting_until: str | None
    waiting_for: str
    started_at: str
    finished_at: str | None
    error: str


def card_of(run: JobRun, figures: RunFigures) -> RunCard:
    """Return the card of a run whose figures are known; its integration is read if need be."""
    return {
        "id": run.pk,
        "job": run.job_id,
        "integration": run.integration_id,
        "integration_name": run.integration.name,
        "state": figures["state"],
        "state_label": figures["state_label"],
        "mode": run.mode,
        "trigger": run.trigger,
        "is_paused": figures["is_paused"],
        "is_cancelling": figures["is_cancelling"],
        "is_finished": figures["is_finished"],
        "percent": figures["percent"],
        "records": figures["records"],
        "rows": figures["rows"],
        "quarantined": figures["quarantined"],
        "dead": figures["dead"],
        "rate": figures["rate"],
        "seconds": figures["seconds"],
        "seconds_left": figures["seconds_left"],
        "waiting_until": figures["waiting_until"],
        "waiting_for": figures["waiting_for"],
        "started_at": figures["started_at"],
        "finished_at": figures["finished_at"],
        "error": figures["error"][:500],
    }


def current(runs: QuerySet[JobRun]) -> QuerySet[JobRun]:
    """Return those of the runs that go on or ended within RECENT."""
    ended = Q(finished_at__gt=timezone.now() - RECENT)
    return runs.filter(Q(state=JobRun.State.RUNNING) | ended)


def cards_of(runs: QuerySet[JobRun]) -> dict[int, RunCard]:
    """Return the cards of the current ones of these runs by id, newest first, at most MOST."""
    newest = current(runs).select_related("integration").order_by("-id")[:MOST]
    return {run.pk: card_of(run, figures_of(run)) for run in newest}
