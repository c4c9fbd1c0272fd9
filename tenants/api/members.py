"""Members of a tenant: who they are, and their roles."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import members
from tenants.api.etags import IF_MATCH, etag_of, require_match, tagged
from tenants.api.fields import ModelSerializer, Serializer
from tenants.api.filters import TextFilter
from tenants.api.history import note_change, note_deletion
from tenants.api.views import TenantViewSet
from tenants.models import Membership, Role
from tenants.permissions import Capability
from tenants.scope import tenant_scope

_GIVEN: Final = OpenApiExample("Another role", {"role": "editor"}, request_only=True)
_SHOWN: Final = OpenApiExample(
    "A member",
    {
        "id": 12,
        "username": "anna@acme",
        "name": "Anna Arnold",
        "email": "anna@acme.example",
        "role": "editor",
        "last_login": "2026-01-02T03:04:05Z",
        "created_at": "2026-01-01T00:00:00Z",
    },
    response_only=True,
)
_EDITED: Final = ("role",)
"""What people edit; a login changes the rest."""


class MemberShown(ModelSerializer):
    """A member. last_login: to the admin, null before the first. created_at: of the membership."""

    username = serializers.CharField(source="user.username")
    name = serializers.CharField(source="user.get_full_name")
    email = serializers.CharField(source="user.email")
    last_login = serializers.DateTimeField(source="user.last_login", allow_null=True)

    class Meta:
        model = Membership
        fields = ("id", "username", "name", "email", "role", "last_login", "created_at")


class RoleGiven(Serializer):
    """What a member is to be."""

    role = serializers.ChoiceField(Role.choices)


class MemberFilters(django_filters.FilterSet):
    """What members are filtered by."""

    username = TextFilter(field_name="user__username")
    role = django_filters.ChoiceFilter(choices=Role.choices)

    class Meta:
        model = Membership
        fields = ()


@extend_schema(tags=["members"])
@extend_schema_view(list=extend_schema(summary="List members", examples=[_SHOWN]))
class MembersViewSet(ListModelMixin, TenantViewSet):
    """Who belongs to the tenant. New ones come by an invitation."""

    model = Membership
    serializer_class = MemberShown
    filterset_class = MemberFilters
    orderings = {"id": "pk", "username": "user__username", "created_at": "created_at"}
    capabilities = {
        "partial_update": Capability.EDIT_MEMBERS,
        "destroy": Capability.EDIT_MEMBERS,
    }

    def rows(self) -> QuerySet[Any]:
        return super().rows().select_related("user")

    @extend_schema(
        summary="Read a member", responses={200: MemberShown, 304: None}, examples=[_SHOWN]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One member."""
        return tagged(request, self.get_serializer(self.get_object()).data, edited=_EDITED)

    @extend_schema(
        summary="Change a member's role",
        request=RoleGiven,
        responses=MemberShown,
        examples=[_GIVEN, _SHOWN],
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give a member another role, which holds at their next request. The only administrator
        keeps theirs (409)."""
        given = RoleGiven(data=request.data)
        with self._locked(request) as row:
            given.is_valid(raise_exception=True)
            if given.validated_data["role"] != row.role:
                members.change_role(row, given.validated_data["role"])
                note_change(request, row, [{"changed": {"fields": ["role"]}}])
            return tagged(request, self.get_serializer(row).data, edited=_EDITED)

    @extend_schema(
        summary="Remove a member", request=None, responses={204: None}, parameters=[IF_MATCH]
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End a membership, and the API tokens of the member for this tenant. The account stays.
        The only administrator cannot be removed (409)."""
        with self._locked(request) as row:
            note_deletion(request, row)
            members.remove(row)
        return Response(status=204)

    @contextmanager
    def _locked(self, request: Request) -> Iterator[Membership]:
        """Give the row under its lock, in its tenant's scope; raise Problem (412) if it is
        another than the request knows."""
        found = self.get_object()
        with tenant_scope(found.tenant_id), transaction.atomic():
            rows = Membership.objects.select_for_update(of=("self",)).select_related("user")
            row: Membership = rows.get(pk=found.pk)
            require_match(request, etag_of(self.get_serializer(row).data, _EDITED))
            yield row
