"""The courier: claims what is due, sends it, notes what came of it. Several may run.

A delivery is claimed by one conditional UPDATE that raises its fence, and an outcome counts only
while the fence stands. Attempts are counted before they are made. No HTTP in a transaction. Who
dies between sending and noting leaves a lease that runs out, and it is sent again by the same id.
"""

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from common.errors import PermanentError
from common.tracing import bind
from notices import health, mail
from notices.events import Event
from notices.models import Attempt, Delivery, Endpoint
from notices.secrets import secrets_of
from notices.sending import Outcome, body_of, post
from notices.telling import WAKE
from tenants.scope import every_tenant, tenant_scope

logger = logging.getLogger(__name__)

BACKOFF: Final = (30, 120, 600, 3600, 6 * 3600, 24 * 3600)
"""Seconds until a delivery that failed is tried again, about."""
MOST_ATTEMPTS: Final = len(BACKOFF) + 1
LEASE: Final = timedelta(seconds=60)
"""Longer than an attempt takes."""
POLL_SECONDS: Final = 1.0
FAULT_SECONDS: Final = 5.0
THREADS: Final = 2
_LOOKED_AT: Final = 20
_EVERYBODYS: Final = "a courier delivers for every tenant"

State = Delivery.State


@dataclass(frozen=True)
class _Claim:
    delivery: Delivery
    fence: int
    attempt: Attempt


def run(stop: threading.Event) -> None:
    """Deliver until told to stop; what the database or a fault of ours prevents is done later."""
    while not stop.is_set():
        WAKE.clear()
        try:
            while not stop.is_set() and deliver_next():
                pass
        except Exception as error:
            expected = (DatabaseError, InterfaceError)
            logger.warning("the courier waits: %r", error, exc_info=not isinstance(error, expected))
            connection.close()
            stop.wait(FAULT_SECONDS)
        WAKE.wait(POLL_SECONDS)
    connection.close()


def deliver_all() -> int:
    """Deliver everything that is due; return how many attempts were made."""
    made = 0
    while deliver_next():
        made += 1
    return made


def deliver_next() -> bool:
    """Make the attempt that is due first; return False if there is none."""
    with every_tenant(_EVERYBODYS):
        claim = _claim_first(timezone.now())
    return claim is not None and _work(claim)


def deliver_now(delivery: Delivery) -> bool:
    """Make the next attempt of one delivery at once, for whoever waits for it; return False if
    somebody else makes it. In the tenant's scope, outside of a transaction."""
    claim = _claim(delivery, timezone.now())
    return claim is not None and _work(claim)


def _work(claim: _Claim) -> bool:
    delivery = claim.delivery
    with (
        tenant_scope(delivery.tenant_id),
        bind("", tenant=delivery.tenant_id),
    ):
        outcome = _attempt(delivery)
        if not note(claim, outcome):
            logger.info("another courier has taken delivery %s over", delivery.pk)
        elif outcome.is_delivered:
            logger.info("notice %s: delivered (%s)", delivery.notice_id, delivery.message_id)
        else:
            logger.warning(
                "notice %s: not delivered (%s): %s",
                delivery.notice_id,
                delivery.message_id,
                outcome.error,
            )
    return True


# ---- claiming


def due(now: datetime) -> QuerySet[Delivery]:
    """Return what may be sent now: nothing to an endpoint that is held or is being sent to."""
    leased = Delivery.objects.filter(state=State.WAITING, leased_until__gt=now)
    busy = set(leased.exclude(endpoint=None).values_list("endpoint_id", flat=True))
    is_free = Q(leased_until=None) | Q(leased_until__lte=now)
    may_go = (
        Q(endpoint=None)
        | Q(endpoint__held_until=None)
        | Q(endpoint__held_until__lte=now)
        | Q(notice__event=Event.PING)
    )
    rows: QuerySet[Delivery] = Delivery.objects.filter(
        is_free, may_go, state=State.WAITING, next_at__lte=now, tenant__is_active=True
    )
    return rows.exclude(endpoint_id__in=busy).order_by("next_at", "id")


def _claim_first(now: datetime) -> _Claim | None:
    found = due(now).select_related("notice", "endpoint", "user")
    for delivery in found[:_LOOKED_AT]:
        claim = _claim(delivery, now)
        if claim is not None:
            return claim
    return None


def _claim(delivery: Delivery, now: datetime) -> _Claim | None:
    """Take a delivery and count the attempt; None if another has it, or none is left."""
    held = Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence, state=State.WAITING)
    held = held.filter(Q(leased_until=None) | Q(leased_until__lte=now))
    if delivery.attempts >= MOST_ATTEMPTS:
        why = "the process that made the last attempt died before it noted what came of it"
        held.update(state=State.GIVEN_UP, error=why, ended_at=now, leased_until=None)
        return None
    with transaction.atomic():
        fence = delivery.fence + 1
        if not held.update(fence=fence, attempts=F("attempts") + 1, leased_until=now + LEASE):
            return None
        delivery.attempts += 1
        delivery.fence = fence
        attempt = Attempt.objects.create(
            tenant_id=delivery.tenant_id, delivery=delivery, number=fence, began_at=now
        )
    return _Claim(delivery, fence, attempt)


# ---- sending


def _attempt(delivery: Delivery) -> Outcome:
    notice, endpoint = delivery.notice, delivery.endpoint
    if endpoint is None:
        return mail.send(delivery, notice)
    if not endpoint.is_active and notice.event != Event.PING:
        return Outcome(False, 0, error="the webhook is switched off", is_final=True)
    now = timezone.now()
    try:
        signing = secrets_of(endpoint, now)
    except PermanentError as error:
        return Outcome(False, 0, error=str(error))
    return post(endpoint.url, signing, delivery.message_id, body_of(notice), now)


# ---- noting


def note(claim: _Claim, outcome: Outcome) -> bool:
    """Write down what came of an attempt; return False if another courier has taken over."""
    delivery, now = claim.delivery, timezone.now()
    values: dict[str, Any] = {
        "status": outcome.status,
        "error": outcome.error,
        "leased_until": None,
    }
    is_over = outcome.is_delivered or _is_last(delivery, outcome)
    if is_over:
        state = State.DELIVERED if outcome.is_delivered else State.GIVEN_UP
        values |= {"state": state, "ended_at": now}
    else:
        values |= {"next_at": now + wait_after(delivery.attempts)}
    with transaction.atomic():
        held = Delivery.objects.filter(pk=delivery.pk, fence=claim.fence, state=State.WAITING)
        if not held.update(**values):
            return False
        Attempt.objects.filter(pk=claim.attempt.pk).update(
            ended_at=now,
            milliseconds=outcome.milliseconds,
            is_delivered=outcome.is_delivered,
            status=outcome.status,
            answer=outcome.answer,
            error=outcome.error,
        )
        if delivery.endpoint_id is not None:
            is_test = delivery.notice.event == Event.PING
            health.note(Endpoint.objects.filter(pk=delivery.endpoint_id), outcome, now, is_test)
    return True


def _is_last(delivery: Delivery, outcome: Outcome) -> bool:
    if outcome.is_final or outcome.is_gone or delivery.notice.event == Event.PING:
        return True
    return delivery.attempts >= MOST_ATTEMPTS


def wait_after(attempts: int, jitter: Callable[[], float] = random.random) -> timedelta:
    """Return how long to wait after so many attempts have failed: 0 to 20 % more than told."""
    seconds = BACKOFF[min(attempts, len(BACKOFF)) - 1]
    return timedelta(seconds=seconds * (1 + jitter() / 5))
