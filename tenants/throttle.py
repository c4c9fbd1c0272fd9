"""Slows down guessing of passwords: by name and address together, so that nobody is locked out
by what somebody else does from elsewhere."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F
from django.utils import timezone

from tenants.models import LoginFailure

FREE_FAILURES: Final = 5
"""So many wrong passwords cost nothing; each further one doubles the wait."""
FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=15)
FORGOTTEN: Final = timedelta(hours=1)


def key_of(username: str, address: str) -> str:
    """Return under which key failures of this name from this address are counted."""
    return hashlib.sha256(f"{username.strip().casefold()}\0{address}".encode()).hexdigest()


def blocked_until(key: str) -> datetime | None:
    """Return until when no password is looked at, or None if one may be tried now."""
    now = timezone.now()
    row = LoginFailure.objects.filter(key=key, last_at__gt=now - FORGOTTEN).first()
    if row is None or row.count < FREE_FAILURES:
        return None
    doublings = min(row.count - FREE_FAILURES, 10)
    until: datetime = row.last_at + min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
    return until if until > now else None


def failed(key: str) -> None:
    """Count a wrong password, and forget the failures of an hour ago."""
    now = timezone.now()
    LoginFailure.objects.filter(last_at__lte=now - FORGOTTEN).delete()
    _row, created = LoginFailure.objects.get_or_create(
        key=key, defaults={"count": 1, "last_at": now}
    )
    if not created:
        LoginFailure.objects.filter(key=key).update(count=F("count") + 1, last_at=now)


def succeeded(key: str) -> None:
    """Forget the failures: the right password was given."""
    LoginFailure.objects.filter(key=key).delete()
