"""How whoever asks likes to see things."""

from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.etags import IF_MATCH, etag_of, require_match, tagged
from tenants.api.fields import Flag, IntegerField, Serializer, Text, ZoneField
from tenants.api.views import ScopedView
from tenants.models import Preferences, Tenant, Theme
from tenants.preferences import PAGE_SIZES

_PREFERENCES: Final = {
    "theme": "dark",
    "high_contrast": False,
    "reduced_motion": False,
    "time_zone": "Europe/Berlin",
    "page_size": 50,
    "default_tenant": "acme",
}
_SHOWN: Final = OpenApiExample("Preferences", _PREFERENCES, response_only=True)
_GIVEN: Final = OpenApiExample("Dark", {"theme": "dark"}, request_only=True)


@extend_schema_field({"type": "integer", "enum": list(PAGE_SIZES)})
class PageSizeField(IntegerField):
    """How many rows a list of the admin shows on a page."""

    def to_internal_value(self, data: Any) -> int:
        found = super().to_internal_value(data)
        if found not in PAGE_SIZES:
            raise serializers.ValidationError(f"Give one of {', '.join(map(str, PAGE_SIZES))}.")
        return found


class PreferencesShown(Serializer):
    """Preferences. time_zone: empty for that of the tenant. page_size: rows on a page of the admin.
    default_tenant: slug of the one after login, null for the first by name."""

    theme = serializers.ChoiceField(Theme.choices)
    high_contrast = serializers.BooleanField()
    reduced_motion = serializers.BooleanField()
    time_zone = serializers.CharField()
    page_size = serializers.IntegerField()
    default_tenant = serializers.CharField(
        source="default_tenant.slug", allow_null=True, default=None
    )


class PreferencesGiven(Serializer):
    """Those that are to be others."""

    theme = serializers.ChoiceField(Theme.choices, required=False)
    high_contrast = Flag(required=False)
    reduced_motion = Flag(required=False)
    time_zone = ZoneField(required=False, allow_blank=True)
    page_size = PageSizeField(required=False)
    default_tenant = Text(required=False, allow_null=True, max_length=64)


class PreferencesView(ScopedView):
    """Your preferences, the same in every tenant."""

    capabilities = {"get": None, "patch": None}
    people_only = True

    @extend_schema(
        operation_id="me_preferences",
        summary="Read your preferences",
        tags=["me"],
        responses={200: PreferencesShown, 304: None},
        examples=[_SHOWN],
    )
    def get(self, request: Request) -> Response:
        """How you like to see things in the admin."""
        return tagged(request, PreferencesShown(self._row()).data)

    @extend_schema(
        operation_id="me_preferences_change",
        summary="Change your preferences",
        tags=["me"],
        request=PreferencesGiven,
        responses=PreferencesShown,
        examples=[_GIVEN, _SHOWN],
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request) -> Response:
        """Change what is given and leave the rest."""
        given = PreferencesGiven(data=request.data, partial=True)
        with transaction.atomic():
            user = User.objects.select_for_update().get(pk=self._user_id())
            row = self._row()
            require_match(request, etag_of(PreferencesShown(row).data))
            given.is_valid(raise_exception=True)
            body = dict(given.validated_data)
            if "default_tenant" in body:
                row.default_tenant = self._tenant(body.pop("default_tenant"))
            for name, value in body.items():
                setattr(row, name, value)
            row.user = user
            row.save()
        return tagged(request, PreferencesShown(row).data)

    def _user_id(self) -> int:
        user_id = self.request.user.pk
        assert user_id is not None
        return user_id

    def _row(self) -> Preferences:
        user_id = self._user_id()
        found = Preferences.objects.filter(user_id=user_id).select_related("default_tenant")
        return found.first() or Preferences(user_id=user_id)

    def _tenant(self, slug: str | None) -> Tenant | None:
        tenants = self.access.tenants if self.access is not None else ()
        for tenant in tenants:
            if tenant.slug == slug:
                return tenant
        if slug is None:
            return None
        raise serializers.ValidationError({"default_tenant": ["You see no tenant of this slug."]})
