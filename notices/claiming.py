"""Who sends what next: a delivery is claimed by one courier, and tenants take turns.

Of a tenant one delivery at a time is under way, so one whose receivers are slow costs the others
no more than one courier.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from itertools import count
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from notices.events import Event
from notices.models import Attempt, Delivery
from tenants.models import Tenant

BACKOFF: Final = (30, 120, 600, 3600, 6 * 3600, 24 * 3600)
"""Seconds until a delivery that failed is tried again, about."""
MOST_ATTEMPTS: Final = len(BACKOFF) + 1
_LOOKED_AT: Final = 20

State = Delivery.State


class Way(Enum):
    """How a delivery goes; each way has couriers of its own, so that none waits for another."""

    WEBHOOK = "webhook"
    MAIL = "mail"


LEASES: Final = {Way.WEBHOOK: timedelta(seconds=60), Way.MAIL: timedelta(minutes=5)}
"""Longer than an attempt takes. A mail server may take EMAIL_TIMEOUT for each of some ten replies,
after as long for each address of its name."""


@dataclass(frozen=True)
class Claim:
    """A delivery that this process sends now, and may note the outcome of while its fence holds."""

    delivery: Delivery
    fence: int
    attempt: Attempt


class _Turns:
    """Whom this process served when: who was not for the longest time is next."""

    def __init__(self) -> None:
        self._served: dict[tuple[Way, int], int] = {}
        self._count = count(1)

    def in_order(self, way: Way, tenant_ids: Iterable[int]) -> list[int]:
        return sorted(tenant_ids, key=lambda each: self._served.get((way, each), 0))

    def note(self, way: Way, tenant_id: int) -> None:
        self._served[way, tenant_id] = next(self._count)


_TURNS: Final = _Turns()


def due(way: Way, now: datetime) -> QuerySet[Delivery]:
    """Return what may be sent now, the oldest first: nothing to an endpoint that is held."""
    is_free = Q(leased_until=None) | Q(leased_until__lte=now)
    may_go = (
        Q(endpoint__held_until=None)
        | Q(endpoint__held_until__lte=now)
        | Q(notice__event=Event.PING)
    )
    rows: QuerySet[Delivery] = Delivery.objects.filter(
        is_free, may_go, _goes(way), state=State.WAITING, next_at__lte=now
    )
    return rows.order_by("next_at", "id")


def claim_first(way: Way, now: datetime) -> Claim | None:
    """Claim the oldest delivery of the tenant whose turn it is; None if nothing is due."""
    rows = due(way, now).select_related("notice", "endpoint", "user")
    for tenant_id in _TURNS.in_order(way, _idle_tenants(way, now)):
        for delivery in rows.filter(tenant_id=tenant_id)[:_LOOKED_AT]:
            claim = claim_one(delivery, now, in_turn=True)
            if claim is not None:
                _TURNS.note(way, tenant_id)
                return claim
    return None


def claim_one(delivery: Delivery, now: datetime, *, in_turn: bool) -> Claim | None:
    """Take a delivery and count the attempt; None if another has it, or no attempt is left.

    in_turn: only while nothing else of the tenant is on the same way.
    """
    way = Way.MAIL if delivery.endpoint_id is None else Way.WEBHOOK
    held = Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence, state=State.WAITING)
    held = held.filter(Q(leased_until=None) | Q(leased_until__lte=now))
    if delivery.attempts >= MOST_ATTEMPTS:
        why = "the process that made the last attempt died before it noted what came of it"
        held.update(state=State.GIVEN_UP, error=why, ended_at=now, leased_until=None)
        return None
    with transaction.atomic():
        if in_turn:
            # Of two couriers that saw the tenant idle the second waits here for the first.
            Tenant.objects.select_for_update(no_key=True).get(pk=delivery.tenant_id)
            others = _under_way(way, now).filter(tenant_id=delivery.tenant_id)
            held = held.filter(~Exists(others))
        fence = delivery.fence + 1
        leased_until = timezone.now() + LEASES[way]
        if not held.update(fence=fence, attempts=F("attempts") + 1, leased_until=leased_until):
            return None
        delivery.attempts += 1
        delivery.fence = fence
        number = Attempt.objects.filter(delivery=delivery).count() + 1
        attempt = Attempt.objects.create(
            tenant_id=delivery.tenant_id, delivery=delivery, number=number, began_at=now
        )
    return Claim(delivery, fence, attempt)


def _goes(way: Way) -> Q:
    return Q(endpoint__isnull=way is Way.MAIL)


def _under_way(way: Way, now: datetime) -> QuerySet[Delivery]:
    rows: QuerySet[Delivery] = Delivery.objects.filter(
        _goes(way), state=State.WAITING, leased_until__gt=now
    )
    return rows


def _idle_tenants(way: Way, now: datetime) -> list[int]:
    """Return those for whom something is due and nothing under way, the oldest first."""
    busy = set(_under_way(way, now).values_list("tenant_id", flat=True))
    first = due(way, now).filter(tenant_id=OuterRef("pk")).values("next_at")[:1]
    tenants = Tenant.objects.filter(is_active=True).exclude(pk__in=busy)
    tenants = tenants.annotate(oldest=Subquery(first)).exclude(oldest=None)
    return list(tenants.order_by("oldest", "pk").values_list("pk", flat=True))
