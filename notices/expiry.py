"""Credentials that are about to expire: told 14 and 3 days before, and on the day, once each."""

from datetime import datetime, timedelta
from math import ceil
from typing import Final

from django.db import transaction
from django.utils import timezone

from integrations.models import Integration
from notices.events import Event
from notices.models import Notice
from notices.telling import tell
from tenants.scope import every_tenant

DAYS: Final = (0, 3, 14)
_LONG_AGO: Final = timedelta(days=30)
_DAY: Final = timedelta(days=1)


def look(now: datetime | None = None) -> int:
    """Tell of credentials that are about to expire or just did; return of how many now.

    Meant to be called at every sweep, by several schedulers.
    """
    now = now or timezone.now()
    with every_tenant("credentials of every tenant expire"):
        rows = Integration.objects.filter(
            is_active=True,
            tenant__is_active=True,
            credentials_expire_at__lte=now + DAYS[-1] * _DAY,
            credentials_expire_at__gt=now - _LONG_AGO,
        )
        wanted = {_key(row, now): row for row in rows}
        if not wanted:
            return 0
        told = Notice.objects.filter(
            tenant_id__in={row.tenant_id for row in wanted.values()}, key__in=wanted
        )
        known = set(told.values_list("key", flat=True))
    return sum(_tell(row, key, now) for key, row in wanted.items() if key not in known)


def _key(row: Integration, now: datetime) -> str:
    """Return what names the notice: a later expiry is another, and so is each of DAYS."""
    expires_at = _end(row)
    days = next(days for days in DAYS if expires_at - now <= days * _DAY)
    return f"{Event.CREDENTIALS_EXPIRING}:{row.pk}:{expires_at.isoformat()}:{days}"


def _end(row: Integration) -> datetime:
    assert row.credentials_expire_at is not None
    return row.credentials_expire_at


def _tell(row: Integration, key: str, now: datetime) -> bool:
    payload = {
        "integration": {"id": row.pk, "name": row.name, "provider": row.provider},
        "expires_at": _end(row).isoformat(),
        "days_left": max(0, ceil((_end(row) - now) / _DAY)),
    }
    with transaction.atomic():
        notice = tell(
            row.tenant_id, Event.CREDENTIALS_EXPIRING, key, payload, integration_id=row.pk
        )
    return notice is not None
