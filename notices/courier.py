"""The courier: claims what is due, sends it, notes what came of it. Several may run.

A delivery is claimed (`notices.claiming`) by one conditional UPDATE that raises its fence, and an
outcome counts only while the fence stands. Attempts are counted before they are made. No HTTP in a
transaction. Who dies between sending and noting leaves a lease that runs out, and it is sent again
by the same id.
"""

import logging
import random
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.db import DatabaseError, InterfaceError, connection, transaction
from django.utils import timezone

from common.errors import PermanentError
from common.tracing import bind
from notices import health, mail
from notices.claiming import BACKOFF, MOST_ATTEMPTS, Claim, Way, claim_first, claim_one
from notices.events import Event
from notices.models import Attempt, Delivery, Endpoint
from notices.secrets import secrets_of
from notices.sending import Outcome, body_of, post
from notices.telling import WAKE
from tenants.scope import every_tenant, tenant_scope

logger = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
FAULT_SECONDS: Final = 5.0
CLOSED_SECONDS: Final = 60.0
"""So long a courier leaves a way alone that is closed, such as a mail server that is away."""
COURIERS: Final = (*(Way.WEBHOOK,) * 4, Way.MAIL)
"""The way of each courier of a process."""
_EVERYBODYS: Final = "a courier delivers for every tenant"


def run(way: Way, stop: threading.Event) -> None:
    """Deliver until told to stop; what the database or a fault of ours prevents is done later."""
    while not stop.is_set():
        WAKE.clear()
        try:
            while not stop.is_set() and (outcome := deliver_next(way)):
                if outcome.is_way_closed:
                    stop.wait(CLOSED_SECONDS)
        except Exception as error:
            expected = (DatabaseError, InterfaceError)
            logger.warning("the courier waits: %r", error, exc_info=not isinstance(error, expected))
            connection.close()
            stop.wait(FAULT_SECONDS)
        WAKE.wait(POLL_SECONDS)
    connection.close()


def deliver_all() -> int:
    """Deliver everything that is due; return how many attempts were made. Of a way that turns out
    to be closed the rest is left."""
    made = 0
    for way in Way:
        while outcome := deliver_next(way):
            made += 1
            if outcome.is_way_closed:
                break
    return made


def deliver_next(way: Way) -> Outcome | None:
    """Make the attempt that is due first; return what came of it, None if there is none."""
    with every_tenant(_EVERYBODYS):
        claim = claim_first(way, timezone.now())
    return None if claim is None else _work(claim)


def deliver_now(delivery: Delivery) -> bool:
    """Make the next attempt of one delivery at once, for whoever waits for it; return False if
    somebody else makes it. In the tenant's scope, outside of a transaction."""
    claim = claim_one(delivery, timezone.now(), in_turn=False)
    if claim is None:
        return False
    _work(claim)
    return True


def _work(claim: Claim) -> Outcome:
    delivery = claim.delivery
    with (
        tenant_scope(delivery.tenant_id),
        bind("", tenant=delivery.tenant_id),
    ):
        outcome = _tried(delivery)
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
    return outcome


# ---- sending


def _tried(delivery: Delivery) -> Outcome:
    """Return what came of an attempt, also if it fails by a fault of ours."""
    try:
        return _attempt(delivery)
    except (DatabaseError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("notice %s: a fault of ours kept it from being sent", delivery.notice_id)
        told = f"a fault of ours kept it from being sent ({type(error).__name__}): see the log"
        return Outcome(False, 0, error=told, is_fault=True)


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


def note(claim: Claim, outcome: Outcome) -> bool:
    """Write down what came of an attempt; return False if another courier has taken over."""
    delivery, now = claim.delivery, timezone.now()
    values: dict[str, Any] = {
        "status": outcome.status,
        "error": outcome.error,
        "leased_until": None,
    }
    is_over = outcome.is_delivered or _is_last(delivery, outcome)
    if is_over:
        state = Delivery.State.DELIVERED if outcome.is_delivered else Delivery.State.GIVEN_UP
        values |= {"state": state, "ended_at": now}
    else:
        values |= {"next_at": now + wait_after(delivery.attempts)}
    with transaction.atomic():
        held = Delivery.objects.filter(
            pk=delivery.pk, fence=claim.fence, state=Delivery.State.WAITING
        )
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
