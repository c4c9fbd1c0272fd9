"""Home of an operator who looks at every tenant: a row a tenant, the queue, the processes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.models import Count, Max, Min, Q, TextField, Value
from django.db.models.functions import Cast, Concat, Now
from django.utils import timezone

from etl_project.home.figures import COUNTED
from integrations.models import Integration
from jobs import presence
from jobs.models import JobRun, QueueEntry, Stage
from mappings.models import StatusResolution, WitResolution
from tenants.models import Tenant

SHOWN: Final = 50
KEPT_SECONDS: Final = 30
_WEEK: Final = timedelta(days=7)
_COUNTED_TABLES: Final = (
    ("work_items", "deleted_at IS NULL"),
    ("pull_requests", "deleted_at IS NULL"),
    ("quarantined_records", "severity <> 'note'"),
)


@dataclass(frozen=True)
class TenantRow:
    """A tenant in numbers. failed: runs of the last seven days."""

    tenant: Tenant
    integrations: int
    broken: int
    items: str
    pulls: str
    quarantined: str
    unmapped: int
    failed: int
    running: int
    last_run: JobRun | None


@dataclass(frozen=True)
class StageRow:
    """Open steps of a stage over all tenants. due_since: when the oldest waiting was due."""

    stage: str
    queued: int
    running: int
    due_since: datetime | None


@dataclass(frozen=True)
class Platform:
    """All of it. processes: role, how many are there, how many have gone silent.

    is_embedded: everything runs in one process, which does not say of itself that it is there.
    """

    tenants: list[TenantRow]
    has_more: bool
    stages: list[StageRow]
    processes: list[tuple[str, int, int]]
    is_embedded: bool


def platform() -> Platform:
    """Return Home of the platform, in the scope of every tenant; queries do not grow with rows."""
    found = list(Tenant.objects.order_by("-is_active", "name")[: SHOWN + 1])
    return Platform(
        tenants=_rows(found[:SHOWN]),
        has_more=len(found) > SHOWN,
        stages=_stages(),
        processes=_processes(),
        is_embedded=not settings.BROKER_URL,
    )


def _rows(tenants: list[Tenant]) -> list[TenantRow]:
    ids = [tenant.pk for tenant in tenants]
    loaded = _loaded(ids)
    connected = _by_tenant(
        Integration.objects.filter(tenant__in=ids, is_active=True),
        total=Count("id"),
        broken=Count("id", filter=Q(is_healthy=False)),
    )
    runs = _by_tenant(
        JobRun.objects.filter(tenant__in=ids),
        last=Max("id"),
        running=Count("id", filter=Q(state=JobRun.State.RUNNING)),
        failed=Count(
            "id",
            filter=Q(state=JobRun.State.FAILED, started_at__gt=timezone.now() - _WEEK),
        ),
    )
    last = JobRun.objects.in_bulk([row["last"] for row in runs.values()])
    types = _unmapped(WitResolution, "type_source_id", ids)
    statuses = _unmapped(StatusResolution, "status_source_id", ids)
    return [
        TenantRow(
            tenant=tenant,
            integrations=connected.get(tenant.pk, {}).get("total", 0),
            broken=connected.get(tenant.pk, {}).get("broken", 0),
            items=_bounded(loaded[tenant.pk][0]),
            pulls=_bounded(loaded[tenant.pk][1]),
            quarantined=_bounded(loaded[tenant.pk][2]),
            unmapped=types.get(tenant.pk, 0) + statuses.get(tenant.pk, 0),
            failed=runs.get(tenant.pk, {}).get("failed", 0),
            running=runs.get(tenant.pk, {}).get("running", 0),
            last_run=last.get(runs.get(tenant.pk, {}).get("last")),
        )
        for tenant in tenants
    ]


def _by_tenant(rows: Any, **sums: Any) -> dict[int, dict[str, Any]]:
    return {row["tenant_id"]: row for row in rows.order_by().values("tenant_id").annotate(**sums)}


def _unmapped(occurring: Any, column: str, tenant_ids: list[int]) -> dict[int, int]:
    """Return how many values of sources have no rule, by tenant; each counts once a source."""
    rows = occurring.objects.filter(tenant__in=tenant_ids, mapping=None)
    value = Concat(
        Cast("integration_id", TextField()), Value(" "), column, output_field=TextField()
    )
    return {key: row["n"] for key, row in _by_tenant(rows, n=Count(value, distinct=True)).items()}


def _loaded(tenant_ids: list[int]) -> dict[int, tuple[int, ...]]:
    """Return counts of _COUNTED_TABLES by tenant, none further than one past COUNTED."""
    if not tenant_ids:
        return {}
    key = f"home-platform-{'-'.join(map(str, tenant_ids))}"
    kept: dict[int, tuple[int, ...]] | None = cache.get(key)
    if kept is not None:
        return kept
    counts = ", ".join(
        f"(SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {table}.tenant_id = tenants.id"
        f" AND {table}.{condition} LIMIT {COUNTED + 1}) AS counted)"
        for table, condition in _COUNTED_TABLES
    )
    places = ", ".join(["%s"] * len(tenant_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT tenants.id, {counts} FROM tenants WHERE tenants.id IN ({places})", tenant_ids
        )
        found = {row[0]: tuple(row[1:]) for row in cursor.fetchall()}
    cache.set(key, found, KEPT_SECONDS)
    return found


def _bounded(count: int) -> str:
    return f"{COUNTED:,}+" if count > COUNTED else f"{count:,}"


def _stages() -> list[StageRow]:
    state = QueueEntry.State
    rows = (
        QueueEntry.objects.filter(state__in=QueueEntry.OPEN)
        .order_by()
        .values("stage")
        .annotate(
            queued=Count("id", filter=Q(state=state.QUEUED)),
            running=Count("id", filter=Q(state=state.RUNNING)),
            due_since=Min("run_at", filter=Q(state=state.QUEUED, run_at__lte=Now())),
        )
    )
    by_stage = {row["stage"]: row for row in rows}
    nothing = {"queued": 0, "running": 0, "due_since": None}
    return [
        StageRow(stage.label, row["queued"], row["running"], row["due_since"])
        for stage in Stage
        for row in (by_stage.get(stage.value, nothing),)
    ]


def _processes() -> list[tuple[str, int, int]]:
    """Return for each role how many processes are there, and how many have gone silent."""
    found = {role: [0, 0] for role in ("worker", "scheduler", "web")}
    for each in presence.seen():
        is_silent = each.age_seconds > presence.MAX_AGE_SECONDS
        found.setdefault(each.process.role, [0, 0])[int(is_silent)] += 1
    return [(role.capitalize(), there, silent) for role, (there, silent) in found.items()]
