"""The providers there are: what each brings, what can be set, and how it is signed in to."""

from typing import Any, Final

import msgspec
from django.http import Http404
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.contract import Connector, setting_fields
from integrations.models import Integration
from integrations.registry import connectors
from integrations.webhooks import webhooks_of
from tenants.api.etags import tagged
from tenants.api.fields import Serializer
from tenants.api.filters import check_parameters
from tenants.api.views import ScopedView

_TAGS: Final = ["providers"]


class StreamShown(Serializer):
    """One kind of resource. table: the table whose rows its records mainly become."""

    name = serializers.CharField()
    table = serializers.CharField()


class CredentialFieldShown(Serializer):
    """One value of a credential. is_long: has lines, such as a key."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField(allow_blank=True)
    is_secret = serializers.BooleanField()
    is_required = serializers.BooleanField()
    is_long = serializers.BooleanField()


class AuthMethodShown(Serializer):
    """A way to sign in, and the values that it takes as `credentials`."""

    slug = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    help = serializers.CharField(allow_blank=True)
    credentials = CredentialFieldShown(many=True)


class DiscoveryShown(Serializer):
    """Something of the source to choose from; settings name it in `x-picks`."""

    slug = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]


class ProviderShown(Serializer):
    """A provider. settings_schema: JSON schema of an integration's `settings`."""

    slug = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    description = serializers.CharField()
    version = serializers.IntegerField()
    default_url = serializers.CharField(allow_blank=True)
    url_example = serializers.CharField(allow_blank=True)
    capabilities = serializers.ListField(child=serializers.CharField())
    streams = StreamShown(many=True)
    settings_schema = serializers.DictField(child=serializers.JSONField())
    auth_methods = AuthMethodShown(many=True)
    discoveries = DiscoveryShown(many=True)


class ProvidersShown(Serializer):
    """All providers; they are few, so that there is one page."""

    next = serializers.URLField(allow_null=True)
    results = ProviderShown(many=True)


_EXAMPLE: Final = {
    "slug": "github",
    "label": "GitHub",
    "description": "Pull requests with commits, reviews and comments, deployments, workflow runs.",
    "version": 3,
    "default_url": "https://api.github.com",
    "url_example": "https://github.example.com/api/v3",
    "capabilities": ["fetch", "import", "discover", "webhooks"],
    "streams": [{"name": "pulls", "table": "pull_requests"}],
    "settings_schema": {
        "type": "object",
        "properties": {
            "page_size": {
                "title": "Pull requests a page",
                "type": "integer",
                "minimum": 1,
                "maximum": 100,
                "default": 50,
                "x-kind": "number",
                "x-is-advanced": True,
            }
        },
        "additionalProperties": False,
    },
    "auth_methods": [
        {
            "slug": "token",
            "label": "Token",
            "help": "",
            "credentials": [
                {
                    "name": "token",
                    "label": "Token",
                    "help": "a fine-grained or classic token",
                    "is_secret": True,
                    "is_required": True,
                    "is_long": False,
                }
            ],
        }
    ],
    "discoveries": [{"slug": "repositories", "label": "Repositories"}],
}


class ProvidersView(ScopedView):
    """The providers there are."""

    @extend_schema(
        operation_id="providers_list",
        summary="List the providers",
        tags=_TAGS,
        responses=ProvidersShown,
        examples=[OpenApiExample("Providers", {"next": None, "results": [_EXAMPLE]})],
    )
    def get(self, request: Request) -> Response:
        """All providers that an integration can be of, with what each asks for."""
        check_parameters(request, set())
        found = [told_of(each) for _, each in sorted(connectors().items())]
        return Response(ProvidersShown({"next": None, "results": found}).data)


class ProviderView(ScopedView):
    """One provider. It is named as integrations name theirs."""

    model = Integration
    lookup_field = "provider"

    @extend_schema(
        operation_id="providers_retrieve",
        summary="Read a provider",
        tags=_TAGS,
        responses={200: ProviderShown, 304: None},
        examples=[OpenApiExample("GitHub", _EXAMPLE)],
    )
    def get(self, request: Request, provider: str) -> Response:
        """One provider, by its slug."""
        check_parameters(request, set())
        return tagged(request, ProviderShown(told_of(provider_or_404(provider))).data)


def provider_or_404(slug: str) -> Connector:
    """Return a provider; raise Http404 if there is none of this slug."""
    if slug not in connectors():
        raise Http404
    return connectors()[slug]


def told_of(connector: Connector) -> dict[str, Any]:
    """Return what ProviderShown shows."""
    return {
        "slug": connector.slug,
        "label": connector.label,
        "description": connector.description,
        "version": connector.version,
        "default_url": connector.default_url,
        "url_example": connector.url_example,
        "capabilities": _capabilities(connector),
        "streams": [{"name": each.name, "table": each.table} for each in connector.streams],
        "settings_schema": settings_schema(connector),
        "auth_methods": [
            {
                "slug": method.slug,
                "label": method.label,
                "help": method.help,
                "credentials": [msgspec.structs.asdict(each) for each in method.fields],
            }
            for method in connector.auth_methods
        ],
        "discoveries": [msgspec.structs.asdict(each) for each in connector.discoveries],
    }


def _capabilities(connector: Connector) -> list[str]:
    """Return what can be done with a provider, in words."""
    presets = connector.presets
    held = {
        "fetch": bool(connector.auth_methods),
        "import": True,
        "discover": bool(connector.discoveries),
        "webhooks": webhooks_of(connector) is not None,
        "starter_mappings": bool(presets.types or presets.statuses),
    }
    return [name for name, has in held.items() if has]


def settings_schema(connector: Connector) -> dict[str, Any]:
    """Return the JSON schema of a provider's settings, made from what it declares.

    Beside the usual words a setting has `x-kind` (how its value is asked for), `x-picks` (the
    discovery that it may be chosen from) and `x-is-advanced`.
    """
    type_ = connector.settings_type
    schema: dict[str, Any] = msgspec.json.schema(type_)["$defs"][type_.__name__]
    properties = {
        each.name: {
            **schema["properties"][each.name],
            "x-kind": each.kind,
            "x-picks": each.picks,
            "x-is-advanced": each.is_advanced,
        }
        for each in setting_fields(type_)
    }
    return {**schema, "properties": properties}
