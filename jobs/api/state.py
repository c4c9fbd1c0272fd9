"""How things stand, over the API: the queue, the processes that work it, and health."""

from typing import Any, Final

from django.db.models import Count, Min
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.models import Integration
from jobs import presence, site_health
from jobs.clock import database_now
from jobs.models import Process, QueueEntry, Stage
from tenants.api.fields import Serializer
from tenants.api.views import ScopedView

_OPEN_OR_DEAD: Final = (*QueueEntry.OPEN, QueueEntry.State.DEAD)


class QueueRow(Serializer):
    """Steps of one stage and state. oldest_seconds: how long ago the oldest of them was made."""

    stage = serializers.ChoiceField(choices=Stage.choices)
    state = serializers.ChoiceField(choices=QueueEntry.State.choices)
    depth = serializers.IntegerField()
    oldest_seconds = serializers.FloatField()


class QueueShown(Serializer):
    """The steps that are not done, of the tenant; without one, to operators, of all."""

    queue = QueueRow(many=True)


_QUEUE: Final = {
    "queue": [{"stage": "transform", "state": "queued", "depth": 12, "oldest_seconds": 3.2}]
}


class QueueView(ScopedView):
    """How much waits, and how long it has."""

    @extend_schema(
        summary="Tell the state of the queue",
        tags=["queue"],
        responses=QueueShown,
        examples=[OpenApiExample("Twelve wait", _QUEUE)],
    )
    def get(self, request: Request) -> Response:
        """Depth and oldest age by stage and state, without what is done or cancelled."""
        now = database_now()
        rows = (
            QueueEntry.objects.filter(state__in=_OPEN_OR_DEAD)
            .values("stage", "state")
            .order_by("stage", "state")
            .annotate(depth=Count("pk"), oldest=Min("created_at"))
        )
        told = [
            {**row, "oldest_seconds": max(0.0, round((now - row["oldest"]).total_seconds(), 1))}
            for row in rows
        ]
        return Response(QueueShown({"queue": told}).data)


def is_operator(view: ScopedView) -> bool:
    """Whether an operator of the platform asks."""
    return view.access is not None and view.access.is_operator


class ProcessShown(Serializer):
    """A process. stages: those that it works; empty: all. seen_seconds: since it last said
    that it is there; is_there: whether that is recent."""

    name = serializers.CharField()
    role = serializers.ChoiceField(choices=Process.Role.choices)
    host = serializers.CharField()
    stages = serializers.ListField(child=serializers.CharField())
    threads = serializers.IntegerField()
    version = serializers.CharField()
    memory_bytes = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField()
    seen_seconds = serializers.FloatField()
    is_there = serializers.BooleanField()


class WorkersShown(Serializer):
    """How many processes of each role are there. processes: to operators only, else empty."""

    workers = serializers.IntegerField()
    schedulers = serializers.IntegerField()
    webs = serializers.IntegerField()
    processes = ProcessShown(many=True)


def _is_there(each: presence.Seen) -> bool:
    return each.age_seconds <= presence.MAX_AGE_SECONDS


def _counts(seen: list[presence.Seen]) -> dict[str, int]:
    roles = [each.process.role for each in seen if _is_there(each)]
    return {f"{role.value}s": roles.count(role.value) for role in Process.Role}


class WorkersView(ScopedView):
    """The processes that work."""

    @extend_schema(
        summary="Tell which processes are there",
        tags=["queue"],
        responses=WorkersShown,
        examples=[
            OpenApiExample("Two", {"workers": 2, "schedulers": 1, "webs": 1, "processes": []})
        ],
    )
    def get(self, request: Request) -> Response:
        """Counts by role; to operators each process as it last said of itself."""
        seen = presence.seen()
        told: list[dict[str, Any]] = [
            {
                **{name: getattr(each.process, name) for name in _PROCESS},
                "stages": [stage for stage in each.process.stages.split(",") if stage],
                "seen_seconds": round(each.age_seconds, 1),
                "is_there": _is_there(each),
            }
            for each in (seen if is_operator(self) else ())
        ]
        return Response(WorkersShown({**_counts(seen), "processes": told}).data)


_PROCESS: Final = (
    "name",
    "role",
    "host",
    "threads",
    "version",
    "memory_bytes",
    "started_at",
    "seen_at",
)


class BrokenShown(Serializer):
    """An integration whose last test or run did not work."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    message = serializers.CharField()


HEALTH_STATES: Final = [("ok", "ok"), ("degraded", "degraded")]
SITE_STATES: Final = [*HEALTH_STATES, ("unavailable", "unavailable")]
DEPENDENCY_LEVELS: Final = [(each, each) for each in ("ok", "warning", "problem")]


class DependencyShown(Serializer):
    """A server, or what else the site needs. message: in words for everybody, without places."""

    name = serializers.CharField()
    level = serializers.ChoiceField(choices=DEPENDENCY_LEVELS)
    message = serializers.CharField()


class SiteShown(Serializer):
    """What the site needs, as /readyz tells it. status: `degraded` if something is missing without
    which it still answers, `unavailable` if not even that."""

    status = serializers.ChoiceField(choices=SITE_STATES)
    dependencies = DependencyShown(many=True)


class HealthShown(Serializer):
    """status: `ok`, or `degraded` if no worker or scheduler is there, a step is dead, or an
    integration is broken. site: told to operators, null to others."""

    status = serializers.ChoiceField(choices=HEALTH_STATES)
    workers = serializers.IntegerField()
    schedulers = serializers.IntegerField()
    dead_steps = serializers.IntegerField()
    broken_integrations = BrokenShown(many=True)
    site = SiteShown(allow_null=True)


_HEALTH: Final = {
    "status": "degraded",
    "workers": 2,
    "schedulers": 1,
    "dead_steps": 0,
    "broken_integrations": [{"id": 7, "name": "jira", "message": "the token is not valid"}],
    "site": None,
}
_SITE_DOWN: Final = {
    **_HEALTH,
    "broken_integrations": [],
    "site": {
        "status": "degraded",
        "dependencies": [
            {"name": "database", "level": "ok", "message": "ok"},
            {"name": "broker", "level": "problem", "message": "it does not answer"},
        ],
    },
}


class HealthView(ScopedView):
    """Whether all is well."""

    @extend_schema(
        summary="Tell whether all is well",
        tags=["health"],
        responses=HealthShown,
        examples=[
            OpenApiExample("A token that is not valid", _HEALTH),
            OpenApiExample("To an operator: no broker", _SITE_DOWN),
        ],
    )
    def get(self, request: Request) -> Response:
        """Of the processes and of the tenant's integrations; to operators of the servers, too.
        Probes ask /healthz and /readyz."""
        counts = _counts(presence.seen())
        dead = QueueEntry.objects.filter(state=QueueEntry.State.DEAD).count()
        broken = [
            {"id": row.pk, "name": row.name, "message": row.health_message}
            for row in Integration.objects.filter(is_active=True, is_healthy=False).order_by("pk")
        ]
        is_well = counts["workers"] and counts["schedulers"] and not dead and not broken
        told = {
            "status": "ok" if is_well else "degraded",
            "workers": counts["workers"],
            "schedulers": counts["schedulers"],
            "dead_steps": dead,
            "broken_integrations": broken,
            "site": site_health.report() if is_operator(self) else None,
        }
        return Response(HealthShown(told).data)
