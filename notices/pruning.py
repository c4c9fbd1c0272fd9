"""Old notices are forgotten, with the log of their deliveries."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from notices.models import Notice
from tenants.scope import every_tenant

AT_ONCE: Final = 200


def prune(now: datetime | None = None) -> int:
    """Delete some that are older than NOTICE_KEEP_DAYS; return how many.

    Meant to be called at every sweep: it reads a few of the oldest by their index.
    """
    before = (now or timezone.now()) - timedelta(days=settings.NOTICE_KEEP_DAYS)
    with every_tenant("old notices of every tenant are forgotten"):
        rows = Notice.objects.filter(occurred_at__lt=before).order_by("occurred_at")
        old = list(rows.values_list("pk", flat=True)[:AT_ONCE])
        if old:
            Notice.objects.filter(pk__in=old).delete()
    return len(old)
