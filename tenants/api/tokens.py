"""API tokens: made, shown once, listed, revoked, by people who are signed in themselves."""

from typing import Any, Final

import django_filters
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import api_tokens
from tenants.api.etags import tagged
from tenants.api.fields import ModelSerializer, Serializer, Text
from tenants.api.filters import TextFilter
from tenants.api.history import note_addition, note_change
from tenants.api.views import TenantViewSet
from tenants.models import ApiToken
from tenants.permissions import Capability

_SCOPES: Final = [(each.name.lower(), each.value) for each in Capability]
_TOKEN: Final = {
    "id": 3,
    "name": "nightly report",
    "hint": "etl_7Hq2Lw9x",
    "user": "anna@acme",
    "scopes": ["read"],
    "state": "valid",
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-04-01T00:00:00Z",
    "last_used_at": None,
    "revoked_at": None,
}
_GIVEN: Final = OpenApiExample(
    "To read",
    {"name": "nightly report", "scopes": ["read"], "expires_at": "2026-04-01T00:00:00Z"},
    request_only=True,
)
_SHOWN: Final = OpenApiExample("A token", _TOKEN, response_only=True)
_MADE: Final = OpenApiExample(
    "A new token", {**_TOKEN, "token": "etl_7Hq2Lw9x…"}, response_only=True, status_codes=["201"]
)


class TokenShown(ModelSerializer):
    """A token, by its first characters. user: name of whom it lets in."""

    user = serializers.CharField(source="user.username")
    scopes = serializers.ListField(child=serializers.ChoiceField(_SCOPES))
    state = serializers.ChoiceField(ApiToken.State.choices)

    class Meta:
        model = ApiToken
        fields = (
            "id",
            "name",
            "hint",
            "user",
            "scopes",
            "state",
            "created_at",
            "expires_at",
            "last_used_at",
            "revoked_at",
        )


class TokenMade(TokenShown):
    """A new token. token: what a program has to show; kept nowhere, and not told again."""

    token = serializers.CharField()

    class Meta(TokenShown.Meta):
        fields = (*TokenShown.Meta.fields, "token")  # type: ignore[assignment]


class TokenGiven(Serializer):
    """What a token is to be. expires_at: within 366 days."""

    name = Text(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(_SCOPES), min_length=1, max_length=len(_SCOPES)
    )
    expires_at = serializers.DateTimeField()


class TokenFilters(django_filters.FilterSet):
    """What tokens are filtered by."""

    user = TextFilter(field_name="user__username")
    state = django_filters.ChoiceFilter(choices=ApiToken.State.choices, method="in_state")

    class Meta:
        model = ApiToken
        fields = ()

    def in_state(self, rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        """Filter by whether a token lets in."""
        return api_tokens.in_state(rows, ApiToken.State(value))


@extend_schema(tags=["tokens"])
@extend_schema_view(list=extend_schema(summary="List API tokens", examples=[_SHOWN]))
class TokensViewSet(ListModelMixin, TenantViewSet):
    """Your own tokens of this tenant; its administrators see those of all members."""

    model = ApiToken
    serializer_class = TokenShown
    filterset_class = TokenFilters
    orderings = {"id": "pk", "name": "name", "expires_at": "expires_at"}
    capabilities = {"create": Capability.READ, "destroy": Capability.READ}
    people_only = True

    def rows(self) -> QuerySet[Any]:
        rows = api_tokens.visible_to(self.access).select_related("user")
        return rows.filter(revoked_at=None) if self.detail else rows

    @extend_schema(
        summary="Read an API token", responses={200: TokenShown, 304: None}, examples=[_SHOWN]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One token, without what a program shows."""
        return tagged(request, self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Make an API token",
        request=TokenGiven,
        responses={201: TokenMade},
        examples=[_GIVEN, _MADE],
    )
    def create(self, request: Request) -> Response:
        """Make a token of your own for this tenant. `token` is told in this answer only.

        It can do what its scopes and your role both permit. You may have 50 that are valid (409).
        """
        given = TokenGiven(data=request.data)
        given.is_valid(raise_exception=True)
        tenant = self.tenant
        assert self.access is not None
        try:
            with transaction.atomic():
                token, text = api_tokens.make(self.access, tenant, **given.validated_data)
                note_addition(request, token)
        except api_tokens.RefusedError as error:
            raise serializers.ValidationError({error.field: [str(error)]}) from None
        token.token = text  # type: ignore[attr-defined]
        shown = TokenMade(token, context=self.get_serializer_context()).data
        return Response(shown, status=201, headers={"Cache-Control": "no-store"})

    @extend_schema(summary="Revoke an API token", request=None, responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Revoke it: it lets nobody in from the next request on. Its address is gone, and lists
        have it as revoked."""
        token = self.get_object()
        with transaction.atomic():
            if api_tokens.revoke(token):
                note_change(request, token, "The token was revoked.")
        return Response(status=204)
