"""Webhooks out over the API: made, changed, tested, their secrets rotated."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import django_filters
from django.db import transaction
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api.bodies import refusal
from integrations.errors import FieldError
from notices import endpoints
from notices.api.bodies import (
    EndpointChanged,
    EndpointGiven,
    EndpointMade,
    EndpointShown,
    NoticeDeliveryShown,
    SecretShown,
)
from notices.api.examples import DELIVERY, GIVEN, MADE, ROTATED, SHOWN
from notices.models import Endpoint
from tenants.api.etags import IF_MATCH, etag_of, require_match, tagged
from tenants.api.filters import BooleanFilter, TextFilter
from tenants.api.history import note_addition, note_change, note_deletion
from tenants.api.idempotency import idempotent
from tenants.api.views import TenantViewSet
from tenants.permissions import Capability
from tenants.scope import tenant_scope

TAGS = ["notices and webhooks out"]
_EDITED = ("name", "url", "events", "integrations", "is_active")
"""What people edit; the rest is of deliveries."""
_ONCE = {"Cache-Control": "no-store"}


class EndpointFilters(django_filters.FilterSet):
    """What webhooks are filtered by."""

    name = TextFilter()
    is_active = BooleanFilter()

    class Meta:
        model = Endpoint
        fields = ()


@extend_schema(tags=TAGS)
@extend_schema_view(list=extend_schema(summary="List webhooks out", examples=[SHOWN]))
class EndpointsViewSet(ListModelMixin, TenantViewSet):
    """Where notices of the tenant are sent to."""

    model = Endpoint
    serializer_class = EndpointShown
    filterset_class = EndpointFilters
    orderings = {"id": "pk", "name": "name"}
    capabilities = {
        "create": Capability.EDIT_INTEGRATIONS,
        "partial_update": Capability.EDIT_INTEGRATIONS,
        "destroy": Capability.EDIT_INTEGRATIONS,
        "ping": Capability.EDIT_INTEGRATIONS,
        "rotate_secret": Capability.EDIT_INTEGRATIONS,
    }

    @extend_schema(
        summary="Read a webhook out", responses={200: EndpointShown, 304: None}, examples=[SHOWN]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One webhook with its health; its secret is never told again."""
        return tagged(request, self.get_serializer(self.get_object()).data, edited=_EDITED)

    @extend_schema(
        summary="Make a webhook out",
        request=EndpointGiven,
        responses={201: EndpointMade},
        examples=[GIVEN, MADE],
    )
    def create(self, request: Request) -> Response:
        """Make an address that notices are sent to, signed by the secret in the answer, which is
        told this once. The address is judged as those of sources. Test it then by `ping`."""
        given = EndpointGiven(data=request.data)
        given.is_valid(raise_exception=True)
        with transaction.atomic(), _told():
            row, secret = endpoints.make(self.tenant, _values(given.validated_data))
            note_addition(request, row)
        context = {**self.get_serializer_context(), "secret": secret}
        data = EndpointMade(row, context=context).data
        tag = etag_of(self.get_serializer(row).data, _EDITED)
        return Response(data, status=201, headers={**_ONCE, "ETag": tag})

    @extend_schema(
        summary="Change a webhook out",
        request=EndpointChanged,
        responses={200: EndpointShown},
        examples=[GIVEN, SHOWN],
        parameters=[IF_MATCH],
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change what is given and leave the rest. Switched on again, it begins with a clean
        slate; switched off, what waits for it is given up."""
        given = EndpointChanged(data=request.data, partial=True)
        with self._locked(request) as row, _told():
            given.is_valid(raise_exception=True)
            endpoints.change(row, _values(given.validated_data, row))
            if given.validated_data:
                note_change(request, row, [{"changed": {"fields": sorted(given.validated_data)}}])
            return tagged(request, self.get_serializer(row).data, edited=_EDITED)

    @extend_schema(
        summary="Remove a webhook out", request=None, responses={204: None}, parameters=[IF_MATCH]
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send nothing more there. The log of its deliveries goes with it."""
        with self._locked(request) as row:
            note_deletion(request, row)
            row.delete()
        return Response(status=204)

    @extend_schema(
        summary="Test a webhook out",
        request=None,
        responses={202: NoticeDeliveryShown},
        examples=[DELIVERY],
    )
    @action(detail=True, methods=["post"], throttle_scope="test")
    @idempotent
    def ping(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Send the event `ping` there, once, also if it is switched off. Read what came of it at
        `notice-deliveries`, by the id in the answer."""
        row = self.get_object()
        with tenant_scope(row.tenant_id):
            delivery = endpoints.ping(row)
            return Response(NoticeDeliveryShown(delivery).data, status=202)

    @extend_schema(
        summary="Rotate the secret of a webhook out",
        request=None,
        responses=SecretShown,
        examples=[ROTATED],
    )
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate_secret(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make another secret, which is told this once. For 24 hours the former signs as well, so
        that the receiver can change over without losing anything."""
        with self._locked(request) as row:
            secret = endpoints.rotate(row)
            note_change(request, row, "The secret was rotated.")
            told = {"secret": secret, "former_secret_until": row.former_until}
        return Response(SecretShown(told).data, headers=_ONCE)

    @contextmanager
    def _locked(self, request: Request) -> Iterator[Endpoint]:
        """Give the row under its lock, in its tenant's scope; raise Problem (412) if it is
        another than the request knows."""
        found = self.get_object()
        with tenant_scope(found.tenant_id), transaction.atomic():
            row: Endpoint = Endpoint.objects.select_for_update(of=("self",)).get(pk=found.pk)
            require_match(request, etag_of(self.get_serializer(row).data, _EDITED))
            yield row


def _values(given: Mapping[str, Any], row: Endpoint | None = None) -> endpoints.Values:
    """Return what services take: what is given, and of a row the rest."""
    kept: dict[str, Any] = (
        {}
        if row is None
        else {
            "name": row.name,
            "url": row.url,
            "events": row.events,
            "integration_ids": row.integration_ids,
            "is_active": row.is_active,
        }
    )
    told = dict(given)
    if "integrations" in told:
        told["integration_ids"] = [each.pk for each in told.pop("integrations")]
    return endpoints.Values(**(kept | told))


@contextmanager
def _told() -> Iterator[None]:
    """Turn what a service finds wrong with one value into a problem that says where."""
    try:
        yield
    except FieldError as error:
        raise refusal(error) from None
