"""Steps over the API: read, and replayed where they are dead."""

from collections.abc import Callable
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from common.errors import UsageError
from jobs.api.run_rows import STEP_EXAMPLE, DeadStepFilters, StepShown
from jobs.control.steps import LONGEST_REASON, discard, skip
from jobs.models import QueueEntry
from jobs.retries import replay
from tenants.api.fields import IntegerField, OwnField, Serializer, Text
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantViewSet
from tenants.permissions import Capability

MOST_STEPS: Final = 1000


def dead_steps() -> QuerySet[QueueEntry]:
    """Return the dead steps of the scope."""
    rows: QuerySet[QueueEntry] = QueueEntry.objects.filter(state=QueueEntry.State.DEAD)
    return rows


class ReplayGiven(Serializer):
    """Which steps are tried again: those of these ids, or all that are dead, of one run or
    integration where it is named, up to 1,000 at once."""

    ids = serializers.ListField(
        child=OwnField(dead_steps), required=False, min_length=1, max_length=100
    )
    run = IntegerField(required=False)
    integration = IntegerField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "ids" in attrs and len(attrs) > 1:
            raise serializers.ValidationError({"ids": ["Give ids, or a run or an integration."]})
        return attrs


class ReasonGiven(Serializer):
    """Why a step is left out; it is kept with the step and stands in the run's log."""

    reason = Text(max_length=LONGEST_REASON)


class ReplayShown(Serializer):
    """Which steps are queued again, and the runs that go on."""

    steps = serializers.ListField(child=serializers.IntegerField())
    runs = serializers.ListField(child=serializers.IntegerField())


_REPLAYED: Final = OpenApiExample("Two steps", {"steps": [815, 816], "runs": [42]})


_REASON: Final = OpenApiExample("A reason", {"reason": "the page is broken"}, request_only=True)


@extend_schema(tags=["queue"])
@extend_schema_view(retrieve=extend_schema(summary="Read a step", examples=[STEP_EXAMPLE]))
class StepsViewSet(RetrieveModelMixin, TenantViewSet):
    """A step of a run, whatever its state."""

    model = QueueEntry
    serializer_class = StepShown
    capabilities = {"skip": Capability.RUN, "discard": Capability.RUN}

    @extend_schema(
        summary="Skip a step",
        request=ReasonGiven,
        responses={202: StepShown},
        examples=[_REASON, STEP_EXAMPLE],
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def skip(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Leave out a step that waits; its run goes on without what it would have brought."""
        return _left_out(request, self.get_object(), skip)

    @extend_schema(
        summary="Discard a dead step",
        request=ReasonGiven,
        responses={202: StepShown},
        examples=[_REASON, STEP_EXAMPLE],
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def discard(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give it up for good; the next run reads again what it should have brought."""
        return _left_out(request, self.get_object(), discard)


@extend_schema(tags=["queue"])
@extend_schema_view(
    list=extend_schema(summary="List dead steps", examples=[STEP_EXAMPLE]),
    retrieve=extend_schema(summary="Read a dead step", examples=[STEP_EXAMPLE]),
)
class DeadStepsViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Steps that were given up, with the reason. The newest come first."""

    model = QueueEntry
    serializer_class = StepShown
    filterset_class = DeadStepFilters
    orderings = {"id": "pk"}
    default_ordering = "-id"
    capabilities = {"replay": Capability.RUN, "replay_some": Capability.RUN}

    def rows(self) -> QuerySet[Any]:
        return dead_steps()

    @extend_schema(
        summary="Replay a dead step",
        request=None,
        responses={202: ReplayShown},
        examples=[_REPLAYED],
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def replay(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Queue it again, with its attempts counted anew; its run goes on."""
        return _replayed([self.get_object()])

    @extend_schema(
        operation_id="dead_steps_replay_some",
        summary="Replay dead steps",
        request=ReplayGiven,
        responses={202: ReplayShown},
        examples=[
            OpenApiExample("Of one run", {"run": 42}, request_only=True),
            OpenApiExample("These", {"ids": [815, 816]}, request_only=True),
        ],
    )
    @action(detail=False, methods=["post"], url_path="replay")
    @idempotent
    def replay_some(self, request: Request) -> Response:
        """Queue dead steps again, all of them or none."""
        given = ReplayGiven(data=request.data)
        given.is_valid(raise_exception=True)
        chosen = given.validated_data
        if "ids" in chosen:
            return _replayed(chosen["ids"])
        rows = dead_steps().filter(**{f"{name}_id": value for name, value in chosen.items()})
        return _replayed(list(rows.order_by("pk")[:MOST_STEPS]))


def _left_out(
    request: Request, step: QueueEntry, leave_out: Callable[[QueueEntry, str, str], None]
) -> Response:
    given = ReasonGiven(data=request.data)
    given.is_valid(raise_exception=True)
    leave_out(step, given.validated_data["reason"], request.user.get_username())
    step.refresh_from_db()
    return Response(StepShown(step).data, status=202)


def _replayed(steps: list[QueueEntry]) -> Response:
    with transaction.atomic():
        again = [step for step in steps if replay(step)]
    if not again:
        raise UsageError("there is no dead step of that choice")
    runs = sorted({step.run_id for step in again})
    told = {"steps": [step.pk for step in again], "runs": runs}
    return Response(ReplayShown(told).data, status=202)
