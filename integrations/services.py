"""Connecting: an integration with its address, settings and credentials."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.db import transaction
from django.utils.text import slugify

from common.errors import UsageError
from integrations.contract import Connector
from integrations.credentials import addresses, base_url_needs_secret, change_credentials
from integrations.egress import check_url
from integrations.errors import FieldError
from integrations.models import Integration
from integrations.registry import connector_for
from tenants.models import Tenant


@dataclass(frozen=True)
class Connection:
    """What connects an integration. method: how to sign in, empty for the provider's first.

    settings: as text, as a person gives them; they are added to those that are kept. unset: the
    settings that go back to their default. signs_in: False for one that is fed by imports and so
    needs neither credentials nor an address.
    """

    provider: str
    name: str
    base_url: str = ""
    method: str = ""
    credentials: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    unset: Collection[str] = ()
    signs_in: bool = True

    @property
    def gives_credentials(self) -> bool:
        """Whether any value of a credential is given."""
        return any(value.strip() for value in self.credentials.values())


def connect(
    tenant: Tenant, connection: Connection, *, only_new: bool = False
) -> tuple[Integration, bool]:
    """Make or change an integration of a tenant; return it and whether it is new.

    Of one that is there what is not given stays as it is; another address demands the
    credentials again. only_new: one that is there is refused. In the tenant's scope. Nothing is
    sent. Raises UsageError that says what is wrong, a FieldError where it is one value.
    """
    connector = connector_for(connection.provider)
    check_name(connection.name)
    with transaction.atomic():
        integration, is_new = Integration.objects.get_or_create(
            tenant=tenant, name=connection.name, defaults={"provider": connector.slug}
        )
        if only_new and not is_new:
            raise FieldError("name", f"there is an integration {integration.name} already")
        if integration.provider != connector.slug:
            raise FieldError(
                "name",
                f"integration {integration.name} is one of {integration.provider}; "
                "give another name",
            )
        method = method_of(connector, integration, connection)
        take_over(connector, integration, connection)
        integration.is_healthy, integration.health_message = None, ""
        integration.save()
        if connection.signs_in:
            change_credentials(integration, method, connection.credentials)
    return integration, is_new


def check_name(name: str) -> None:
    """Raise FieldError unless it is a name that an integration can have."""
    if slugify(name) != name or not name:
        raise FieldError(
            "name", f"{name!r} is no name: lower-case letters, digits and hyphens only"
        )
    if len(name) > 64:
        raise FieldError("name", f"{name[:64]!r}… is too long for a name: at most 64 characters")


def method_of(connector: Connector, integration: Integration, connection: Connection) -> str:
    """Return the way to sign in: the one that is given, or used, or the provider's first."""
    return connection.method or integration.auth_method or connector.auth_methods[0].slug


def take_over(connector: Connector, integration: Integration, connection: Connection) -> None:
    """Put address and settings into an integration; nothing is saved.

    Raises FieldError for what will not do, and if the stored secret would go elsewhere.
    """
    url = connection.base_url or integration.base_url or connector.default_url
    if not url and connection.signs_in:
        example = connector.url_example or "https://jira.example.com"
        raise FieldError("base_url", f"{connector.label} needs a base URL, such as {example}")
    try:
        url = check_url(url) if url else ""
    except UsageError as error:
        raise FieldError("base_url", str(error)) from None
    settings = _settings(connector, integration, connection)
    if integration.credentials and not connection.gives_credentials:
        _check_unmoved(connector, integration, url, settings)
    integration.base_url, integration.settings = url, settings


def _check_unmoved(
    connector: Connector, integration: Integration, url: str, settings: Mapping[str, Any]
) -> None:
    """Raise FieldError if requests, and with them the stored secret, would go elsewhere."""
    place = "base_url" if base_url_needs_secret(integration.base_url, url) else ""
    before = addresses(connector, integration.settings)
    for name, value in addresses(connector, settings).items():
        if value != before[name]:
            place = place or f"settings.{name}"
    if place:
        raise FieldError(
            place,
            f"integration {integration.name} would send its credentials to another address: "
            "enter them again together with it",
        )


def _settings(
    connector: Connector, integration: Integration, connection: Connection
) -> dict[str, Any]:
    """Return the settings in the types that the provider declares; raise FieldError."""
    given, known = connection.settings, connector.settings_type.__struct_fields__
    if unknown := sorted({*given, *connection.unset} - set(known)):
        raise FieldError(
            "settings",
            f"{connector.label} has no setting {', '.join(unknown)}; there are: {', '.join(known)}",
        )
    kept = {
        name: value for name, value in integration.settings.items() if name not in connection.unset
    }
    try:
        typed = msgspec.convert({**kept, **given}, connector.settings_type, strict=False)
    except msgspec.ValidationError as error:
        raise wrong_setting(str(error), given, known) from None
    values: dict[str, Any] = msgspec.to_builtins(typed)
    return {**kept, **{name: values[name] for name in given}}


def wrong_setting(error: str, given: Mapping[str, str], known: Collection[str]) -> FieldError:
    """Return what is wrong with a setting: msgspec names its place at the end, a provider's own
    check at the beginning."""
    what, _, name = error.rstrip("`").partition(" - at `$.")
    what = what.replace(", got `str`", "").replace("Expected", "expected")
    if name:
        value = f"{given[name]!r} will not do: " if name in given else ""
        return FieldError(f"settings.{name}", f"setting {name}: {value}{what}")
    name = what.partition(":")[0]
    return FieldError(f"settings.{name}" if name in known else "settings", f"setting {what}")
