"""The tenants that somebody may see, and what their administrators change of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.capabilities import require
from tenants.api.etags import IF_MATCH, etag_of, require_match, tagged
from tenants.api.fields import ModelSerializer, Serializer, Text, ZoneField
from tenants.api.filters import BooleanFilter
from tenants.api.history import note_change
from tenants.api.tenant_logo import LogoActions
from tenants.api.views import TenantViewSet
from tenants.models import Tenant, Tier
from tenants.permissions import Capability

_GIVEN: Final = OpenApiExample("Another time zone", {"time_zone": "Asia/Tokyo"}, request_only=True)
SHOWN: Final = OpenApiExample(
    "A tenant",
    {
        "id": 1,
        "slug": "acme",
        "name": "Acme",
        "tier": "basic",
        "time_zone": "Europe/Berlin",
        "is_active": True,
        "has_logo": False,
        "created_at": "2026-01-01T00:00:00Z",
    },
    response_only=True,
)


class TenantShown(ModelSerializer):
    """A tenant. time_zone: of schedules and charts, and of times for whoever chose none."""

    has_logo = serializers.SerializerMethodField()

    class Meta:
        model = Tenant
        fields = (
            "id",
            "slug",
            "name",
            "tier",
            "time_zone",
            "is_active",
            "has_logo",
            "created_at",
        )

    def get_has_logo(self, row: Tenant) -> bool:
        return bool(row.logo_digest)


class TenantChanged(Serializer):
    """What is to be another. tier: given by operators only."""

    name = Text(max_length=200, required=False)
    time_zone = ZoneField(required=False)
    tier = serializers.ChoiceField(Tier.choices, required=False)


class TenantFilters(django_filters.FilterSet):
    """What tenants are filtered by."""

    is_active = BooleanFilter()

    class Meta:
        model = Tenant
        fields = ()


@extend_schema(tags=["tenants"])
@extend_schema_view(list=extend_schema(summary="List the tenants that you may see"))
class TenantsViewSet(LogoActions, ListModelMixin, TenantViewSet):
    """Your own tenants."""

    serializer_class = TenantShown
    filterset_class = TenantFilters
    model = Tenant
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]{1,64}"
    orderings = {"id": "pk", "name": "name"}
    capabilities = {
        "partial_update": Capability.EDIT_TENANT,
        "put_logo": Capability.EDIT_TENANT,
        "delete_logo": Capability.EDIT_TENANT,
        "activate": Capability.OPERATE,
        "deactivate": Capability.OPERATE,
    }

    def rows(self) -> QuerySet[Any]:
        tenants = self.access.tenants if self.access is not None else ()
        return Tenant.objects.filter(pk__in=[each.pk for each in tenants])

    def needed_capability(self, request: Request) -> Capability | None:
        """Ask for nothing yet where one tenant is named: the role in that one decides."""
        if self.detail and self.access is not None:
            return None
        return super().needed_capability(request)

    def get_object(self) -> Tenant:
        """Return the tenant of the address; raise Problem (403) for whoever may see it only."""
        row: Tenant = super().get_object()
        needed = self.capability_of(self._action(self.request), self.request.method or "GET")
        if needed is not None and self.access is not None:
            require(self.access.at(row), needed)
        return row

    @extend_schema(
        summary="Read a tenant", responses={200: TenantShown, 304: None}, examples=[SHOWN]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One tenant."""
        return tagged(request, self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Change a tenant",
        request=TenantChanged,
        responses=TenantShown,
        examples=[_GIVEN, SHOWN],
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what is given and leave the rest. The slug stays; the tier is for operators."""
        given = TenantChanged(data=request.data, partial=True)
        with self._locked(request) as row:
            given.is_valid(raise_exception=True)
            body = given.validated_data
            if "tier" in body and self.access is not None:
                require(self.access.at(row), Capability.OPERATE)
            for name, value in body.items():
                setattr(row, name, value)
            if body:
                row.save(update_fields=list(body))
                note_change(request, row, [{"changed": {"fields": sorted(body)}}])
            return tagged(request, self.get_serializer(row).data)

    @extend_schema(
        summary="Activate a tenant", request=None, responses=TenantShown, examples=[SHOWN]
    )
    @action(detail=True, methods=["post"], people_only=True)
    def activate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let its members in again. For operators who are signed in themselves."""
        return self._set_active(request, is_active=True)

    @extend_schema(
        summary="Deactivate a tenant", request=None, responses=TenantShown, examples=[SHOWN]
    )
    @action(detail=True, methods=["post"], people_only=True)
    def deactivate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let none of its members in; what is loaded stays. For operators who are signed in
        themselves."""
        return self._set_active(request, is_active=False)

    def _set_active(self, request: Request, *, is_active: bool) -> Response:
        with self._locked(request) as row:
            if row.is_active != is_active:
                row.is_active = is_active
                row.save(update_fields=["is_active"])
                note_change(request, row, [{"changed": {"fields": ["is_active"]}}])
            return tagged(request, self.get_serializer(row).data)

    @contextmanager
    def _locked(self, request: Request) -> Iterator[Tenant]:
        """Give the row under its lock; raise Problem (412) if it is another than the request
        knows."""
        found = self.get_object()
        with transaction.atomic():
            row = Tenant.objects.select_for_update().get(pk=found.pk)
            require_match(request, etag_of(self.get_serializer(row).data))
            yield row
