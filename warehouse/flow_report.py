"""Flow by week or month: how many work items were done, and how long they took."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Aggregate, Count, FloatField, QuerySet
from django.db.models.functions import TruncMonth, TruncWeek

from warehouse.models import WorkItem

By: TypeAlias = Literal["week", "month"]
TIMES: Final = ("lead_time_seconds", "cycle_time_seconds")
SHARES: Final = {"median": 0.5, "p85": 0.85}
_TRUNCATED: Final[dict[By, Any]] = {"week": TruncWeek, "month": TruncMonth}


@dataclass(frozen=True)
class Period:
    """A week, from Monday on, or a month, as the tenant's zone has it.

    done: work items done in it. percentiles: seconds by time and share (`lead_time_seconds`,
    `p85`), None where no item has the time.
    """

    start: date
    done: int
    percentiles: dict[tuple[str, str], float | None]


class Percentile(Aggregate):
    """A percentile, interpolated between two values; PostgreSQL only."""

    function = "percentile_cont"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


def flow(rows: QuerySet[Any], first: date, last: date, by: By, zone: ZoneInfo) -> list[Period]:
    """Return every period that a day from first to last is in; of these days alone.

    rows: the work items that count, of those of the scope.
    """
    since = datetime.combine(first, time(), zone)
    until = datetime.combine(last + timedelta(days=1), time(), zone)
    done = rows.filter(done_at__gte=since, done_at__lt=until, deleted_at=None).order_by()
    placed = done.annotate(start=_TRUNCATED[by]("done_at", tzinfo=zone)).values("start")
    found = {
        period.start: period
        for period in (_summed(placed) if connection.vendor == "postgresql" else _counted(placed))
    }
    nothing = dict.fromkeys((name, share) for name in TIMES for share in SHARES)
    return [found.get(start, Period(start, 0, nothing)) for start in starts(first, last, by)]


def starts(first: date, last: date, by: By) -> Iterator[date]:
    """Yield when each period begins."""
    if by == "week":
        start = first - timedelta(days=first.weekday())
        while start <= last:
            yield start
            start += timedelta(days=7)
        return
    start = first.replace(day=1)
    while start <= last:
        yield start
        start = (start + timedelta(days=31)).replace(day=1)


def work_items() -> "QuerySet[WorkItem]":
    """Return the work items of the scope."""
    found: QuerySet[WorkItem] = WorkItem.objects.all()
    return found


def _summed(placed: QuerySet[Any]) -> Iterator[Period]:
    percentiles = {
        f"{name}_{share}": Percentile(name, share=part)
        for name in TIMES
        for share, part in SHARES.items()
    }
    for row in placed.annotate(done=Count("id"), **percentiles):
        yield Period(
            row["start"].date(),
            row["done"],
            {(name, share): row[f"{name}_{share}"] for name in TIMES for share in SHARES},
        )


def _counted(placed: QuerySet[Any]) -> Iterator[Period]:
    """Do the same where the database has no percentiles."""
    rows: dict[date, list[tuple[float | None, ...]]] = {}
    for start, *values in placed.values_list("start", *TIMES).iterator():
        rows.setdefault(start.date(), []).append(tuple(values))
    for start, found in rows.items():
        columns = {
            name: sorted(value for row in found if (value := row[place]) is not None)
            for place, name in enumerate(TIMES)
        }
        yield Period(
            start,
            len(found),
            {
                (name, share): percentile(values, part)
                for name, values in columns.items()
                for share, part in SHARES.items()
            },
        )


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return a percentile of ordered values as PostgreSQL's percentile_cont does."""
    if not values:
        return None
    if share == SHARES["median"]:
        return statistics.median(values)
    place = share * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (place - below)
