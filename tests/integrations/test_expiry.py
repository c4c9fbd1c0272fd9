"""When credentials expire is kept as the source tells it, and read from nothing else."""

from datetime import UTC, datetime

import pytest

from integrations.expiry import note_expiry, parse_expiry
from integrations.models import Integration
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.common.sites import site_at
from tests.wire import always, answer, listening


@pytest.mark.django_db
def test_the_source_tells_when_a_token_expires() -> None:
    header = "GitHub-Authentication-Token-Expiration: 2027-02-03 12:00:00 +0200"
    with listening(always(answer(b"{}", headers=(header,)))) as wire:
        site = site_at(wire.url, watched="github-authentication-token-expiration")
        site.get("/user")
    tenant = Tenant.objects.create(slug="acme", name="Acme")
    with tenant_scope(tenant.pk):
        row = Integration.objects.create(tenant=tenant, provider="github", name="github")
        note_expiry(row, site)
        row.refresh_from_db()
        assert row.credentials_expire_at == datetime(2027, 2, 3, 10, tzinfo=UTC)
        row.credentials = "others, meanwhile"
        site.seen = "2028-01-01 00:00:00 UTC"
        note_expiry(row, site)
        row.refresh_from_db()
        assert row.credentials_expire_at == datetime(2027, 2, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "2027-02-30 00:00:00 UTC", "2027-02-03"])
def test_what_tells_no_instant_is_passed_over(text: str) -> None:
    assert parse_expiry(text) is None
    assert parse_expiry("2027-02-03 12:00:00 UTC") == datetime(2027, 2, 3, 12, tzinfo=UTC)
