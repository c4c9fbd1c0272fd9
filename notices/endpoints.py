"""Endpoints made, changed, switched, tested: what the admin and the API both call.

All of it in the tenant's scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils import timezone

from common.errors import UsageError
from integrations import egress
from integrations.errors import FieldError
from integrations.models import Integration
from notices.events import CHOSEN, Event
from notices.models import Delivery, Endpoint
from notices.secrets import give_secret
from notices.telling import tell
from tenants.models import Tenant

MOST: Final = 20
"""So many webhooks a tenant may have."""
_LONGEST: Final = 500


@dataclass(frozen=True)
class Values:
    """What people say of an endpoint. integration_ids: empty for all, those to come, too."""

    name: str
    url: str
    events: Sequence[str]
    integration_ids: Sequence[int] = ()
    is_active: bool = True


def make(tenant: Tenant, values: Values) -> tuple[Endpoint, str]:
    """Make an endpoint; return it and its secret, which is told this once.

    Raises FieldError for a value that is not taken, UsageError if there are MOST already.
    """
    with transaction.atomic():
        Tenant.objects.select_for_update().get(pk=tenant.pk)  # or two could pass the limit
        check_room()
        row = Endpoint(tenant=tenant)
        _take(row, values)
        row.save()
        secret = give_secret(row, timezone.now())
        row.save(update_fields=("secret", "former_until"))
    return row, secret


def check_room() -> None:
    """Raise UsageError if the tenant has MOST webhooks already."""
    if Endpoint.objects.count() >= MOST:
        raise UsageError(f"there are {MOST} webhooks already: remove one first")


def change(row: Endpoint, values: Values) -> None:
    """Change an endpoint, whose row is locked. Raises FieldError for a value that is not taken."""
    was_active = row.is_active
    _take(row, values)
    if row.is_active and not was_active:
        _begin_anew(row)
    row.save()


def set_active(row: Endpoint, is_active: bool) -> bool:
    """Switch an endpoint on or off; return whether it was otherwise. What waits while it is off
    is given up."""
    if row.is_active == is_active:
        return False
    row.is_active = is_active
    if is_active:
        _begin_anew(row)
    row.save()
    return True


def rotate(row: Endpoint) -> str:
    """Give an endpoint another secret and return it; the former signs beside it for a day."""
    secret = give_secret(row, timezone.now())
    row.save(update_fields=("secret", "former_until", "updated_at"))
    return secret


def ping(row: Endpoint) -> Delivery:
    """Put a test on its way, to this endpoint alone, also if it is off; it is tried once."""
    now = timezone.now()
    with transaction.atomic():
        notice = tell(
            row.tenant_id,
            Event.PING,
            f"ping:{row.pk}:{now.isoformat()}",
            {"webhook": {"id": row.pk, "name": row.name}},
            only=row,
        )
        assert notice is not None
        delivery: Delivery = Delivery.objects.get(notice=notice)
    return delivery


def send_again(delivery: Delivery) -> None:
    """Put a delivery on its way once more, by the same id: who has it may know it by that.

    Its fence is raised, so an attempt whose lease ran out cannot note anything any more.
    Raises UsageError if it is being sent at this moment.
    """
    now = timezone.now()
    idle = Delivery.objects.filter(pk=delivery.pk, fence=delivery.fence)
    if delivery.leased_until is not None and delivery.leased_until > now:
        idle = idle.none()
    with transaction.atomic():
        if not idle.update(
            state=Delivery.State.WAITING,
            attempts=0,
            fence=delivery.fence + 1,
            next_at=now,
            leased_until=None,
            ended_at=None,
        ):
            raise UsageError("it is being sent at this moment: look at it again in a minute")
        Endpoint.objects.filter(pk=delivery.endpoint_id).update(held_until=None)


def checked(values: Values, row: Endpoint | None = None) -> Values:
    """Return the values in their one form; raise FieldError for one that is not taken.

    row: of which they are; an integration that it has may have been removed meanwhile.
    """
    name = " ".join(values.name.split())
    if not 1 <= len(name) <= 100:
        raise FieldError("name", "give 1 to 100 characters")
    return Values(
        name=name,
        url=checked_url(values.url),
        events=_events(values.events),
        integration_ids=_integrations(values.integration_ids, row.integration_ids if row else ()),
        is_active=values.is_active,
    )


def _begin_anew(row: Endpoint) -> None:
    row.failures, row.failing_since, row.held_until, row.disabled_because = 0, None, None, ""


def _take(row: Endpoint, values: Values) -> None:
    found = checked(values, row)
    if found.url != row.url:
        row.failures, row.failing_since, row.held_until = 0, None, None
    row.name, row.url, row.is_active = found.name, found.url, found.is_active
    row.events, row.integration_ids = list(found.events), list(found.integration_ids)


def checked_url(url: str) -> str:
    """Return an address in its one form; it may have a query, and may end with a slash.

    Raises FieldError if nothing may be sent there.
    """
    base, mark, query = url.strip().partition("?")
    if not query.isprintable() or not query.isascii() or any(each in query for each in " #\\"):
        raise FieldError("url", "what stands after the ? has to be percent-encoded, without #")
    try:
        found = egress.check_url(base)
    except UsageError as error:
        raise FieldError("url", str(error)) from None
    found += "/" if base.endswith("/") else ""
    found += mark + query if query else ""
    if len(found) > _LONGEST:
        raise FieldError("url", f"an address has at most {_LONGEST} characters")
    return found


def _events(events: Sequence[str]) -> list[str]:
    known = [value for value, _ in CHOSEN]
    if unknown := sorted(set(events) - set(known)):
        raise FieldError(
            "events", f"there is no {', '.join(unknown)[:200]}; there are: {', '.join(known)}"
        )
    if not events:
        raise FieldError("events", "choose at least one event")
    return [each for each in known if each in events]


def _integrations(ids: Sequence[int], kept: Sequence[int]) -> list[int]:
    wanted = sorted(set(ids))
    found = set(kept) | set(Integration.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    if missing := [each for each in wanted if each not in found]:
        raise FieldError(
            "integrations", f"there is none with the id {', '.join(map(str, missing[:20]))}"
        )
    return wanted
