"""What a connector sees of its integration."""

from datetime import UTC, datetime
from typing import Any

import pytest

from common.errors import UsageError
from integrations.contract import Live
from integrations.live import LiveSource
from integrations.models import Checkpoint, Integration
from integrations.registry import connectors
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.integrations.vault import Vault, VaultSettings

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def integration(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(connectors(), "vault", Vault())
    tenant = Tenant.objects.create(slug="acme", name="Acme")
    with tenant_scope(tenant.pk):
        yield Integration.objects.create(tenant=tenant, provider="vault", name="vault")


def live(integration: Integration, **options: Any) -> LiveSource:
    return LiveSource(integration, **{"mode": "incremental", "started_at": NOW, **options})


def test_it_is_what_the_contract_says(integration: Integration) -> None:
    source: Live = live(integration)
    assert source.started_at == NOW


def test_settings_given_as_text_become_what_the_provider_declares(
    integration: Integration,
) -> None:
    integration.settings = {"page_size": "50", "archived": "true"}
    assert live(integration).settings == VaultSettings(page_size=50, archived=True)
    integration.settings = {"page_size": "many"}
    with pytest.raises(UsageError, match=r"settings of integration vault: .*page_size"):
        live(integration)


def test_a_mark_is_the_checkpoint_and_in_a_full_run_there_is_none(
    integration: Integration,
) -> None:
    owned = {"tenant_id": integration.tenant_id, "integration": integration, "stream": "issues"}
    Checkpoint.objects.create(**owned, part="1", value={"updated": 5}, pending={"value": 9})
    Checkpoint.objects.create(**owned, part="2", value=None, pending={"value": 9})
    source = live(integration)
    assert source.mark("issues", "1") == {"updated": 5}
    assert source.mark("issues", "2") is None
    assert source.mark("issues", "3") is None
    assert source.mark("sprints", "1") is None
    assert live(integration, mode="full").mark("issues", "1") is None


def test_the_window_of_a_backfill_is_two_instants(integration: Integration) -> None:
    window = {"since": "2026-01-01T00:00:00+00:00", "until": None}
    source = live(integration, mode="backfill", window=window)
    assert source.since == datetime(2026, 1, 1, tzinfo=UTC)
    assert source.until is None
    assert live(integration).since is None


def test_what_is_loaded_and_resumed_is_what_the_caller_knows(integration: Integration) -> None:
    source = live(
        integration,
        resumed=[("issues", "1")],
        loaded_ids=lambda table, part: [f"{table} {part}"],
    )
    assert source.is_resumed("issues", "1")
    assert not source.is_resumed("issues", "2")
    assert source.loaded_ids("work_items", "1") == ["work_items 1"]
    assert source.loaded_ids("projects") == ["projects "]
    assert live(integration).loaded_ids("projects") == []


def test_nobody_signs_in_before_the_site_is_used(integration: Integration) -> None:
    source = live(integration)
    with pytest.raises(UsageError, match="has no credentials"):
        source.site.get("a")
