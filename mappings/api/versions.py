"""History of the rules: change-sets, what each changed, taking back, comparing, restoring."""

from typing import Any, Final

import django_filters
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from mappings import editing, undo
from mappings.api.outcome import (
    APPLIED,
    PREPARING_EXAMPLE,
    ChangeSetTold,
    Outcome,
    answer,
    problems_told,
)
from mappings.api.preview import TABLES, RuleChangeShown, change_told
from mappings.book import RowChange
from mappings.effects import effects
from mappings.models import Change, ChangeSet
from tenants.api.fields import IntegerField, Serializer
from tenants.api.filters import IntegerFilter, TextFilter, TimeFilter, check_parameters
from tenants.api.idempotency import idempotent
from tenants.api.problems import Problem, bad_parameter
from tenants.api.views import TenantViewSet
from tenants.permissions import Capability

_SHOWN_CHANGES: Final = 1_000


class VersionShown(ChangeSetTold):
    """An edit of the rules: who, when, what. author: null of one that the system made."""

    origin = serializers.ChoiceField(ChangeSet.Origin.choices)
    author = IntegerField(source="author_id", allow_null=True)
    author_name = serializers.CharField()
    undoes = IntegerField(source="undoes_id", allow_null=True, help_text="Which it takes back.")
    created_at = serializers.DateTimeField()
    applied_at = serializers.DateTimeField(allow_null=True)


class VersionDetail(VersionShown):
    """An edit with what it changed."""

    change_count = IntegerField()
    changes = RuleChangeShown(many=True, help_text=f"The first {_SHOWN_CHANGES:,} of them.")


class Comparison(Serializer):
    """How the rules of two versions differ."""

    older = IntegerField()
    newer = IntegerField()
    change_count = IntegerField()
    changes = RuleChangeShown(many=True, help_text=f"The first {_SHOWN_CHANGES:,} of them.")


class VersionFilters(django_filters.FilterSet):
    """What edits can be filtered by."""

    version = IntegerFilter()
    state = django_filters.ChoiceFilter(choices=ChangeSet.State.choices)
    origin = django_filters.ChoiceFilter(choices=ChangeSet.Origin.choices)
    author_name = TextFilter()
    since = TimeFilter(field_name="created_at", lookup_expr="gte")
    until = TimeFilter(field_name="created_at", lookup_expr="lt")
    table = django_filters.ChoiceFilter(
        choices=[(slug, slug) for slug in TABLES],
        method="by_table",
        help_text="Of which it changed a row.",
    )

    class Meta:
        model = ChangeSet
        fields = ()

    def by_table(self, rows: Any, name: str, value: str) -> Any:
        """Keep those that changed a row of a table."""
        changes = Change.objects.filter(change_set_id=OuterRef("pk"), table=value.replace("-", "_"))
        return rows.filter(Exists(changes))


_EXAMPLE: Final = {
    **APPLIED,
    "origin": "form",
    "author": 8,
    "author_name": "Ada Byron",
    "undoes": None,
    "created_at": "2026-03-02T12:00:00Z",
    "applied_at": "2026-03-02T12:00:00Z",
}
_ACTION: Final[dict[str, Any]] = {
    "request": None,
    "responses": {200: Outcome, 202: Outcome},
    "filters": False,
    "examples": [
        OpenApiExample(
            "In effect", {"change_set": APPLIED}, response_only=True, status_codes=["200"]
        ),
        PREPARING_EXAMPLE,
    ],
}


@extend_schema(tags=["mappings"])
@extend_schema_view(
    list=extend_schema(
        summary="List the edits of the rules",
        examples=[OpenApiExample("An edit", _EXAMPLE, response_only=True)],
    )
)
class MappingVersionsViewSet(ListModelMixin, TenantViewSet):
    """Every edit of the rules, the newest first: by whomever, in whichever way."""

    model = ChangeSet
    serializer_class = VersionShown
    filterset_class = VersionFilters
    orderings = {"id": "pk", "created_at": "created_at"}
    default_ordering = "-id"
    capabilities = {
        "undo": Capability.EDIT_MAPPINGS,
        "restore": Capability.EDIT_MAPPINGS,
        "cancel": Capability.EDIT_MAPPINGS,
    }

    def rows(self) -> QuerySet[Any]:
        return ChangeSet.objects.all()

    @extend_schema(summary="Read an edit of the rules", responses=VersionDetail)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One edit, with each rule as it was before and is after it."""
        row = self.get_object()
        count = row.changes.aggregate(count=Count("pk"))["count"]
        changes = [
            change_told(RowChange(each.table, each.row_id, each.before, each.after))
            for each in row.changes.order_by("id")[:_SHOWN_CHANGES]
        ]
        told = {**VersionShown(row).data, "change_count": count, "changes": changes}
        return Response(told)

    @extend_schema(
        summary="Compare two versions of the rules",
        responses=Comparison,
        filters=False,
        parameters=[
            OpenApiParameter(
                "with", OpenApiTypes.INT64, description="Id of another edit; the newest without it."
            )
        ],
    )
    @action(detail=True, methods=["get"])
    def compare(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say how the rules after this edit and after another differ, from the older one on."""
        check_parameters(request, {"with"})
        own = _version_of(get_object_or_404(self.rows(), pk=self.kwargs["pk"]))
        other = self._other(request)
        older, newer = min(own, other), max(own, other)
        changes = undo.between(self.tenant.pk, older, newer)
        return Response(
            {
                "older": older,
                "newer": newer,
                "change_count": len(changes),
                "changes": [change_told(each) for each in changes[:_SHOWN_CHANGES]],
            }
        )

    def _other(self, request: Request) -> int:
        given = request.query_params.get("with")
        if given is None:
            return editing.current_version(self.tenant.pk)
        is_id = given.isascii() and given.isdecimal() and len(given) < 19
        row = self.rows().filter(pk=int(given)).first() if is_id else None
        if row is None:
            raise bad_parameter("with", "there is none with this id", "does_not_exist")
        return _version_of(row)

    @extend_schema(summary="Take an edit of the rules back", **_ACTION)
    @action(detail=True, methods=["post"])
    @idempotent
    def undo(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take an edit back exactly, as one more edit. 409 names later ones of the same rules."""
        row = self._of_tenant()
        with problems_told():
            return answer(undo.undo(row, editing.author_of(request.user)))

    @extend_schema(summary="Restore a version of the rules", **_ACTION)
    @action(detail=True, methods=["post"])
    @idempotent
    def restore(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make all rules what they were after this edit, as one more edit."""
        version = _version_of(self._of_tenant())
        with problems_told():
            author = editing.author_of(request.user)
            return answer(undo.restore(self.tenant.pk, version, author))

    @extend_schema(
        summary="Cancel an edit that is being prepared",
        request=None,
        responses={202: Outcome},
        filters=False,
        examples=[PREPARING_EXAMPLE],
    )
    @action(detail=True, methods=["post"])
    @idempotent
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Cancel the run that prepares an edit: the rules stay as they are. 409 if none does."""
        row = self._of_tenant()
        if row.state != ChangeSet.State.PREPARING:
            raise Problem(409, "conflict", f"“{row.summary}” is not being prepared any more.")
        effects().cancel(row)
        return Response({"change_set": ChangeSetTold(row).data}, status=202)

    def _of_tenant(self) -> ChangeSet:
        check_parameters(self.request, set())
        assert self.tenant  # raises for an operator who named none
        found: ChangeSet = self.get_object()
        return found


def _version_of(row: ChangeSet) -> int:
    if row.version is None:
        raise Problem(409, "conflict", f"“{row.summary}” is not in effect: it has no version.")
    return row.version
