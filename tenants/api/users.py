"""The accounts of the platform, for operators."""

from typing import Any, Final

import django_filters
from django.contrib.auth.models import User
from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import accounts
from tenants.api.etags import tagged
from tenants.api.fields import ModelSerializer
from tenants.api.filters import BooleanFilter, TextFilter
from tenants.api.history import note_change
from tenants.api.views import TenantViewSet
from tenants.permissions import Capability

_SHOWN: Final = OpenApiExample(
    "A user",
    {
        "id": 7,
        "username": "anna@acme",
        "name": "Anna Arnold",
        "email": "anna@acme.example",
        "is_active": True,
        "is_operator": False,
        "last_login": "2026-01-02T03:04:05Z",
        "created_at": "2026-01-01T00:00:00Z",
    },
    response_only=True,
)
_NOTE: Final = [{"changed": {"fields": ["is_active"]}}]


class UserShown(ModelSerializer):
    """An account."""

    name = serializers.CharField(source="get_full_name")
    email = serializers.CharField()
    is_operator = serializers.BooleanField(source="is_superuser")
    created_at = serializers.DateTimeField(source="date_joined")

    class Meta:
        model = User
        fields = (
            "id",
            "username",
            "name",
            "email",
            "is_active",
            "is_operator",
            "last_login",
            "created_at",
        )


class UserFilters(django_filters.FilterSet):
    """What accounts are filtered by."""

    username = TextFilter()
    is_active = BooleanFilter()
    is_operator = BooleanFilter(field_name="is_superuser")

    class Meta:
        model = User
        fields = ()


@extend_schema(tags=["users"])
@extend_schema_view(list=extend_schema(summary="List users", examples=[_SHOWN]))
class UsersViewSet(ListModelMixin, TenantViewSet):
    """Everybody who has an account, whichever tenants they belong to. For operators."""

    model = User
    serializer_class = UserShown
    filterset_class = UserFilters
    orderings = {"id": "pk", "username": "username"}
    capabilities = {
        "list": Capability.OPERATE,
        "retrieve": Capability.OPERATE,
        "activate": Capability.OPERATE,
        "deactivate": Capability.OPERATE,
    }
    people_only = True

    @extend_schema(summary="Read a user", responses={200: UserShown, 304: None}, examples=[_SHOWN])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One account. For operators."""
        return tagged(request, self.get_serializer(self.get_object()).data)

    @extend_schema(summary="Activate a user", request=None, responses=UserShown, examples=[_SHOWN])
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let somebody sign in again. For operators."""
        user: User = self.get_object()
        if not user.is_active:
            with transaction.atomic():
                accounts.activate(user)
                note_change(request, user, _NOTE)
        return tagged(request, self.get_serializer(user).data)

    @extend_schema(
        summary="Deactivate a user", request=None, responses=UserShown, examples=[_SHOWN]
    )
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let somebody in no more, from their next request on. The only administrator of a tenant
        stays, and so do you yourself (409). For operators."""
        user: User = self.get_object()
        if user.is_active:
            with transaction.atomic():
                accounts.deactivate(user, request.user.pk)
                note_change(request, user, _NOTE)
        return tagged(request, self.get_serializer(user).data)
