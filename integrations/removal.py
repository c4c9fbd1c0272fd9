"""Removing an integration, which is possible only while nothing depends on it."""

from typing import Final

from django.db import transaction

from common.errors import UsageError
from integrations.glances import glances_at
from integrations.models import Checkpoint, Integration, Logo, Webhook

_GOES_ALONG: Final = (Logo, Checkpoint, Webhook)


def dependents(integration: Integration) -> list[str]:
    """Return what would be left without its owner, in words; in the tenant's scope."""
    found = []
    for relation in Integration._meta.related_objects:
        model = relation.related_model
        if model in _GOES_ALONG or not hasattr(model, "_default_manager"):
            continue
        name = relation.field.name
        count = model._default_manager.filter(**{name: integration}).count()
        if count:
            meta = model._meta
            words = meta.verbose_name if count == 1 else meta.verbose_name_plural
            found.append(f"{count:,} {words}")
    if glances_at([integration.pk])[integration.pk].is_loaded:
        found.append("loaded rows")
    return found


def remove(integration: Integration) -> None:
    """Delete an integration that was connected and never used.

    Raises UsageError that names what depends on it: such a one is deactivated instead, since its
    rows would stay without an owner. In the tenant's scope.
    """
    with transaction.atomic():
        Integration.objects.select_for_update().get(pk=integration.pk)
        found = dependents(integration)
        if found:
            raise UsageError(
                f"integration {integration.name} cannot be deleted, for it has {', '.join(found)}: "
                "deactivate it instead, then nothing more is fetched and what is loaded stays"
            )
        integration.delete()
