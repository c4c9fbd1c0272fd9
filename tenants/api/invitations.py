"""Invitations: links by which somebody becomes a member, made here and shown once."""

from typing import Any, Final

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import invitations
from tenants.api.etags import tagged
from tenants.api.fields import IntegerField, ModelSerializer, Serializer, Text
from tenants.api.history import note_addition, note_deletion
from tenants.api.views import TenantViewSet
from tenants.models import Invitation, Role
from tenants.permissions import Capability
from tenants.scope import tenant_scope

_INVITATION: Final = {
    "id": 5,
    "name": "Ben Berger",
    "role": "viewer",
    "state": "open",
    "invited_by": "anna@acme",
    "accepted_by": None,
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-08T00:00:00Z",
    "accepted_at": None,
}
_GIVEN: Final = OpenApiExample(
    "For a week", {"name": "Ben Berger", "role": "viewer", "valid_days": 7}, request_only=True
)
_SHOWN: Final = OpenApiExample("An invitation", _INVITATION, response_only=True)
_MADE: Final = OpenApiExample(
    "A new invitation",
    {**_INVITATION, "link": "https://etl.example/admin/join/?token=…"},
    response_only=True,
    status_codes=["201"],
)


class InvitationShown(ModelSerializer):
    """An invitation. name: for whom it is. invited_by, accepted_by: names of accounts, null of
    one that is gone and before somebody accepts."""

    state = serializers.ChoiceField(Invitation.State.choices)
    invited_by = serializers.CharField(source="invited_by.username", allow_null=True, default=None)
    accepted_by = serializers.CharField(
        source="accepted_by.username", allow_null=True, default=None
    )

    class Meta:
        model = Invitation
        fields = (
            "id",
            "name",
            "role",
            "state",
            "invited_by",
            "accepted_by",
            "created_at",
            "expires_at",
            "accepted_at",
        )


class InvitationMade(InvitationShown):
    """A new invitation. link: to hand over; works once, kept nowhere, and not told again."""

    link = serializers.CharField()

    class Meta(InvitationShown.Meta):
        fields = (*InvitationShown.Meta.fields, "link")  # type: ignore[assignment]


class InvitationGiven(Serializer):
    """For whom, as what, for how long."""

    name = Text(max_length=200)
    role = serializers.ChoiceField(Role.choices, default=Role.VIEWER)
    valid_days = IntegerField(min_value=1, max_value=max(invitations.VALID_DAYS), default=7)


class InvitationFilters(django_filters.FilterSet):
    """What invitations are filtered by."""

    role = django_filters.ChoiceFilter(choices=Role.choices)

    class Meta:
        model = Invitation
        fields = ()


@extend_schema(tags=["members"])
@extend_schema_view(list=extend_schema(summary="List invitations", examples=[_SHOWN]))
class InvitationsViewSet(ListModelMixin, TenantViewSet):
    """Invitations to the tenant, those that were accepted or have expired, too."""

    model = Invitation
    serializer_class = InvitationShown
    filterset_class = InvitationFilters
    orderings = {"id": "pk", "name": "name", "expires_at": "expires_at"}
    capabilities = {"create": Capability.EDIT_MEMBERS, "destroy": Capability.EDIT_MEMBERS}

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("invited_by", "accepted_by")

    @extend_schema(
        summary="Read an invitation",
        responses={200: InvitationShown, 304: None},
        examples=[_SHOWN],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One invitation, without its link."""
        return tagged(request, self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Invite somebody",
        request=InvitationGiven,
        responses={201: InvitationMade},
        examples=[_GIVEN, _MADE],
    )
    def create(self, request: Request) -> Response:
        """Make an invitation. `link` is told in this answer only; whoever opens it first becomes a
        member, with an account they have or a new one. Nothing is sent to anybody."""
        given = InvitationGiven(data=request.data)
        given.is_valid(raise_exception=True)
        with transaction.atomic():
            row, token = invitations.make(
                self.tenant, **given.validated_data, invited_by=request.user
            )
            note_addition(request, row)
        link = request.build_absolute_uri(invitations.address_of(token))
        row.link = link  # type: ignore[attr-defined]
        shown = InvitationMade(row, context=self.get_serializer_context()).data
        return Response(shown, status=201, headers={"Cache-Control": "no-store"})

    @extend_schema(summary="Withdraw an invitation", request=None, responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Withdraw it: its link leads nowhere. Who became a member by it stays one."""
        row = self.get_object()
        with tenant_scope(row.tenant_id), transaction.atomic():
            note_deletion(request, row)
            row.delete()
        return Response(status=204)
