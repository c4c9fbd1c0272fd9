"""Who asks, and what they may do where."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.fields import Serializer
from tenants.api.views import ScopedView
from tenants.models import Role
from tenants.permissions import Access, Capability


class MembershipShown(Serializer):
    """A tenant that may be chosen, and the role there; operators have none."""

    slug = serializers.CharField()
    name = serializers.CharField()
    role = serializers.ChoiceField(Role.choices, allow_null=True)


class MeShown(Serializer):
    """Who asks. tenant: slug of the one that is worked in, null for an operator in all of them."""

    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()
    is_operator = serializers.BooleanField()
    tenant = serializers.CharField(allow_null=True)
    tenants = MembershipShown(many=True)
    capabilities = serializers.ListField(child=serializers.CharField())


class MeView(ScopedView):
    """Who asks, and what they may do where."""

    capabilities = {"get": None}

    @extend_schema(
        operation_id="me", summary="Who am I, and what may I do", responses=MeShown, tags=["me"]
    )
    def get(self, request: Request) -> Response:
        """Tell who asks, which tenants they may choose, and what they may do in this one."""
        return Response(MeShown(told_of(request.user, self.access)).data)


def told_of(user: Any, access: Access | None) -> dict[str, Any]:
    """Return what MeShown shows."""
    tenants = access.tenants if access is not None else ()
    roles = access.roles if access is not None else {}
    return {
        "id": user.pk,
        "username": user.get_username(),
        "name": user.get_full_name(),
        "is_operator": user.is_superuser,
        "tenant": access.current.slug if access and access.current else None,
        "tenants": [
            {"slug": each.slug, "name": each.name, "role": roles.get(each.pk)} for each in tenants
        ],
        "capabilities": [
            each.name.lower() for each in Capability if access is not None and access.may(each)
        ],
    }
