"""New values without a rule: told at the end of a run, each once while it has none."""

from datetime import datetime
from typing import Final

from django.db import transaction

from integrations.models import Integration
from mappings.inbox import Entry, Kind, count_items, read_names
from mappings.models import StatusResolution, WitResolution
from notices.events import Event
from notices.models import ToldValues
from notices.telling import tell
from tenants.scope import tenant_scope

NAMED: Final = 20
_LONGEST: Final = 200


def tell_unmapped(integration: Integration, now: datetime, cause: str) -> None:
    """Tell which types and statuses came into the inbox since it was last told of an integration.

    cause: what brought them, for the key. One that got a rule and lost it is told again. In the
    transaction that ends the run.
    """
    with tenant_scope(integration.tenant_id), transaction.atomic():
        told, _ = ToldValues.objects.select_for_update().get_or_create(
            tenant_id=integration.tenant_id, integration=integration
        )
        entries = _entries(integration)
        known = set(told.keys)
        new = [each for each in entries if each.key not in known]
        keys = sorted({each.key for each in entries})
        if keys != told.keys:
            ToldValues.objects.filter(pk=told.pk).update(keys=keys)
        if new:
            count_items(integration.tenant_id, new)
            _tell(integration, new, now, cause)


def _entries(integration: Integration) -> list[Entry]:
    owned = {"tenant_id": integration.tenant_id, "integration_id": integration.pk, "mapping": None}
    kinds = [
        kind
        for kind, model in ((Kind.TYPE, WitResolution), (Kind.STATUS, StatusResolution))
        if model.objects.filter(**owned).exists()
    ]
    return read_names(integration.tenant_id, [integration], kinds).entries if kinds else []


def _tell(integration: Integration, new: list[Entry], now: datetime, cause: str) -> None:
    payload = {
        "integration": {
            "id": integration.pk,
            "name": integration.name,
            "provider": integration.provider,
        },
        "count": len(new),
        "values": [
            {
                "kind": str(each.kind),
                "name": (each.name or f"id {each.source_ids[0]}")[:_LONGEST],
                "projects": each.projects[:NAMED],
                "items": each.item_count,
            }
            for each in new[:NAMED]
        ],
    }
    tell(
        integration.tenant_id,
        Event.VALUES_UNMAPPED,
        f"{Event.VALUES_UNMAPPED}:{integration.pk}:{cause}:{now.isoformat()}",
        payload,
        integration_id=integration.pk,
        occurred_at=now,
    )
