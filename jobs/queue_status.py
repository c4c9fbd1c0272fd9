"""The queue in figures: what waits and how long, what comes and goes, who works on what."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, Q
from django.utils import timezone

from jobs import presence, relay
from jobs.models import QueueEntry, Stage
from tenants.models import Tenant

WINDOW: Final = timedelta(minutes=5)
"""Over which steps in and out a minute are counted."""


@dataclass(frozen=True)
class Lane:
    """The steps of a stage and a tenant. waiting: queued, with those that are not due yet; oldest:
    since when the first of those that are due waits; came, went: a minute, over WINDOW."""

    stage: str
    label: str
    tenant: str
    waiting: int
    due: int
    running: int
    dead: int
    oldest: datetime | None
    came: float
    went: float


@dataclass(frozen=True)
class Work:
    """A step in hand. since: when it was claimed."""

    step: QueueEntry
    since: datetime | None


@dataclass(frozen=True)
class Worker:
    """A process, whether it was seen lately, and what it has in hand."""

    seen: presence.Seen
    is_there: bool
    works: list[Work]

    @property
    def memory_mib(self) -> int:
        """What it holds of memory, in MiB."""
        return self.seen.process.memory_bytes // 1024**2


@dataclass(frozen=True)
class BrokerState:
    """The broker. depths: hints that wait, by stage; None if it cannot be asked."""

    depths: dict[str, int] | None
    error: str

    @property
    def meaning(self) -> str:
        """What that means for the work."""
        if self.depths is None:
            return (
                "It does not answer. Nothing is lost, for the steps are in the database; but none "
                "is begun until it is back, and then all of them by themselves."
            )
        return "It carries hints to the workers; the steps themselves are in the database."


def lanes() -> list[Lane]:
    """Return the lanes of the scope that have steps, stage by stage; two queries."""
    now = timezone.now()
    since = now - WINDOW
    state = QueueEntry.State
    open_or_dead = Q(state__in=(state.QUEUED, state.RUNNING, state.DEAD))
    held = QueueEntry.objects.filter(open_or_dead).order_by().values("stage", "tenant_id")
    is_due = Q(state=state.QUEUED, run_at__lte=now)
    figures = {
        (row["stage"], row["tenant_id"]): row
        for row in held.annotate(
            waiting=Count("id", filter=Q(state=state.QUEUED)),
            due=Count("id", filter=is_due),
            running=Count("id", filter=Q(state=state.RUNNING)),
            dead=Count("id", filter=Q(state=state.DEAD)),
            oldest=Min("run_at", filter=is_due),
        )
    }
    came = _counted(QueueEntry.objects.filter(created_at__gte=since))
    went = _counted(QueueEntry.objects.filter(finished_at__gte=since))
    keys = figures.keys() | came.keys() | went.keys()
    names = dict(Tenant.objects.filter(pk__in={key for _, key in keys}).values_list("pk", "name"))
    order = list(Stage.values)
    minutes = WINDOW.total_seconds() / 60
    return [
        Lane(
            stage=stage,
            label=Stage(stage).label,
            tenant=names[tenant_id],
            waiting=figures.get((stage, tenant_id), {}).get("waiting", 0),
            due=figures.get((stage, tenant_id), {}).get("due", 0),
            running=figures.get((stage, tenant_id), {}).get("running", 0),
            dead=figures.get((stage, tenant_id), {}).get("dead", 0),
            oldest=figures.get((stage, tenant_id), {}).get("oldest"),
            came=round(came.get((stage, tenant_id), 0) / minutes, 1),
            went=round(went.get((stage, tenant_id), 0) / minutes, 1),
        )
        for stage, tenant_id in sorted(keys, key=lambda key: (order.index(key[0]), names[key[1]]))
    ]


def _counted(steps: Any) -> dict[tuple[str, int], int]:
    rows = steps.order_by().values_list("stage", "tenant_id").annotate(steps=Count("id"))
    return {(stage, tenant_id): count for stage, tenant_id, count in rows}


def workers() -> list[Worker]:
    """Return every process that said anything of itself within a day, with what it works on."""
    running = QueueEntry.objects.filter(state=QueueEntry.State.RUNNING)
    by_name: dict[str, list[Work]] = {}
    for step in running.select_related("integration").order_by("started_at")[:1000]:
        by_name.setdefault(step.leased_by, []).append(Work(step, step.started_at))
    return [
        Worker(each, each.age_seconds <= presence.MAX_AGE_SECONDS, works)
        for each in _by_role(presence.seen())
        for works in (by_name.get(each.process.name, []),)
    ]


def _by_role(seen: Iterable[presence.Seen]) -> list[presence.Seen]:
    return sorted(seen, key=lambda each: (each.process.role, each.process.name))


def broker_state() -> BrokerState:
    """Ask the broker how many hints wait; one that does not answer is told, not raised."""
    try:
        return BrokerState(relay.queue_depths(), "")
    except Exception as error:
        return BrokerState(None, type(error).__name__)
