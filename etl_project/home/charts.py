"""Throughput and cycle time by month: what was done, and the exact median of how long it took."""

import json
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from tenants.models import Tenant
from tenants.preferences import zone_names

MONTHS: Final = 12
KEPT_SECONDS: Final = 60
_DAY: Final = 86_400

_MONTHS: Final = "months(month, since, until) AS (VALUES {values})"
_DONE: Final = (
    "FROM months JOIN work_items ON work_items.tenant_id = %s AND work_items.deleted_at IS NULL"
    " AND work_items.done_at >= months.since AND work_items.done_at < months.until"
)
_POSTGRESQL: Final = (
    f"WITH {_MONTHS} SELECT months.month, COUNT(*),"
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY work_items.cycle_time_seconds)"
    f" {_DONE} GROUP BY months.month"
)
# SQLite has no percentiles: of the ordered times of a month, the middle one or two.
_SQLITE: Final = (
    f"WITH {_MONTHS}, done AS (SELECT months.month, work_items.cycle_time_seconds AS took,"
    " ROW_NUMBER() OVER (PARTITION BY months.month, work_items.cycle_time_seconds IS NULL"
    " ORDER BY work_items.cycle_time_seconds) AS place,"
    " COUNT(work_items.cycle_time_seconds) OVER (PARTITION BY months.month) AS timed"
    f" {_DONE}) SELECT month, COUNT(*), AVG(CASE WHEN took IS NOT NULL"
    " AND place IN ((timed + 1) / 2, (timed + 2) / 2) THEN took END) FROM done GROUP BY month"
)


@dataclass(frozen=True)
class Month:
    """A month of the tenant's time zone. median_days: None if no item done in it has a time."""

    label: str
    done: int
    median_days: float | None


@dataclass(frozen=True)
class Charts:
    """Twelve months, and both charts as the components of unfold take them (JSON)."""

    months: list[Month]
    throughput: str
    cycle_time: str
    options: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing was done in any of the months."""
        return not any(month.done for month in self.months)


def charts(tenant: Tenant) -> Charts:
    """Return the charts of a tenant, at most a minute old."""
    zone = tenant.time_zone if tenant.time_zone in zone_names() else "UTC"
    key = f"home-charts-{tenant.pk}-{zone}-{timezone.now():%Y-%m}"
    months: list[Month] | None = cache.get(key)
    if months is None:
        months = by_month(tenant.pk, zoneinfo.ZoneInfo(zone))
        cache.set(key, months, KEPT_SECONDS)
    labels = [month.label for month in months]
    return Charts(
        months,
        _bars(labels, "Work items done", [month.done for month in months]),
        _bars(labels, "Median cycle time in days", [month.median_days for month in months]),
        _OPTIONS,
    )


def by_month(tenant_id: int, zone: zoneinfo.ZoneInfo, now: datetime | None = None) -> list[Month]:
    """Return this month of a tenant and the eleven before it, the oldest first."""
    starts = month_starts((now or timezone.now()).astimezone(zone))
    is_postgresql = connection.vendor == "postgresql"
    row = "(%s, %s::timestamptz, %s::timestamptz)" if is_postgresql else "(%s, %s, %s)"
    parameters: list[Any] = []
    for index in range(MONTHS):
        since, until = (_adapted(starts[index + step]) for step in (0, 1))
        parameters += [index, since, until]
    sql = (_POSTGRESQL if is_postgresql else _SQLITE).format(values=", ".join([row] * MONTHS))
    with connection.cursor() as cursor:
        cursor.execute(sql, [*parameters, tenant_id])
        found = {month: (done, median) for month, done, median in cursor.fetchall()}
    months = []
    for index in range(MONTHS):
        done, median = found.get(index, (0, None))
        days = None if median is None else round(median / _DAY, 2)
        months.append(Month(f"{starts[index]:%b %Y}", done, days))
    return months


def month_starts(now: datetime) -> list[datetime]:
    """Return when the last twelve months and the next one begin, in the zone of `now`."""
    first = now.year * 12 + now.month - MONTHS
    return [
        datetime((first + step) // 12, (first + step) % 12 + 1, 1, tzinfo=now.tzinfo)
        for step in range(MONTHS + 1)
    ]


def _adapted(moment: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(moment.astimezone(UTC))


def _bars(labels: list[str], title: str, values: list[Any]) -> str:
    bars = {
        "label": title,
        "data": values,
        "backgroundColor": "var(--color-primary-500)",
        "borderRadius": 3,
        "maxBarThickness": 34,
    }
    return json.dumps({"labels": labels, "datasets": [bars]})


_GREY: Final = "#7a828e"
_OPTIONS: Final = json.dumps(
    {
        "maintainAspectRatio": False,
        "animation": False,
        "plugins": {"legend": {"display": False}},
        "scales": {
            "x": {"grid": {"display": False}, "ticks": {"color": _GREY, "maxRotation": 0}},
            "y": {
                "beginAtZero": True,
                "border": {"display": False},
                "grid": {"color": "#7a828e33"},
                "ticks": {"color": _GREY, "maxTicksLimit": 5},
            },
        },
    }
)
