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
from integrations.credentials import addresses, base_url_needs_secret, change_credentials
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

    Of one that is there what is not given stays as it is; another address demands the
    credentials again. In the tenant's scope. Nothing is sent. Raises UsageError that says what
    is wrong.
    """
    connector = connector_for(connection.provider)
    if slugify(connection.name) != connection.name:
        raise UsageError(
            f"{connection.name!r} is no name: lower-case letters, digits and hyphens only"
        )
    with transaction.atomic():
        integration, is_new = Integration.objects.get_or_create(
            tenant=tenant, name=connection.name, defaults={"provider": connector.slug}
        )
        if integration.provider != connector.slug:
            raise UsageError(
                f"integration {integration.name} is one of {integration.provider}; "
                "give another name"
            )
        method = connection.method or integration.auth_method or connector.auth_methods[0].slug
        _readdress(connector, integration, connection)
        integration.is_healthy, integration.health_message = None, ""
        integration.save()
        change_credentials(integration, method, connection.credentials)
    return integration, is_new


def _readdress(connector: Connector, integration: Integration, connection: Connection) -> None:
    """Take over address and settings; raise UsageError if the stored secret would go elsewhere."""
    url = connection.base_url or integration.base_url or connector.default_url
    if not url:
        raise UsageError(f"{connector.label} needs a base URL, such as https://jira.example.com")
    url = check_url(url)
    changed = _settings(connector, integration, connection.settings)
    settings = {**integration.settings, **changed}
    is_moved = base_url_needs_secret(integration.base_url, url) or (
        addresses(settings) != addresses(integration.settings)
    )
    if is_moved and integration.credentials and not any(connection.credentials.values()):
        raise UsageError(
            f"integration {integration.name} would send its credentials to another address: "
            "enter them again together with it"
        )
    integration.base_url, integration.settings = url, settings


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
        raise UsageError(_wrong_setting(str(error), given)) from None
    values: dict[str, Any] = msgspec.to_builtins(typed)
    return {name: values[name] for name in given}


def _wrong_setting(error: str, given: Mapping[str, str]) -> str:
    """Return what is wrong with a setting: msgspec names its place at the end, if any."""
    what, _, name = error.rstrip("`").partition(" - at `$.")
    value = f"{given[name]!r} will not do: " if name in given else ""
    what = what.replace(", got `str`", "").replace("Expected", "expected")
    return f"setting {name}: {value}{what}" if name else f"setting {what}"


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
