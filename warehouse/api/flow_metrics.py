"""Flow metrics: lead and cycle times by week or month."""

from datetime import date, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.etags import tagged
from tenants.api.fields import Serializer
from tenants.api.filters import IntegerFilter, StrictFilterBackend, TextFilter
from tenants.api.problems import bad_parameter
from tenants.api.views import ScopedView
from tenants.preferences import zone_names
from warehouse.api.rule_filters import TypeFilters
from warehouse.flow_report import SHARES, TIMES, By, flow, work_items
from warehouse.models import WorkItem

MOST_PERIODS: Final = 520
_WAYS: Final = ("month", "week")


class FlowFilters(TypeFilters):
    """Which work items count."""

    integration = IntegerFilter(label="Id of the integration.")
    project = TextFilter("project_key", label="Key of the project.")

    class Meta:
        model = WorkItem
        fields = ()


class PercentilesShown(Serializer):
    """Seconds: half, and 85 of 100, of the items took at most so long; null where none has it."""

    median = serializers.FloatField(allow_null=True)
    p85 = serializers.FloatField(allow_null=True)


class PeriodShown(Serializer):
    """A week, from Monday on, or a month. done: work items done in it."""

    start = serializers.DateField()
    done = serializers.IntegerField()
    lead_time_seconds = PercentilesShown()
    cycle_time_seconds = PercentilesShown()


class FlowShown(Serializer):
    """Flow by week or month. time_zone: the tenant's, in which days and periods are told."""

    by = serializers.ChoiceField(_WAYS)
    time_zone = serializers.CharField()
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    results = PeriodShown(many=True)


_EXAMPLE: Final = OpenApiExample(
    "A month",
    value={
        "by": "month",
        "time_zone": "Europe/Berlin",
        "first_day": "2026-02-01",
        "last_day": "2026-02-28",
        "results": [
            {
                "start": "2026-02-01",
                "done": 41,
                "lead_time_seconds": {"median": 1123200.0, "p85": 2505600.0},
                "cycle_time_seconds": {"median": 388800.0, "p85": 907200.0},
            }
        ],
    },
    response_only=True,
)


def _day(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(
        name, {"type": "string", "format": "date"}, OpenApiParameter.QUERY, description=description
    )


class FlowMetricsView(ScopedView):
    """Lead and cycle times by week or month."""

    filterset_class = FlowFilters
    extra_parameters = ("from", "to", "by")

    @extend_schema(
        summary="Read lead and cycle times by week or month",
        tags=["flow-metrics"],
        parameters=[
            _day("from", "First day; the first of the month eleven months ago if left out."),
            _day("to", "Last day; today if left out."),
            OpenApiParameter(
                "by",
                {"type": "string", "enum": list(_WAYS), "default": _WAYS[0]},
                OpenApiParameter.QUERY,
                description="Periods to tell.",
            ),
            *(
                OpenApiParameter(
                    name,
                    {"type": "integer" if isinstance(each, IntegerFilter) else "string"},
                    OpenApiParameter.QUERY,
                    description=str(each.label),
                )
                for name, each in FlowFilters.base_filters.items()
            ),
        ],
        responses=FlowShown,
        examples=[_EXAMPLE],
    )
    def get(self, request: Request) -> Response:
        """Work items by the period in which they were done, with exact medians of their times.

        What each time means is told in docs/metrics.md. Tombstones do not count.
        """
        zone = self._zone()
        by = _way(request)
        today = timezone.now().astimezone(zone).date()
        last = _date(request, "to", today)
        first = _date(request, "from", _months_before(last, 11))
        if first > last:
            raise bad_parameter("from", "give a day that is not after `to`")
        if (last - first) / timedelta(days=7) > MOST_PERIODS:
            raise bad_parameter("from", f"give at most {MOST_PERIODS} weeks before `to`")
        rows = StrictFilterBackend().filter_queryset(request, work_items(), self)
        periods = flow(rows, first, last, by, zone)
        found: dict[str, Any] = {
            "by": by,
            "time_zone": zone.key,
            "first_day": first,
            "last_day": last,
            "results": [
                {
                    "start": period.start,
                    "done": period.done,
                    **{
                        name: {share: period.percentiles[name, share] for share in SHARES}
                        for name in TIMES
                    },
                }
                for period in periods
            ],
        }
        return tagged(request, FlowShown(found).data)

    def _zone(self) -> ZoneInfo:
        name = self.tenant.time_zone
        return ZoneInfo(name if name in zone_names() else "UTC")


def _way(request: Request) -> By:
    way = request.query_params.get("by", _WAYS[0])
    if way not in _WAYS:
        raise bad_parameter("by", f"give one of {', '.join(_WAYS)}")
    return cast(By, way)


def _date(request: Request, name: str, default: date) -> date:
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise bad_parameter(name, "give a day as 2026-02-28") from None
    if not 1900 <= day.year <= 2200:
        raise bad_parameter(name, "give a day from 1900 to 2200")
    return day


def _months_before(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)
