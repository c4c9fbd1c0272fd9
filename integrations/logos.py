"""Logos of integrations: small PNGs, drawn anew from what people upload."""

from typing import Final

from django.db import transaction

from common.digest import content_digest
from common.images import small_png
from integrations.models import Integration, Logo

LONGEST: Final = 128
"""Pixels of the longer side; shown at up to 56."""


def keep_logo(integration: Integration, data: bytes) -> None:
    """Keep a picture as the integration's logo; raise UsageError that says what is wrong."""
    image = small_png(data, longest=LONGEST)
    with transaction.atomic():
        Logo.objects.update_or_create(
            tenant_id=integration.tenant_id, integration=integration, defaults={"image": image}
        )
        integration.logo_digest = content_digest(image)
        integration.save(update_fields=["logo_digest", "updated_at"])


def remove_logo(integration: Integration) -> None:
    """Go back to the provider's initial."""
    with transaction.atomic():
        Logo.objects.filter(integration=integration).delete()
        integration.logo_digest = ""
        integration.save(update_fields=["logo_digest", "updated_at"])


def logo_of(integration: Integration) -> bytes | None:
    """Return the PNG, None if there is none."""
    found = Logo.objects.filter(integration=integration).values_list("image", flat=True).first()
    return None if found is None else bytes(found)
