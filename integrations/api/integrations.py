"""Integrations over the API: connected, changed, tested, activated, removed."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import removal
from integrations.activation import set_active
from integrations.api import trials
from integrations.api.bodies import (
    CONNECTION,
    ConnectionGiven,
    DiscoveryAsked,
    IntegrationGiven,
    IntegrationShown,
    connection_of,
    refusal,
)
from integrations.api.logo import LogoActions
from integrations.api.webhook import WebhookActions
from integrations.errors import FieldError
from integrations.models import Integration
from integrations.registry import connector_for, connectors
from integrations.services import connect
from integrations.starter import add_starter_mappings
from tenants.api.etags import IF_MATCH, etag_of, require_match, tagged
from tenants.api.filters import BooleanFilter, TextFilter, TimeFilter
from tenants.api.history import note_addition, note_change, note_deletion
from tenants.api.views import TenantViewSet
from tenants.permissions import Capability
from tenants.scope import tenant_scope

_EDITED: Final = ("name", "base_url", "settings", "credentials", "is_active", "has_logo")
"""What people edit; the rest is of runs and tests."""
_HEALTH: Final = {"works": True, "broken": False, "not_tested": None}

_GIVEN: Final = OpenApiExample(
    "Jira Cloud",
    {
        "provider": "jira",
        "name": "jira",
        "base_url": "https://acme.atlassian.net",
        "method": "basic",
        "credentials": {"user": "etl@acme.example", "token": "…"},
        "settings": {"projects": ["PAY", "OPS"], "sprints": True},
        "starter_mappings": True,
    },
    request_only=True,
)
_CHANGED: Final = OpenApiExample(
    "Other projects",
    {"settings": {"projects": ["PAY"], "jql": None}},
    request_only=True,
)
_SHOWN: Final = OpenApiExample(
    "Jira Cloud",
    {
        "id": 7,
        "name": "jira",
        "provider": "jira",
        "base_url": "https://acme.atlassian.net",
        "settings": {"projects": "PAY,OPS"},
        "credentials": {"method": "basic", "given": {"user": True, "token": True}},
        "is_active": True,
        "is_healthy": True,
        "health_message": "",
        "health_checked_at": "2026-01-02T03:04:05Z",
        "credentials_expire_at": None,
        "has_logo": False,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-02T03:04:05Z",
    },
    response_only=True,
)


class IntegrationFilters(django_filters.FilterSet):
    """What integrations are filtered by."""

    name = TextFilter()
    provider = TextFilter()
    is_active = BooleanFilter()
    health = django_filters.ChoiceFilter(
        choices=[(each, each) for each in _HEALTH], method="of_health"
    )
    updated_after = TimeFilter(field_name="updated_at", lookup_expr="gte")

    class Meta:
        model = Integration
        fields = ()

    def of_health(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Filter by what the last test or run found."""
        return rows.filter(is_healthy=_HEALTH[value])


