"""Tenants with endpoints and notices, and receivers that listen on this machine."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from notices import courier
from notices.endpoints import Values, make
from notices.events import CHOSEN, Event
from notices.models import Attempt, Delivery, Endpoint, Notice, Subscription
from notices.telling import tell
from tenants.models import Membership, Role, Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.wire import Script, Wire, always, answer, listening

EVERY_EVENT = tuple(value for value, _ in CHOSEN)
OK = always(answer(b""))
PAYLOAD = {
    "run": {"id": 7, "mode": "incremental", "state": "completed", "records": 3, "rows": 3},
    "integration": {"id": 1, "name": "jira", "provider": "jira"},
}


@dataclass(frozen=True)
class Got:
    """A request as a receiver got it. headers: by their names in small letters."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The body."""
        return json.loads(self.body)


def got(wire: Wire) -> list[Got]:
    """Return what a receiver has got, in order."""
    found = []
    for request in wire.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
        found.append(
            Got({name.decode().lower(): value.decode().strip() for name, _, value in lines}, body)
        )
    return found


@contextmanager
def receiver(tenant: Tenant, script: Script = OK, **values: Any) -> Iterator[tuple[Wire, Endpoint]]:
    """Give a receiver of every event, and its endpoint."""
    with listening(script) as wire:
        yield wire, endpoint(tenant, f"{wire.url}/hook", **values)[0]


def new_tenant(slug: str = "acme") -> Tenant:
    """Make a tenant."""
    tenant: Tenant = Tenant.objects.create(slug=slug, name=f"{slug} Ltd")
    return tenant


def endpoint(tenant: Tenant, url: str, **values: Any) -> tuple[Endpoint, str]:
    """Make an endpoint; return it and its secret."""
    whole = {"name": "hook", "events": EVERY_EVENT, **values}
    with tenant_scope(tenant.pk):
        return make(tenant, Values(url=url, **whole))


def member(tenant: Tenant, name: str, role: Role = Role.VIEWER, events: Any = ()) -> User:
    """Make a member with an e-mail address who is told of these events."""
    user = User.objects.create(username=name, email=f"{name}@example.com")
    with tenant_scope(tenant.pk):
        Membership.objects.create(tenant=tenant, user=user, role=role)
        if events:
            Subscription.objects.create(tenant=tenant, user=user, events=list(events))
    return user


def told(
    tenant: Tenant,
    key: str = "run:7",
    event: Event = Event.RUN_FINISHED,
    payload: Mapping[str, Any] = PAYLOAD,
    **more: Any,
) -> Notice | None:
    """Tell something, in a transaction of its own."""
    with transaction.atomic():
        return tell(tenant.pk, event, key, payload, **more)


def deliveries() -> list[Delivery]:
    """Every delivery, as it is in the database now."""
    with every_tenant("test"):
        return list(Delivery.objects.select_related("notice", "endpoint").order_by("id"))


def attempts() -> list[Attempt]:
    """Every attempt, in order."""
    with every_tenant("test"):
        return list(Attempt.objects.order_by("id"))


def fresh(row: Endpoint) -> Endpoint:
    """Return an endpoint as it is in the database now."""
    with every_tenant("test"):
        found: Endpoint = Endpoint.objects.get(pk=row.pk)
        return found


def let_time_pass(**how_long: float) -> None:
    """Let so much time pass for what waits: leases, holds and waits; a minute if not told."""
    by = timedelta(**(how_long or {"minutes": 2}))
    with every_tenant("test"):
        for row in Delivery.objects.filter(state="waiting"):
            leased = row.leased_until and row.leased_until - by
            rows = Delivery.objects.filter(pk=row.pk)
            rows.update(next_at=row.next_at - by, leased_until=leased)
        for hook in Endpoint.objects.all():
            held = hook.held_until and hook.held_until - by
            since = hook.failing_since and hook.failing_since - by
            former = hook.former_until and hook.former_until - by
            Endpoint.objects.filter(pk=hook.pk).update(
                held_until=held, failing_since=since, former_until=former
            )


def deliver() -> int:
    """Make every attempt that is due; return how many."""
    return courier.deliver_all()


def soon() -> Any:
    """Now, as rows have it."""
    return timezone.now()
