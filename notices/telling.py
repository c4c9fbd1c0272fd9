"""Telling: a notice and its deliveries, written with what happened. Nothing is sent here."""

import secrets
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from notices.events import Event
from notices.models import Delivery, Endpoint, Notice, Subscription
from tenants.models import Role
from tenants.scope import tenant_scope

WAKE: Final = threading.Event()
"""Set when there is something to deliver, for couriers of this process."""


def tell(
    tenant_id: int,
    event: Event,
    key: str,
    payload: Mapping[str, Any],
    *,
    integration_id: int | None = None,
    occurred_at: datetime | None = None,
    only: Endpoint | None = None,
) -> Notice | None:
    """Write a notice and a delivery for everybody who wants it; None if the key was told before.

    To be called in the transaction of what is told: both are there, or neither. payload: JSON
    without secrets. only: the one endpoint that gets it.
    """
    assert connection.in_atomic_block, "a notice is written with what it tells"
    now = timezone.now()
    with tenant_scope(tenant_id):
        notice, is_new = Notice.objects.get_or_create(
            tenant_id=tenant_id,
            key=key,
            defaults={
                "event": event,
                "integration_id": integration_id,
                "payload": dict(payload),
                "occurred_at": occurred_at or now,
            },
        )
        if not is_new:
            return None
        endpoints = [only] if only is not None else _endpoints(event, integration_id)
        users = [] if only is not None else _users(tenant_id, event)
        Delivery.objects.bulk_create(_deliveries(notice, endpoints, users, now))
    transaction.on_commit(WAKE.set)
    found: Notice = notice
    return found


def _deliveries(
    notice: Notice, endpoints: Iterable[Endpoint], users: Iterable[int], now: datetime
) -> list[Delivery]:
    """Return them not saved, each with an id of its own."""
    whom: list[dict[str, Any]] = [{"endpoint": each} for each in endpoints]
    whom += [{"user_id": each} for each in users]
    return [
        Delivery(
            tenant_id=notice.tenant_id,
            notice=notice,
            message_id=f"msg_{secrets.token_hex(16)}",
            next_at=now,
            **each,
        )
        for each in whom
    ]


def _endpoints(event: Event, integration_id: int | None) -> list[Endpoint]:
    return [
        each
        for each in Endpoint.objects.filter(is_active=True)
        if event in each.events
        and (not each.integration_ids or integration_id in (None, *each.integration_ids))
    ]


def _users(tenant_id: int, event: Event) -> list[int]:
    """Return the ids of those who are told by e-mail: members who chose the event and, of a
    webhook that was switched off, every administrator."""
    if not settings.MAIL_IS_ON:
        return []
    subscriptions = Subscription.objects.values_list("user_id", "events")
    chosen = [user_id for user_id, events in subscriptions if event in events]
    of_tenant = Q(memberships__tenant_id=tenant_id)
    told = of_tenant & Q(pk__in=chosen)
    if event == Event.WEBHOOK_DISABLED:
        told |= Q(memberships__tenant_id=tenant_id, memberships__role=Role.ADMIN)
    users = get_user_model().objects.filter(told, is_active=True).exclude(email="")
    return sorted(set(users.values_list("pk", flat=True)))
