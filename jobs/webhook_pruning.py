"""Old deliveries of webhooks are forgotten, with their bodies: nothing is made again from them."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from integrations.models import WebhookDelivery
from tenants.scope import every_tenant

AT_ONCE: Final = 200


def prune(now: datetime | None = None) -> int:
    """Delete some that are older than WEBHOOK_KEEP_DAYS; return how many.

    Those that wait to be fetched stay. Meant to be called at every sweep: it reads a few of the
    oldest by their key.
    """
    before = (now or timezone.now()) - timedelta(days=settings.WEBHOOK_KEEP_DAYS)
    with every_tenant("old deliveries of every tenant are forgotten"):
        rows = WebhookDelivery.objects.exclude(state=WebhookDelivery.State.WAITING).order_by("pk")
        oldest = rows.values_list("pk", "received_at")[:AT_ONCE]
        old = [pk for pk, received_at in oldest if received_at < before]
        if old:
            WebhookDelivery.objects.filter(pk__in=old).delete()
    return len(old)
