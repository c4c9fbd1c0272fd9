"""Integrations in the admin: credentials stay with the address that they were given for."""

import pytest
from django.test import Client

from integrations.credentials import store_credentials
from integrations.models import Integration
from tenants.scope import tenant_scope
from tests.admin.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def connected() -> World:
    """A tenant whose Jira is connected."""
    world = make_world("ours")
    integration = world.row(Integration)
    with tenant_scope(world.tenant.pk):
        integration.provider = "jira"
        integration.base_url = "https://jira.example.com"
        integration.settings, integration.credentials = {}, ""
        integration.save()
        store_credentials(
            integration, "basic", {"user": "a@example.com", "token": "a-secret-token"}
        )
    return world


def saved(world: World, **changed: str) -> tuple[str, Integration]:
    """Save the integration's form with other values; return the page and the row."""
    client = Client()
    client.force_login(world.members["admin"])
    given = {"base_url": "https://jira.example.com", "settings": "{}", "is_active": "on"}
    answer = client.post(
        f"/admin/integrations/integration/{world.row(Integration).pk}/change/", {**given, **changed}
    )
    with tenant_scope(world.tenant.pk):
        return answer.content.decode(), Integration.objects.get(pk=world.row(Integration).pk)


def test_credentials_are_never_shown(connected: World) -> None:
    client = Client()
    client.force_login(connected.members["admin"])
    page = client.get(f"/admin/integrations/integration/{connected.row(Integration).pk}/change/")
    assert "the credentials are sealed" in page.content.decode()
    assert "a-secret-token" not in page.content.decode()
    assert connected.row(Integration).credentials[:40] not in page.content.decode()


def test_another_address_does_not_get_the_credentials_of_the_present_one(connected: World) -> None:
    page, row = saved(connected, base_url="https://jira.example.org")
    assert "must not be sent elsewhere" in page
    assert row.base_url == "https://jira.example.com"


@pytest.mark.parametrize("name", ["token_url", "gateway_url"])
def test_nor_does_another_address_among_the_settings(connected: World, name: str) -> None:
    page, row = saved(connected, settings=f'{{"{name}": "https://evil.example.org"}}')
    assert "must not be sent elsewhere" in page
    assert row.settings == {}


def test_an_address_inside_the_network_is_refused(connected: World) -> None:
    page, row = saved(connected, base_url="http://127.0.0.1:6379")
    assert row.base_url == "https://jira.example.com"
    assert "errorlist" in page or "127.0.0.1" in page


def test_other_settings_are_saved(connected: World) -> None:
    _, row = saved(connected, settings='{"projects": "WEB"}')
    assert row.settings == {"projects": "WEB"}
