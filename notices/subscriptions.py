"""What a member is told by e-mail: what the admin and the API both call. In the tenant's scope."""

from collections.abc import Sequence
from typing import Any

from common.errors import UsageError
from integrations.errors import FieldError
from notices.events import CHOSEN
from notices.models import Subscription
from tenants.models import Membership, Tenant


def events_of(tenant: Tenant, user: Any) -> list[str]:
    """Return the events that a user is told of, in the order of CHOSEN."""
    found = Subscription.objects.filter(tenant=tenant, user=user)
    chosen = found.values_list("events", flat=True).first() or []
    return [value for value, _ in CHOSEN if value in chosen]


def subscribe(tenant: Tenant, user: Any, events: Sequence[str]) -> list[str]:
    """Let a user be told of these events and no others; return them.

    Raises FieldError for one that there is not, UsageError for who is no member.
    """
    known = [value for value, _ in CHOSEN]
    if unknown := sorted(set(events) - set(known)):
        raise FieldError("events", f"there is no {', '.join(unknown)[:200]}")
    if not Membership.objects.filter(tenant=tenant, user=user).exists():
        raise UsageError(f"only members are told of what happens in {tenant.name}")
    chosen = [each for each in known if each in events]
    Subscription.objects.update_or_create(tenant=tenant, user=user, defaults={"events": chosen})
    return chosen
