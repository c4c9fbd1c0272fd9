"""The health of endpoints: one that fails is held off a while, and switched off after three days.

So one that does not answer costs its tenant and the others a few seconds every few minutes.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce

from notices.events import Event
from notices.models import Endpoint
from notices.sending import Outcome
from notices.telling import tell

PATIENCE: Final = timedelta(days=3)
"""So long an endpoint may fail without a success before it is switched off."""
_HOLDS: Final = (0, 10, 30, 60, 120, 300)
"""Seconds for which nothing is sent to an endpoint, by its failures in a row."""


def note(rows: QuerySet[Endpoint], outcome: Outcome, now: datetime, is_test: bool) -> None:
    """Note an outcome with the endpoint, which rows finds. In the transaction of the outcome.

    A test that fails changes nothing; one that succeeds lets what is held go on.
    """
    if outcome.is_delivered:
        rows.update(failures=0, failing_since=None, held_until=None, succeeded_at=now)
        return
    if outcome.is_gone:
        disable(rows, outcome.error, now)
        return
    if is_test or outcome.is_final or outcome.is_fault:
        return
    rows.update(failures=F("failures") + 1, failing_since=Coalesce("failing_since", Value(now)))
    row = rows.first()
    if row is None or row.failing_since is None:
        return
    if now - row.failing_since >= PATIENCE:
        disable(rows, f"it has failed for {PATIENCE.days} days, at last: {outcome.error}", now)
    else:
        seconds = _HOLDS[min(row.failures, len(_HOLDS)) - 1]
        rows.update(held_until=now + timedelta(seconds=seconds))


def disable(rows: QuerySet[Endpoint], reason: str, now: datetime) -> None:
    """Switch an endpoint off and tell the tenant's administrators, once; what waits for it is
    given up as it falls due."""
    changed = rows.filter(is_active=True).update(
        is_active=False, disabled_because=reason, held_until=None
    )
    row = rows.first() if changed else None
    if row is None:
        return
    tell(
        row.tenant_id,
        Event.WEBHOOK_DISABLED,
        f"webhook:{row.pk}:disabled:{now.isoformat()}",
        {"webhook": {"id": row.pk, "name": row.name}, "reason": reason},
        occurred_at=now,
    )
