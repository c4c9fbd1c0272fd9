"""The tenants that somebody may see."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.etags import tagged
from tenants.api.fields import ModelSerializer
from tenants.api.views import TenantViewSet
from tenants.models import Tenant


class TenantShown(ModelSerializer):
    """A tenant."""

    class Meta:
        model = Tenant
        fields = ("id", "slug", "name", "tier", "time_zone", "is_active", "created_at")


@extend_schema(tags=["tenants"])
@extend_schema_view(list=extend_schema(summary="List the tenants that you may see"))
class TenantsViewSet(ListModelMixin, TenantViewSet):
    """Your own tenants."""

    serializer_class = TenantShown
    model = Tenant
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]{1,64}"
    orderings = {"id": "pk", "name": "name"}

    def rows(self) -> QuerySet[Any]:
        tenants = self.access.tenants if self.access is not None else ()
        return Tenant.objects.filter(pk__in=[each.pk for each in tenants])

    @extend_schema(summary="Read a tenant")
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One tenant."""
        return tagged(request, self.get_serializer(self.get_object()).data)
