"""Checks of the queue: what died, what nobody holds, what nobody dispatches, what was left."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Min, Q
from django.utils import timezone

from etl_project.checkup.finding import TIMEOUT_SECONDS, Finding, ok, problem, warning
from jobs.models import JobRun, QueueEntry
from jobs.relay import OUTSTANDING
from tenants.scope import every_tenant
from warehouse.models import StagedPage

LATE: Final = timedelta(minutes=1)
_SCHEDULER: Final = "is `manage.py scheduler` running? start it, or read its log"
_EMBEDDED: Final = "it goes on in the next `manage.py demo`, `import_raw` or `retransform`"


def health() -> Iterator[Finding]:
    """Check the steps and staged pages of every tenant, with a time limit for each question."""
    with every_tenant("the doctor looks at the whole queue"), time_limit():
        found = [*_dead(), *_expired(), *_undispatched(), *_left_behind()]
        still_open = QueueEntry.objects.filter(state__in=QueueEntry.OPEN).count()
    yield from found or [ok("queue", f"{still_open:,} open steps, none dead, none late")]


@contextmanager
def time_limit() -> Iterator[None]:
    """Bound each question on PostgreSQL; in SQLite a transaction would wait for the writer."""
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = {TIMEOUT_SECONDS * 1000}")
        yield


def _dead() -> Iterator[Finding]:
    dead = QueueEntry.objects.filter(state=QueueEntry.State.DEAD)
    newest = dead.select_related("run", "tenant").order_by("-id").first()
    if newest is None:
        return
    reason = (newest.error.strip() or "no reason").splitlines()[0]
    told = f"{dead.count():,} dead steps; the newest, step {newest.pk} of {newest.run}: {reason}"
    remedy = (
        "read the reasons in the admin under Queue, mend them, then run "
        f"`manage.py retransform --tenant {newest.tenant.slug}`, or the import again"
    )
    yield warning("queue", told, remedy)


def _expired() -> Iterator[Finding]:
    late = timezone.now() - LATE
    expired = QueueEntry.objects.filter(state=QueueEntry.State.RUNNING, leased_until__lt=late)
    if count := expired.count():
        told = f"{count:,} steps are held by workers that stopped answering over a minute ago"
        yield _late(told)


def _undispatched() -> Iterator[Finding]:
    """Steps that are due, in a lane that has room: there the relay leaves nothing waiting."""
    queued = QueueEntry.objects.filter(
        state=QueueEntry.State.QUEUED, run__cancel_requested=False, run__paused_at=None
    )
    late = Q(dispatched_at=None, run_at__lt=timezone.now() - LATE)
    lanes = queued.order_by().values("stage", "priority")
    counted = lanes.annotate(
        late=Count("pk", filter=late),
        since=Min("run_at", filter=late),
        under_way=Count("pk", filter=Q(dispatched_at__isnull=False)),
    )
    waiting = [lane for lane in counted if lane["late"] and lane["under_way"] < OUTSTANDING]
    if waiting:
        count = sum(lane["late"] for lane in waiting)
        since = min(lane["since"] for lane in waiting)
        told = f"{count:,} steps are due and not dispatched, the first since {since:%Y-%m-%d %H:%M}"
        yield _late(f"{told} UTC")


def _late(told: str) -> Finding:
    if settings.BROKER_URL:
        return problem("queue", told, _SCHEDULER)
    return warning("queue", told, _EMBEDDED)


def _left_behind() -> Iterator[Finding]:
    running = JobRun.objects.filter(state=JobRun.State.RUNNING)
    left = StagedPage.objects.exclude(run_id__in=running.values("pk"))
    count = left.count()
    if not count:
        return
    run_ids = sorted(set(left.order_by().values_list("run_id", flat=True).distinct()))
    told = f"{count:,} staged pages are left of runs that ended: {', '.join(map(str, run_ids[:5]))}"
    remedy = "their load is dead: mend its reason, then run `manage.py retransform`"
    yield warning("queue", told, remedy)
