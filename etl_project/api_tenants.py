"""The tenants over the API, with their making, which takes more rooms than their own."""

from typing import Any, Final

from django.core.validators import RegexValidator
from django.db import IntegrityError, transaction
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from etl_project.new_tenants import begin
from tenants.api.capabilities import refuse_tokens
from tenants.api.etags import tagged
from tenants.api.fields import Serializer, Text, ZoneField
from tenants.api.history import note_addition
from tenants.api.tenants import SHOWN, TenantShown, TenantsViewSet
from tenants.models import Tenant, Tier
from tenants.permissions import Capability

_GIVEN: Final = OpenApiExample(
    "A tenant",
    {"slug": "acme", "name": "Acme", "tier": "basic", "time_zone": "Europe/Berlin"},
    request_only=True,
)


class TenantGiven(Serializer):
    """A new tenant. slug: its short name, which stays."""

    slug = Text(max_length=64, validators=[RegexValidator(r"^[-a-zA-Z0-9_]+\Z")])
    name = Text(max_length=200)
    tier = serializers.ChoiceField(Tier.choices, default=Tier.BASIC)
    time_zone = ZoneField(default="UTC")


class AllTenantsViewSet(TenantsViewSet):
    """Your own tenants; operators see and make all of them."""

    capabilities = {**TenantsViewSet.capabilities, "create": Capability.OPERATE}

    @extend_schema(
        summary="Make a tenant",
        request=TenantGiven,
        responses={201: TenantShown},
        examples=[_GIVEN, SHOWN],
    )
    def create(self, request: Request) -> Response:
        """Make a tenant, with a hierarchy and a workflow to begin with. Invite its first
        administrator then. For operators who are signed in themselves."""
        refuse_tokens(request)
        given = TenantGiven(data=request.data)
        given.is_valid(raise_exception=True)
        tenant = Tenant(**given.validated_data)
        try:
            with transaction.atomic():
                begin(tenant)
                note_addition(request, tenant)
        except IntegrityError:
            taken: dict[str, Any] = {"slug": ["There is a tenant of this slug already."]}
            raise serializers.ValidationError(taken) from None
        return tagged(request, self.get_serializer(tenant).data, status=201)
