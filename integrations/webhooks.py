"""The webhook of an integration: its address and secret, and whether a delivery is genuine."""

import hmac
import secrets
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from common.errors import PermanentError, UsageError
from integrations.contract import Connector
from integrations.contract.webhooks import TakesWebhooks
from integrations.credentials import secret_box
from integrations.models import Integration, Webhook
from integrations.registry import connector_for, connectors
from tenants.scope import every_tenant

PREFIX: Final = "sha256="
_NOBODYS: Final = secrets.token_urlsafe(32)
_SECRET: Final = "secret"  # noqa: S105


def webhooks_of(connector: Connector) -> TakesWebhooks | None:
    """Return how a provider reads webhooks, None where it takes none."""
    return _declared_by(type(connector).__module__.rpartition(".")[0])


@cache
def _declared_by(package: str) -> TakesWebhooks | None:
    name = f"{package}.webhooks"
    if find_spec(name) is None:
        return None
    module: Any = import_module(name)
    found: TakesWebhooks = module
    return found


def make_webhook(integration: Integration) -> tuple[Webhook, str]:
    """Give an integration an address and a secret, in place of those that it has; return the
    webhook and its secret, which is told this once.

    Raises UsageError if its provider sends none. In the tenant's scope.
    """
    connector = connector_for(integration.provider)
    if webhooks_of(connector) is None:
        raise UsageError(f"{connector.label} sends no webhooks that are understood here")
    secret = secrets.token_urlsafe(32)
    values = {
        "public_id": secrets.token_urlsafe(24),
        "secret": secret_box().seal({_SECRET: secret}, _context(integration)),
        "created_at": timezone.now(),
    }
    with transaction.atomic():
        hook, _ = Webhook.objects.update_or_create(
            tenant_id=integration.tenant_id, integration=integration, defaults=values
        )
    return hook, secret


def end_webhook(integration: Integration) -> bool:
    """Take the address away; return whether there was one. What was delivered stays."""
    count, _ = Webhook.objects.filter(integration=integration).delete()
    return bool(count)


def _context(integration: Integration) -> str:
    return f"webhook of tenant {integration.tenant_id} integration {integration.pk}"


def genuine(
    public_id: str, headers: Mapping[str, str], body: bytes
) -> tuple[Integration, TakesWebhooks] | None:
    """Return whose a delivery is, and how it is read; None unless its signature is right.

    headers: by their names in small letters. One that is not active takes none. What is unknown
    takes as long as what is forged.
    """
    with every_tenant("a webhook is found by its own id"):
        hook = (
            Webhook.objects.select_related("integration__tenant")
            .filter(
                public_id=public_id,
                integration__is_active=True,
                integration__tenant__is_active=True,
            )
            .first()
        )
    integration = hook.integration if hook is not None else None
    connector = connectors().get(integration.provider) if integration is not None else None
    takes = webhooks_of(connector) if connector is not None else None
    header = takes.SIGNATURE_HEADER if takes is not None else "X-Hub-Signature"
    is_right = _is_signed(body, headers.get(header.lower(), ""), _secret_of(hook))
    if integration is None or takes is None or not is_right:
        return None
    return integration, takes


def _secret_of(hook: Webhook | None) -> str:
    if hook is None:
        return _NOBODYS
    try:
        return secret_box().unseal(hook.secret, _context(hook.integration))[_SECRET]
    except PermanentError:  # sealed by a key that is lost: nobody can sign for it
        return _NOBODYS


def _is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Compare in constant time, whatever was given."""
    expected = PREFIX + hmac.new(secret.encode(), body, sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode(errors="replace"))
