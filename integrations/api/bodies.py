"""What integrations look like over the API, and what is given to make and change them."""

from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema_field
from rest_framework import serializers

from integrations.contract import Connector, auth_method
from integrations.credentials import kept_names
from integrations.errors import FieldError
from integrations.form_fields import LONGEST_TEXT
from integrations.given import given_settings
from integrations.models import Integration
from integrations.registry import connectors
from integrations.services import Connection
from tenants.api.fields import Flag, ModelSerializer, Serializer, Text
from tenants.api.problems import Problem

_NO_SIGN_IN: Final = "none"
_SETTINGS: Final = {
    "type": "object",
    "description": "As the provider's `settings_schema` says; null for the default.",
    "additionalProperties": {
        "nullable": True,
        "oneOf": [
            {"type": "string"},
            {"type": "integer"},
            {"type": "boolean"},
            {"type": "array", "items": {"type": "string"}},
        ],
    },
}


class CredentialsShown(Serializer):
    """Which values of a credential are kept; none of them is ever shown."""

    method = serializers.CharField(allow_blank=True)
    given = serializers.DictField(child=serializers.BooleanField())


class IntegrationShown(ModelSerializer):
    """An integration. settings: those that are not the default. is_healthy: what the last test or
    run found, null before the first."""

    credentials = serializers.SerializerMethodField()
    settings = serializers.SerializerMethodField()
    has_logo = serializers.SerializerMethodField()
    is_healthy = serializers.BooleanField(allow_null=True)
    base_url = serializers.CharField(allow_blank=True)

    class Meta:
        model = Integration
        fields = (
            "id",
            "name",
            "provider",
            "base_url",
            "settings",
            "credentials",
            "is_active",
            "is_healthy",
            "health_message",
            "health_checked_at",
            "credentials_expire_at",
            "has_logo",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields

    @extend_schema_field(CredentialsShown)
    def get_credentials(self, row: Integration) -> dict[str, Any]:
        """Tell which values are given, by their names."""
        return {"method": row.auth_method, "given": given_of(row)}

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_settings(self, row: Integration) -> dict[str, Any]:
        """Tell the settings in their own types."""
        return dict(row.settings)

    def get_has_logo(self, row: Integration) -> bool:
        """Tell whether there is one."""
        return bool(row.logo_digest)


def given_of(row: Integration) -> dict[str, bool]:
    """Return for each value of the way to sign in whether there is one."""
    connector = connectors().get(row.provider)
    if connector is None or not row.credentials:
        return {}
    try:
        method = auth_method(connector, row.auth_method)
    except KeyError:
        return {}
    kept = kept_names(row)
    return {each.name: each.name in kept for each in method.fields}


@extend_schema_field(_SETTINGS)
class SettingsField(serializers.DictField):
    """Settings by name."""


CONNECTION: Final = OpenApiExample(
    "Jira Cloud",
    {
        "base_url": "https://acme.atlassian.net",
        "method": "basic",
        "credentials": {"user": "etl@acme.example", "token": "…"},
        "settings": {"projects": ["PAY", "OPS"]},
    },
    request_only=True,
)


class ConnectionGiven(Serializer):
    """How to connect. method: a slug of the provider's ways to sign in, `none` for an integration
    that is fed by imports only. credentials: by the names of the method's values; they are taken
    and never shown. Another address demands them again."""

    base_url = Text(max_length=500, allow_blank=True, required=False)
    method = Text(max_length=64, required=False)
    credentials = serializers.DictField(
        child=Text(max_length=LONGEST_TEXT, allow_blank=True), required=False
    )
    settings = SettingsField(required=False)


class IntegrationGiven(ConnectionGiven):
    """An integration to be made. name: exports tell it, so it stays."""

    provider = Text(max_length=64)
    name = Text(max_length=64)
    starter_mappings = Flag(
        default=False, help_text="Add the rules for types and statuses that the provider proposes."
    )


class DiscoveryAsked(ConnectionGiven):
    """What to look for. picks: a slug of the provider's discoveries. search: words that a find
    has to have."""

    picks = Text(max_length=64)
    search = Text(max_length=100, allow_blank=True, default="")
    limit = serializers.IntegerField(min_value=1, max_value=500, default=500)


def connection_of(
    connector: Connector, row: Integration | None, given: Mapping[str, Any], name: str = ""
) -> Connection:
    """Return what services take; raise Problem (400) for a setting that will not do."""
    try:
        settings, unset = given_settings(connector, given.get("settings", {}))
    except FieldError as error:
        raise refusal(error) from None
    method = given.get("method", "")
    credentials = given.get("credentials", {})
    is_kept = row is not None and bool(row.credentials)
    if method == _NO_SIGN_IN and (credentials or is_kept):
        raise refusal(FieldError("method", "there are credentials, so it signs in by them"))
    wants = row is None or is_kept or bool(credentials) or bool(method)
    signs_in = method != _NO_SIGN_IN and wants
    return Connection(
        provider=connector.slug,
        name=row.name if row is not None else name,
        base_url=given.get("base_url", "").strip(),
        method="" if method == _NO_SIGN_IN else method,
        credentials=credentials,
        settings=settings,
        unset=unset,
        signs_in=signs_in,
    )


def refusal(error: FieldError) -> Problem:
    """Return the problem of one value that will not do, with its place in the body."""
    text = str(error)
    text = text[:1].upper() + text[1:]
    pointer = "/" + error.field.replace(".", "/")
    return Problem(400, "invalid", text, [{"pointer": pointer, "detail": text, "code": "invalid"}])
