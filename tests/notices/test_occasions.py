"""New values without a rule, credentials about to expire, and what is old: told, and forgotten."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import Integration
from notices import expiry, pruning, unmapped
from notices.events import Event
from notices.models import Attempt, Delivery, Notice
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.conftest import OWN
from tests.mappings.inbox_world import Imported
from tests.notices.world import deliver, receiver, told

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def notices(event: Event) -> list[Notice]:
    """Every notice of an event, in order."""
    with every_tenant("test"):
        return list(Notice.objects.filter(event=event).order_by("id"))


# ---- values


@pytest.mark.django_db(transaction=True)
def test_new_values_are_told_once_at_the_end_of_a_run_and_again_when_they_come_back() -> None:
    world = Imported("acme", OWN)
    before = len(notices(Event.VALUES_UNMAPPED))

    def look() -> None:
        unmapped.tell_unmapped(world.integration, timezone.now(), "test")

    look()
    assert len(notices(Event.VALUES_UNMAPPED)) == before, "nothing came since the import"
    world.forget(types=["Story", "Bug"], levels=[0], categories=True)
    look()
    look()
    (found,) = notices(Event.VALUES_UNMAPPED)[before:]
    entries = world.entries()
    assert found.payload["count"] >= 2
    assert len(found.payload["values"]) == min(found.payload["count"], unmapped.NAMED)
    assert all(f"{each['kind']} {each['name']}" in entries for each in found.payload["values"])
    assert sum(each["items"] for each in found.payload["values"]) > 0


@pytest.mark.django_db(transaction=True)
def test_items_are_counted_only_of_values_that_are_new() -> None:
    world = Imported("acme", OWN)
    world.forget(types=["Story", "Bug"], levels=[0], categories=True)
    unmapped.tell_unmapped(world.integration, timezone.now(), "test")
    before = len(notices(Event.VALUES_UNMAPPED))
    assert world.entries()
    with CaptureQueriesContext(connection) as queries:
        unmapped.tell_unmapped(world.integration, timezone.now(), "test")
    assert len(notices(Event.VALUES_UNMAPPED)) == before
    assert not any("work_items" in each["sql"] for each in queries)


def test_at_most_twenty_values_are_named(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    from mappings.inbox import Entry, Kind

    with tenant_scope(tenant.pk):
        row = Integration.objects.create(tenant=tenant, provider="jira", name="jira")
        many = [Entry(Kind.TYPE, row, name=f"type {number}") for number in range(25)]
        monkeypatch.setattr(unmapped, "_entries", lambda _: many)
        unmapped.tell_unmapped(row, timezone.now(), "run:1")
        monkeypatch.setattr(
            unmapped, "_entries", lambda _: [*many, Entry(Kind.TYPE, row, name="new")]
        )
        unmapped.tell_unmapped(row, timezone.now(), "run:2")
    first, second = notices(Event.VALUES_UNMAPPED)
    assert (first.payload["count"], len(first.payload["values"])) == (25, 20)
    assert [each["name"] for each in second.payload["values"]] == ["new"]


# ---- credentials


@pytest.fixture
def expiring(tenant: Tenant) -> Callable[[timedelta], Integration]:
    """Makes an integration whose credentials expire so long after NOW."""

    def made(left: timedelta) -> Integration:
        with tenant_scope(tenant.pk):
            row: Integration = Integration.objects.create(
                tenant=tenant, provider="github", name="github", credentials_expire_at=NOW + left
            )
        return row

    return made


def test_credentials_are_told_of_at_14_3_and_0_days_once_each(
    expiring: Callable[[timedelta], Integration],
) -> None:
    row = expiring(timedelta(days=20))
    for day in range(40):
        for _ in range(2):
            expiry.look(NOW + timedelta(days=day))
    left = [each.payload["days_left"] for each in notices(Event.CREDENTIALS_EXPIRING)]
    assert left == [14, 3, 0]
    with tenant_scope(row.tenant_id):
        Integration.objects.update(credentials_expire_at=NOW + timedelta(days=60))
    expiry.look(NOW + timedelta(days=58))
    assert len(notices(Event.CREDENTIALS_EXPIRING)) == 4, "new credentials are told of anew"


def test_credentials_that_expire_later_or_never_or_of_nobody_are_not_told_of(
    expiring: Callable[[timedelta], Integration],
) -> None:
    row = expiring(timedelta(days=15))
    assert expiry.look(NOW) == 0
    with tenant_scope(row.tenant_id):
        Integration.objects.update(credentials_expire_at=NOW, is_active=False)
    assert expiry.look(NOW) == 0


# ---- what is old


def test_old_notices_are_forgotten_with_the_log_of_their_deliveries(tenant: Tenant) -> None:
    long_ago = timezone.now() - timedelta(days=91)
    with receiver(tenant):
        told(tenant, "run:1", occurred_at=long_ago)
        told(tenant, "run:2")
        deliver()
    assert pruning.prune() == 1
    with every_tenant("test"):
        assert [each.key for each in Notice.objects.all()] == ["run:2"]
        assert (Delivery.objects.count(), Attempt.objects.count()) == (1, 1)