@extend_schema(tags=["integrations"])
@extend_schema_view(list=extend_schema(summary="List integrations", examples=[_SHOWN]))
class IntegrationsViewSet(LogoActions, WebhookActions, ListModelMixin, TenantViewSet):
    """Connections to sources."""

    model = Integration
    serializer_class = IntegrationShown
    filterset_class = IntegrationFilters
    orderings = {"id": "pk", "name": "name"}
    capabilities = {
        "create": Capability.EDIT_INTEGRATIONS,
        "partial_update": Capability.EDIT_INTEGRATIONS,
        "destroy": Capability.EDIT_INTEGRATIONS,
        "activate": Capability.EDIT_INTEGRATIONS,
        "deactivate": Capability.EDIT_INTEGRATIONS,
        "test": Capability.EDIT_INTEGRATIONS,
        "discover": Capability.EDIT_INTEGRATIONS,
        "put_logo": Capability.EDIT_INTEGRATIONS,
        "delete_logo": Capability.EDIT_INTEGRATIONS,
        "make_webhook": Capability.EDIT_INTEGRATIONS,
        "end_webhook": Capability.EDIT_INTEGRATIONS,
    }

    @extend_schema(
        summary="Read an integration",
        responses={200: IntegrationShown, 304: None},
        examples=[_SHOWN],
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One integration. Of its credentials it is told which are given, and none of them."""
        return tagged(request, self.get_serializer(self.get_object()).data, edited=_EDITED)

    @extend_schema(
        summary="Connect a source",
        request=IntegrationGiven,
        responses={201: IntegrationShown},
        examples=[_GIVEN, _SHOWN],
    )
    def create(self, request: Request) -> Response:
        """Make an integration. Nothing is sent to the source: test it, then run it."""
        given = IntegrationGiven(data=request.data)
        given.is_valid(raise_exception=True)
        body = given.validated_data
        connector = connectors().get(body["provider"])
        if connector is None:
            known = ", ".join(sorted(connectors()))
            raise refusal(FieldError("provider", f"there is no such provider; there are: {known}"))
        connection = connection_of(connector, None, body, body["name"])
        tenant = self.tenant
        with transaction.atomic(), _told():
            row, _ = connect(tenant, connection, only_new=True)
            if body["starter_mappings"]:
                add_starter_mappings(row)
            note_addition(request, row)
        return tagged(request, self.get_serializer(row).data, status=201, edited=_EDITED)

    @extend_schema(
        summary="Change an integration",
        request=ConnectionGiven,
        responses={200: IntegrationShown},
        examples=[_CHANGED, _SHOWN],
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what is given and leave the rest; a setting that is null goes back to its
        default. Another address demands the credentials again. Name and provider stay."""
        given = ConnectionGiven(data=request.data)
        with self._locked(request) as row:
            given.is_valid(raise_exception=True)
            connection = connection_of(connector_for(row.provider), row, given.validated_data)
            with _told():
                row, _ = connect(row.tenant, connection)
            if given.validated_data:
                fields = sorted(given.validated_data)
                note_change(request, row, [{"changed": {"fields": fields}}])
            return tagged(request, self.get_serializer(row).data, edited=_EDITED)

    @extend_schema(
        summary="Remove an integration", request=None, responses={204: None}, parameters=[IF_MATCH]
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove an integration that was never used. One that has runs, pages or rules is refused
        with what depends on it: deactivate it instead."""
        with self._locked(request) as row:
            note_deletion(request, row)
            removal.remove(row)
        return Response(status=204)

    @extend_schema(
        summary="Activate an integration",
        request=None,
        responses=IntegrationShown,
        examples=[_SHOWN],
    )
    @action(detail=True, methods=["post"])
    def activate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Let it be run again."""
        return self._set_active(request, is_active=True)

    @extend_schema(
        summary="Deactivate an integration",
        request=None,
        responses=IntegrationShown,
        examples=[_SHOWN],
    )
    @action(detail=True, methods=["post"])
    def deactivate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Fetch nothing more from it, by hand, schedule or webhook; what is loaded stays."""
        return self._set_active(request, is_active=False)

    def _set_active(self, request: Request, *, is_active: bool) -> Response:
        with self._locked(request) as row:
            if set_active(row, is_active):
                done = "activated" if is_active else "deactivated"
                note_change(request, row, f"The integration was {done}.")
            return tagged(request, self.get_serializer(row).data, edited=_EDITED)

    @extend_schema(
        summary="Test a connection",
        request=ConnectionGiven,
        responses=trials.TestShown,
        examples=[CONNECTION, trials.TESTED],
    )
    @action(detail=True, methods=["post"], throttle_scope="test")
    def test(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Try the connection step by step: as it is kept, whose result becomes its health, or with
        what is given, which is not saved. Another address demands the credentials again."""
        row = self.get_object()
        with tenant_scope(row.tenant_id):
            return trials.tested(row.tenant, row, ConnectionGiven(data=request.data))

    @extend_schema(
        summary="Look for what can be chosen",
        request=DiscoveryAsked,
        responses=trials.FindsShown,
        examples=[trials.ASKED, trials.FOUND],
    )
    @action(detail=True, methods=["post"], throttle_scope="discover")
    def discover(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Ask the source for its projects, repositories, boards or fields."""
        row = self.get_object()
        with tenant_scope(row.tenant_id):
            return trials.discovered(row.tenant, row, DiscoveryAsked(data=request.data))

    @contextmanager
    def _locked(self, request: Request) -> Iterator[Integration]:
        """Give the row under its lock, in its tenant's scope; raise Problem (412) if it is
        another than the request knows."""
        found = self.get_object()
        with tenant_scope(found.tenant_id), transaction.atomic():
            rows = Integration.objects.select_for_update(of=("self",)).select_related("tenant")
            row: Integration = rows.get(pk=found.pk)
            require_match(request, etag_of(self.get_serializer(row).data, _EDITED))
            yield row


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a service finds wrong with one value into a problem that says where."""
    try:
        yield
    except FieldError as error:
        raise refusal(error) from None
