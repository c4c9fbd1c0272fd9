"""Connecting: an integration with its address, settings and credentials; testing it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify

from common.errors import PipelineError, UsageError
from integrations.contract import Check, Connector
from integrations.credentials import store_credentials
from integrations.egress import check_url
from integrations.live import LiveSource
from integrations.models import Integration
from integrations.registry import connector_for
from tenants.models import Tenant


@dataclass(frozen=True)
class Connection:
    """What connects an integration. method: how to sign in, empty for the provider's first.

    settings: as text, as a person gives them; they are added to those that are kept.
    """

    provider: str
    name: str
    base_url: str = ""
    method: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def connect(tenant: Tenant, connection: Connection) -> tuple[Integration, bool]:
    """Make or change an integration of a tenant; return it and whether it is new.

    In the tenant's scope. Nothing is sent. Raises UsageError that says what is wrong.
    """
    connector = connector_for(connection.provider)
    if slugify(connection.name) != connection.name:
        raise UsageError(
            f"{connection.name!r} is no name: lower-case letters, digits and hyphens only"
        )
    base_url = check_url(connection.base_url or connector.default_url)
    method = connection.method or connector.auth_methods[0].slug
    with transaction.atomic():
        integration, is_new = Integration.objects.get_or_create(
            tenant=tenant, name=connection.name, defaults={"provider": connector.slug}
        )
        if integration.provider != connector.slug:
            raise UsageError(
                f"integration {integration.name} is one of {integration.provider}; "
                "give another name"
            )
        integration.base_url = base_url
        integration.settings = {
            **integration.settings,
            **_settings(connector, integration, connection.settings),
        }
        integration.is_healthy, integration.health_message = None, ""
        integration.save()
        store_credentials(integration, method, connection.credentials)
    return integration, is_new


def _settings(
    connector: Connector, integration: Integration, given: Mapping[str, str]
) -> dict[str, Any]:
    """Return settings in the types that the provider declares; raise UsageError."""
    known = connector.settings_type.__struct_fields__
    if unknown := sorted(set(given) - set(known)):
        raise UsageError(
            f"{connector.label} has no setting {', '.join(unknown)}; there are: {', '.join(known)}"
        )
    try:
        typed = msgspec.convert(
            {**integration.settings, **given}, connector.settings_type, strict=False
        )
    except msgspec.ValidationError as error:
        raise UsageError(f"setting of {connector.slug}: {error}") from None
    values: dict[str, Any] = msgspec.to_builtins(typed)
    return {name: values[name] for name in given}


def check(integration: Integration) -> list[Check]:
    """Test an integration step by step and keep what was found as its health."""
    found: list[Check] = []
    try:
        live = LiveSource(integration, mode="incremental", started_at=timezone.now())
        live.site  # noqa: B018 - signs in, which may fail by itself
        found.extend(connector_for(integration.provider).check(live))
    except PipelineError as error:
        found.append(
            Check(step="connect", request=integration.base_url, is_ok=False, detail=str(error))
        )
    failed = next((each for each in found if not each.is_ok), None)
    integration.is_healthy = failed is None
    integration.health_message = "" if failed is None else f"{failed.step}: {failed.detail}"
    integration.health_checked_at = timezone.now()
    integration.save(update_fields=["is_healthy", "health_message", "health_checked_at"])
    return found
