"""Runs and tests of a connection keep when the credentials expire, as GitHub's answers tell it.

The sandbox's tokens never expire, so the header is added to what it answers.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from common import http, transport
from integrations.checking import check
from integrations.credentials import change_credentials
from integrations.models import Integration
from tenants.scope import tenant_scope
from tests.live.running import sync
from tests.live.served import Served
from tests.live.striking import small_world

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = "GitHub-Authentication-Token-Expiration"
THEN = datetime(2027, 2, 3, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every answer tell when the token expires."""
    send = transport.send

    def sent(*args: Any, **named: Any) -> Any:
        received = send(*args, **named)
        received.headers[HEADER] = f"{THEN:%Y-%m-%d %H:%M:%S} UTC"
        return received

    monkeypatch.setattr(http, "send", sent)


@pytest.fixture
def source() -> Iterator[Served]:
    """A small GitHub."""
    with small_world("github") as found:
        yield found


def expiry(integration: Integration) -> datetime | None:
    """Return when its credentials expire, as it is kept."""
    with tenant_scope(integration.tenant_id):
        integration.refresh_from_db()
    return integration.credentials_expire_at


def test_a_run_and_a_test_keep_it_and_other_credentials_forget_it(source: Served) -> None:
    integration = source.connect("github")
    assert expiry(integration) is None
    sync(integration)
    assert expiry(integration) == THEN
    with tenant_scope(integration.tenant_id):
        change_credentials(integration, "token", {"token": source.ready["github"]["token"]})
    assert expiry(integration) is None
    with tenant_scope(integration.tenant_id):
        check(integration)
    assert expiry(integration) == THEN
